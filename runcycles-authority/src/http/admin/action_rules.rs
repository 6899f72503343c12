//! Which actions a policy lets through, and how often (protocol v0.1.26).

use runcycles::models::{ActionQuota, ActionRules, RiskClass, RiskClassQuota};

use crate::engine::admin::RuleChanges;
use crate::http::json::Object;
use crate::http::object::{Integer, Text, request_object};
use crate::http::violations::Violations;

request_object! {
    QuotaBody {
        action_kind: Text<'de>,
        max_calls: Integer,
        window: Text<'de>,
        host_allowlist: Vec<Text<'de>>,
        recipient_domain_allowlist: Vec<Text<'de>>,
        resource_type_allowlist: Vec<Text<'de>>,
        per_run_counter_ttl_ms: Integer,
        threshold_pct: f64,
    }
}

request_object! {
    RiskClassQuotaBody {
        risk_class: Text<'de>,
        max_calls: Integer,
        window: Text<'de>,
        per_run_counter_ttl_ms: Integer,
        threshold_pct: f64,
    }
}

/// The lists of a body; their limits are checked together, with those that are there already.
pub(super) struct RuleLists<'a, 'de> {
    pub(super) allowed: Option<&'a Vec<Text<'de>>>,
    pub(super) denied: Option<&'a Vec<Text<'de>>>,
    pub(super) quotas: Option<&'a Vec<QuotaBody<'de>>>,
    pub(super) risk_class_quotas: Option<&'a Vec<RiskClassQuotaBody<'de>>>,
}

impl RuleLists<'_, '_> {
    /// Whether there are any.
    pub(super) fn are_given(&self) -> bool {
        self.allowed.is_some() || self.denied.is_some() || self.quotas.is_some() || self.risk_class_quotas.is_some()
    }

    pub(super) fn check(&self, violations: &mut Violations) -> RuleChanges {
        let mut most = |member: &str, calls: Option<Integer>| match calls {
            Some(Integer(calls)) => {
                violations.range(member, calls, 1..=100_000);
                calls.unsigned_abs()
            }
            None => {
                violations.add(member, "must be given");
                0
            }
        };
        let quotas = self.quotas.map(|quotas| {
            let quota = |body: &QuotaBody<'_>| {
                let kind = body.action_kind.as_deref().unwrap_or_default();
                let most = most("action_quotas.max_calls", body.max_calls);
                let mut quota = ActionQuota::new(kind, most, word(body.window.as_ref()).into())
                    .hosts(texts(body.host_allowlist.as_ref()))
                    .recipient_domains(texts(body.recipient_domain_allowlist.as_ref()))
                    .resource_types(texts(body.resource_type_allowlist.as_ref()));
                quota.per_run_counter_ttl_ms = body.per_run_counter_ttl_ms.map(unsigned);
                quota.threshold_pct = body.threshold_pct;
                quota
            };
            quotas.iter().map(quota).collect()
        });
        let risk_class_quotas = self.risk_class_quotas.map(|quotas| {
            let quota = |body: &RiskClassQuotaBody<'_>| {
                let class = RiskClass::from(word(body.risk_class.as_ref()));
                let most = most("risk_class_quotas.max_calls", body.max_calls);
                let mut quota = RiskClassQuota::new(class, most, word(body.window.as_ref()).into());
                quota.per_run_counter_ttl_ms = body.per_run_counter_ttl_ms.map(unsigned);
                quota.threshold_pct = body.threshold_pct;
                quota
            };
            quotas.iter().map(quota).collect()
        });
        RuleChanges {
            allowed: self.allowed.map(|kinds| texts(Some(kinds))),
            denied: self.denied.map(|kinds| texts(Some(kinds))),
            quotas,
            risk_class_quotas,
        }
    }
}

fn word<'a>(text: Option<&'a Text<'_>>) -> &'a str {
    text.map_or("", |text| &**text)
}

fn texts(texts: Option<&Vec<Text<'_>>>) -> Vec<String> {
    texts.into_iter().flatten().map(|text| text.to_string()).collect()
}

/// A number out of range stays one.
fn unsigned(Integer(number): Integer) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Writes the lists that have entries.
pub(super) fn write(object: &mut Object<'_>, rules: &ActionRules) {
    for (name, kinds) in
        [("allowed_action_kinds", &rules.allowed_action_kinds), ("denied_action_kinds", &rules.denied_action_kinds)]
    {
        if !kinds.is_empty() {
            object.value(name, kinds);
        }
    }
    if !rules.action_quotas.is_empty() {
        object.value("action_quotas", &rules.action_quotas);
    }
    if !rules.risk_class_quotas.is_empty() {
        object.value("risk_class_quotas", &rules.risk_class_quotas);
    }
}
