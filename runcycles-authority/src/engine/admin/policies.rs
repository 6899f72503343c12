//! Policies: created and changed.

use std::sync::Arc;

use runcycles::models::{ActionQuota, ActionRules, Caps, RiskClassQuota};

use super::tenants::{check_open, find_open};
use super::{AdminRefusal, Page, Paging};
use crate::clock::Millis;
use crate::engine::{Command, SortValue};
use crate::pattern::ScopePattern;
use crate::state::{Overage, Policy, RateLimits, State, TenantId, TtlOverride};

/// What may be set of a policy; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyChanges {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) priority: Option<i64>,
    pub(crate) caps: Option<Caps>,
    pub(crate) overage: Option<Overage>,
    pub(crate) ttl: Option<TtlOverride>,
    pub(crate) rate_limits: Option<RateLimits>,
    pub(crate) effective_from: Option<Millis>,
    pub(crate) effective_until: Option<Millis>,
    pub(crate) enabled: Option<bool>,
    pub(crate) rules: RuleChanges,
}

/// Lists of rules to put in the place of those that are there; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleChanges {
    pub(crate) allowed: Option<Vec<String>>,
    pub(crate) denied: Option<Vec<String>>,
    pub(crate) quotas: Option<Vec<ActionQuota>>,
    pub(crate) risk_class_quotas: Option<Vec<RiskClassQuota>>,
}

impl From<ActionRules> for RuleChanges {
    fn from(rules: ActionRules) -> Self {
        Self {
            allowed: Some(rules.allowed_action_kinds),
            denied: Some(rules.denied_action_kinds),
            quotas: Some(rules.action_quotas),
            risk_class_quotas: Some(rules.risk_class_quotas),
        }
    }
}

impl RuleChanges {
    /// The rules as they would be, or what is wrong with them.
    fn make(&self, rules: Option<&ActionRules>) -> Result<Option<Arc<ActionRules>>, AdminRefusal> {
        let mut rules = rules.cloned().unwrap_or_default();
        let Self { allowed, denied, quotas, risk_class_quotas } = self;
        if let Some(list) = allowed {
            rules.allowed_action_kinds.clone_from(list);
        }
        if let Some(list) = denied {
            rules.denied_action_kinds.clone_from(list);
        }
        if let Some(list) = quotas {
            rules.action_quotas.clone_from(list);
        }
        if let Some(list) = risk_class_quotas {
            rules.risk_class_quotas.clone_from(list);
        }
        match rules.validate() {
            Ok(()) => Ok((!rules.is_empty()).then(|| Arc::new(rules))),
            Err(error) => Err(AdminRefusal::Invalid { message: format!("Validation failed: {error}") }),
        }
    }
}

impl PolicyChanges {
    fn make(self, policy: &mut Policy) {
        if let Some(name) = self.name {
            policy.name = name;
        }
        policy.description = self.description.or(policy.description.take());
        policy.priority = self.priority.unwrap_or(policy.priority);
        policy.caps = self.caps.map(Arc::new).or(policy.caps.take());
        policy.overage = self.overage.or(policy.overage);
        policy.ttl = self.ttl.unwrap_or(policy.ttl);
        policy.rate_limits = self.rate_limits.unwrap_or(policy.rate_limits);
        policy.effective_from = self.effective_from.or(policy.effective_from);
        policy.effective_until = self.effective_until.or(policy.effective_until);
        policy.enabled = self.enabled.unwrap_or(policy.enabled);
    }
}

/// A policy to add.
#[derive(Debug)]
pub(crate) struct NewPolicy {
    pub(crate) id: Arc<str>,
    pub(crate) pattern: ScopePattern,
    pub(crate) settings: PolicyChanges,
}

/// Adds a policy.
#[derive(Debug)]
pub(crate) struct CreatePolicy<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) policy: NewPolicy,
}

impl Command for CreatePolicy<'_> {
    type Outcome = Result<Policy, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let tenant = find_open(state, self.tenant)?;
        let NewPolicy { id, pattern, settings } = self.policy;
        if pattern.tenant().is_some_and(|named| named != self.tenant) {
            let message = format!("Scope pattern {pattern} is not of tenant {}", self.tenant);
            return Err(AdminRefusal::Invalid { message });
        }
        let name = settings.name.clone().unwrap_or_default();
        if state.policies().of_tenant(tenant).any(|known| known.name == name) {
            return Err(AdminRefusal::Duplicate { what: format!("Policy {name:?} exists") });
        }
        let mut policy = Policy {
            id,
            tenant,
            name,
            description: None,
            pattern,
            priority: 0,
            caps: None,
            overage: None,
            ttl: TtlOverride::default(),
            rate_limits: RateLimits::default(),
            effective_from: None,
            effective_until: None,
            enabled: true,
            created_at: now,
            updated_at: None,
            rules: settings.rules.make(None)?,
        };
        settings.make(&mut policy);
        state.insert_policy(policy.clone());
        Ok(policy)
    }
}

/// Changes a policy.
#[derive(Debug)]
pub(crate) struct ChangePolicy<'a> {
    /// The tenant whose key was used; none for the admin key.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) id: &'a str,
    pub(crate) changes: PolicyChanges,
}

impl Command for ChangePolicy<'_> {
    type Outcome = Result<Policy, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let not_found = || AdminRefusal::PolicyNotFound { id: self.id.to_owned() };
        let owner = state.policies().get(self.id).ok_or_else(not_found)?.tenant;
        if self.tenant.is_some_and(|tenant| tenant != owner) {
            return Err(AdminRefusal::OtherTenant);
        }
        check_open(state, owner)?;
        let kept = state.policies().get(self.id).and_then(|policy| policy.rules.clone());
        let rules = self.changes.rules.make(kept.as_deref())?;
        let policy = state.policy_mut(self.id).ok_or_else(not_found)?;
        self.changes.make(policy);
        policy.rules = rules;
        policy.updated_at = Some(now);
        Ok(policy.clone())
    }
}

/// Reads a page of a tenant's policies, those with the highest priority first.
#[derive(Debug)]
pub(crate) struct ListPolicies {
    pub(crate) tenant: String,
    pub(crate) pattern: Option<String>,
    pub(crate) enabled: Option<bool>,
    pub(crate) paging: Paging,
}

impl Command for ListPolicies {
    type Outcome = Page<Policy>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let tenant = state.tenants().find(&self.tenant);
        let rows = tenant.into_iter().flat_map(|tenant| state.policies().of_tenant(tenant)).filter(|policy| {
            self.pattern.as_ref().is_none_or(|pattern| pattern == policy.pattern.as_str())
                && self.enabled.is_none_or(|enabled| enabled == policy.enabled)
        });
        self.paging
            .cut(rows, |policy| (SortValue::Number(u64::try_from(policy.priority).unwrap_or(0)), policy.id.to_string()))
    }
}
