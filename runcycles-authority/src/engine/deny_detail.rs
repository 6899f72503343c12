//! Denials in detail (protocol v0.1.26).

use runcycles::models::{DenyDetail, QuotaViolation};

use super::{Denial, Reason};

impl Denial {
    /// Which rule said no, and what would change that; nothing where the authority does not speak the extension.
    pub(crate) fn detail(&self) -> Option<DenyDetail> {
        if !self.is_explained {
            return None;
        }
        let mut detail = DenyDetail::new(self.reason_code());
        detail.blocked_by_scope = Some(self.scope.to_string());
        detail.blocked_by_policy = self.rule.as_ref().map(|rule| rule.policy.id.to_string());
        detail.suggested_fix = self.suggested_fix();
        if matches!(self.reason, Reason::Exceeded) {
            detail.budget_remaining = self.remaining;
        }
        if let (Reason::Quota(hit), Some(rule)) = (&self.reason, &self.rule) {
            let key = &hit.key;
            let (kind, scope) = (rule.kind.to_string(), key.scope.to_string());
            let mut violation = QuotaViolation::new(kind, key.window.as_wire(), hit.used, hit.limit, scope);
            violation.window_key = Some(key.instance.to_string());
            violation.policy_id = Some(rule.policy.id.to_string());
            violation.risk_class = key.counted.risk_class().cloned();
            detail.quota_violation = Some(violation);
        }
        Some(detail)
    }

    /// What an operator can do.
    fn suggested_fix(&self) -> Option<String> {
        let Self { scope, unit, .. } = self;
        let of_rule = || self.rule.as_ref().map(|rule| (&rule.kind, &rule.policy.name));
        Some(match &self.reason {
            Reason::Exceeded => {
                let missing = self.remaining.map_or(self.requested, |left| self.requested.saturating_sub(left));
                format!("Fund {scope} by at least {}", unit.amount(missing))
            }
            Reason::Frozen => format!("Unfreeze {scope}"),
            Reason::OverLimit | Reason::OverdraftLimit { .. } => format!("Fund {scope}, which is over its limit"),
            Reason::Debt { debt } => format!("Repay the debt of {} at {scope}", unit.amount(*debt)),
            Reason::NoBudget => format!("Create a budget in {} at {scope}, or above it", unit.as_str()),
            Reason::KindDenied => {
                let (kind, policy) = of_rule()?;
                format!("Take {kind} off denied_action_kinds of the policy '{policy}'")
            }
            Reason::KindNotAllowed => {
                let (kind, policy) = of_rule()?;
                format!("Add {kind} to allowed_action_kinds of the policy '{policy}'")
            }
            Reason::Quota(hit) => {
                let (counted, window) = (&hit.key.counted, hit.key.window.as_wire());
                format!("Raise the quota of {} {counted} actions {window} in the policy '{}'", hit.limit, of_rule()?.1)
            }
            Reason::ExceedsEstimate { .. } | Reason::Closed | Reason::TenantClosed { .. } => return None,
        })
    }
}
