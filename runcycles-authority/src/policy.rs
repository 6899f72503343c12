//! Policies as a builder takes them.

use runcycles::models::{ActionRules, Caps, CommitOveragePolicy};

use crate::engine::admin::{NewPolicy, PolicyChanges, RuleChanges};
use crate::pattern::ScopePattern;
use crate::state::Overage;

/// Limits that come with every reservation whose scopes match a pattern.
///
/// Of the policies that match, the one with the highest priority counts, then the one that matches the innermost scope. A
/// budget's own [caps](crate::Budget::caps) come before any policy's.
///
/// ```
/// use runcycles::models::Caps;
/// use runcycles_authority::Policy;
///
/// let mut caps = Caps::new();
/// caps.max_tokens = Some(512);
/// let policy = Policy::new("short answers", "tenant:acme/agent:*").caps(caps);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a policy does nothing until a builder takes it"]
pub struct Policy {
    pub(crate) name: String,
    pattern: String,
    priority: u32,
    caps: Option<Caps>,
    overage: Option<CommitOveragePolicy>,
    pub(crate) rules: Option<ActionRules>,
}

impl Policy {
    /// A policy for a scope such as `tenant:acme/agent:bot`, for all below one (`tenant:acme/*`), for its children of a level
    /// (`tenant:acme/agent:*`), or for a level anywhere (`agent:*`).
    pub fn new(name: impl Into<String>, scope_pattern: impl Into<String>) -> Self {
        Self { name: name.into(), pattern: scope_pattern.into(), priority: 0, caps: None, overage: None, rules: None }
    }

    /// Higher ones come first; 0 by default.
    pub fn priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// The limits.
    pub fn caps(mut self, caps: Caps) -> Self {
        self.caps = Some(caps);
        self
    }

    /// What happens to spend beyond a reservation where a request does not say.
    pub fn overage_policy(mut self, policy: CommitOveragePolicy) -> Self {
        self.overage = Some(policy);
        self
    }

    /// Which kinds of actions go through, and how often (protocol v0.1.26). Turns on the
    /// [extensions](crate::AuthorityBuilder::protocol_extensions).
    ///
    /// Quotas count reservations at the innermost scope that the policy matches; those per tenant and day count at the tenant. Two
    /// quotas of one kind over one time share a counter. Dry runs and decisions are held to the rules and count for nothing.
    ///
    /// ```
    /// use runcycles::models::{ActionQuota, ActionRules, QuotaWindow};
    /// use runcycles_authority::Policy;
    ///
    /// let few = ActionQuota::new("message.email.send", 5, QuotaWindow::PerRun);
    /// let policy = Policy::new("support", "tenant:acme/agent:*").actions(ActionRules::new().quota(few));
    /// ```
    pub fn actions(mut self, rules: ActionRules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// The policy as the engine takes it, or what is wrong with it.
    pub(crate) fn resolve(self, id: String) -> Result<NewPolicy, String> {
        let pattern = ScopePattern::parse(&self.pattern).map_err(|error| error.to_string())?;
        let overage = match &self.overage {
            None => None,
            Some(policy) => Some(Overage::try_from(policy).map_err(|()| {
                format!("unknown overage policy {policy}, expected REJECT, ALLOW_IF_AVAILABLE or ALLOW_WITH_OVERDRAFT")
            })?),
        };
        let settings = PolicyChanges {
            name: Some(self.name),
            priority: Some(self.priority.into()),
            caps: self.caps,
            overage,
            rules: self.rules.map(RuleChanges::from).unwrap_or_default(),
            ..PolicyChanges::default()
        };
        Ok(NewPolicy { id: id.into(), pattern, settings })
    }
}
