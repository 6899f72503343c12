//! Policies: terms that hold for all scopes of a pattern.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::admin_request;
use super::tenants::validate_tenant_id;
use crate::protocol::requests::whole_millis;
use crate::protocol::string_enum::string_enum;
use crate::protocol::validation::{check_chars, check_range};
use crate::protocol::wire_object::wire_object;
use crate::protocol::{
    ActionQuota, ActionRules, Caps, CommitOveragePolicy, MAX_AMOUNT, RiskClassQuota, Timestamp, ValidationError,
};

string_enum! {
    /// Whether a policy is meant to hold.
    pub enum PolicyStatus {
        /// It is.
        Active = "ACTIVE",
        /// It is not.
        Disabled = "DISABLED",
    }
}

/// How long reservations below a policy live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReservationTtlOverride {
    /// Where the request does not say: 1,000 to 86,400,000 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_ttl_ms: Option<u64>,
    /// At most: 1,000 to 86,400,000 ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ttl_ms: Option<u64>,
    /// How often one may be extended: 0 to 2³¹ − 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_extensions: Option<u32>,
}

impl ReservationTtlOverride {
    /// Nothing overridden yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long reservations live, where the request does not say: 1 second to 24 hours.
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.default_ttl_ms = Some(whole_millis(ttl));
        self
    }

    /// How long they may live at most: 1 second to 24 hours.
    pub fn max_ttl(mut self, ttl: Duration) -> Self {
        self.max_ttl_ms = Some(whole_millis(ttl));
        self
    }

    /// How often one may be extended: 0 to 2³¹ − 1.
    pub fn max_extensions(mut self, most: u32) -> Self {
        self.max_extensions = Some(most);
        self
    }

    fn validate(&self) -> Result<(), ValidationError> {
        for (field, ttl) in [
            ("reservation_ttl_override.default_ttl_ms", self.default_ttl_ms),
            ("reservation_ttl_override.max_ttl_ms", self.max_ttl_ms),
        ] {
            ttl.map_or(Ok(()), |ttl| check_range(field, ttl, 1_000..=86_400_000))?;
        }
        let most = self.max_extensions.map_or(0, u64::from);
        check_range("reservation_ttl_override.max_extensions", most, 0..=i32::MAX as u64)
    }
}

/// How much may happen in a minute below a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RateLimits {
    /// Reservations: 1 to 2³¹ − 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_reservations_per_minute: Option<u32>,
    /// Commits: 1 to 2³¹ − 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_commits_per_minute: Option<u32>,
}

impl RateLimits {
    /// No limit yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reservations: 1 to 2³¹ − 1.
    pub fn max_reservations_per_minute(mut self, most: u32) -> Self {
        self.max_reservations_per_minute = Some(most);
        self
    }

    /// Commits: 1 to 2³¹ − 1.
    pub fn max_commits_per_minute(mut self, most: u32) -> Self {
        self.max_commits_per_minute = Some(most);
        self
    }

    fn validate(&self) -> Result<(), ValidationError> {
        for (field, most) in [
            ("rate_limits.max_reservations_per_minute", self.max_reservations_per_minute),
            ("rate_limits.max_commits_per_minute", self.max_commits_per_minute),
        ] {
            most.map_or(Ok(()), |most| check_range(field, u64::from(most), 1..=i32::MAX as u64))?;
        }
        Ok(())
    }
}

wire_object! {
    /// A policy (admin plane: `Policy`).
    pub struct Policy {
        required {
            /// Its id.
            policy_id: String,
            /// Its name for people.
            name: String,
            /// The scopes it is for: a scope, or everything below one by `/*`.
            scope_pattern: String,
            /// Whether it is meant to hold.
            status: PolicyStatus,
        }
        optional {
            /// What it is for.
            description: String,
            /// Which policy holds where several match: the one with the highest number.
            priority: u64,
            /// Limits on actions.
            caps: Caps,
            /// What happens when an actual amount is larger than the reserved one.
            commit_overage_policy: CommitOveragePolicy,
            /// How long reservations live.
            reservation_ttl_override: ReservationTtlOverride,
            /// How much may happen in a minute.
            rate_limits: RateLimits,
            /// From when it holds, as the server writes it (ISO 8601).
            effective_from: String,
            /// Until when.
            effective_until: String,
            /// When it was made.
            created_at: String,
            /// When it was last changed.
            updated_at: String,
        }
        list {
            /// Where it is not empty, the only kinds of actions that go through (protocol v0.1.26, as those below).
            allowed_action_kinds: String,
            /// The kinds of actions that never go through.
            denied_action_kinds: String,
            /// How often kinds of actions go through.
            action_quotas: ActionQuota,
            /// How often risk classes go through.
            risk_class_quotas: RiskClassQuota,
        }
    }
}

impl Policy {
    /// Which kinds of actions it lets through, and how often (protocol v0.1.26).
    pub fn action_rules(&self) -> ActionRules {
        let mut rules = ActionRules::new().allow(&self.allowed_action_kinds).deny(&self.denied_action_kinds);
        rules.action_quotas.clone_from(&self.action_quotas);
        rules.risk_class_quotas.clone_from(&self.risk_class_quotas);
        rules
    }
}

wire_object! {
    /// A page of policies.
    pub struct PolicyPage {
        required {
            /// The policies.
            policies: Vec<Policy>,
        }
        optional {
            /// Where the next page starts.
            next_cursor: String,
            /// Whether there is a next page.
            has_more: bool,
        }
        list {}
    }
}

admin_request! {
    /// A policy to create.
    pub struct NewPolicy {
        /// A policy of a tenant, with a name of 1 to 256 characters, for a scope such as `tenant:acme/app:chatbot`, or for all
        /// scopes below one: `tenant:acme/*`.
        new {
            tenant_id: String,
            name: String,
            scope_pattern: String,
        }
        optional {
            /// What it is for: at most 1,024 characters.
            description: String,
            /// Which policy holds where several match: the one with the highest number; 0 by default.
            priority: u32,
            /// Limits on actions.
            caps: Caps,
            /// What happens when an actual amount is larger than the reserved one.
            commit_overage_policy: CommitOveragePolicy,
            /// How long reservations live.
            reservation_ttl_override: ReservationTtlOverride,
            /// How much may happen in a minute.
            rate_limits: RateLimits,
        }
        by_hand {
            effective_from: String,
            effective_until: String,
            allowed_action_kinds: Vec<String>,
            denied_action_kinds: Vec<String>,
            action_quotas: Vec<ActionQuota>,
            risk_class_quotas: Vec<RiskClassQuota>,
        }
    }
}

admin_request! {
    /// What to change of a policy; the rest stays as it is. Its pattern cannot change.
    pub struct PolicyChanges {
        /// No change yet.
        new {}
        optional {
            /// Its name: 1 to 256 characters.
            name: String,
            /// What it is for: at most 1,024 characters.
            description: String,
            /// Which policy holds where several match: the one with the highest number.
            priority: u32,
            /// Limits on actions.
            caps: Caps,
            /// What happens when an actual amount is larger than the reserved one.
            commit_overage_policy: CommitOveragePolicy,
            /// How long reservations live.
            reservation_ttl_override: ReservationTtlOverride,
            /// How much may happen in a minute.
            rate_limits: RateLimits,
            /// Whether it is meant to hold.
            status: PolicyStatus,
        }
        by_hand {
            effective_from: String,
            effective_until: String,
            allowed_action_kinds: Vec<String>,
            denied_action_kinds: Vec<String>,
            action_quotas: Vec<ActionQuota>,
            risk_class_quotas: Vec<RiskClassQuota>,
        }
    }
}

/// Declares what creating and changing a policy have in common.
macro_rules! policy_terms {
    ($( $request:ident ),*) => { $(
        impl $request {
            /// From when it holds.
            pub fn effective_from(mut self, time: impl Into<Timestamp>) -> Self {
                self.effective_from = Some(time.into().to_string());
                self
            }

            /// Until when it holds.
            pub fn effective_until(mut self, time: impl Into<Timestamp>) -> Self {
                self.effective_until = Some(time.into().to_string());
                self
            }

            fn validate_terms(&self) -> Result<(), ValidationError> {
                self.description.as_ref().map_or(Ok(()), |text| check_chars("description", text, 0..=1024))?;
                self.caps.as_ref().map_or(Ok(()), validate_caps)?;
                self.reservation_ttl_override.map_or(Ok(()), |ttl| ttl.validate())?;
                self.rate_limits.map_or(Ok(()), |limits| limits.validate())?;
                let list = |kinds: &Option<Vec<String>>| kinds.clone().unwrap_or_default();
                let mut rules =
                    ActionRules::new().allow(list(&self.allowed_action_kinds)).deny(list(&self.denied_action_kinds));
                rules.action_quotas = self.action_quotas.clone().unwrap_or_default();
                rules.risk_class_quotas = self.risk_class_quotas.clone().unwrap_or_default();
                rules.validate()
            }
        }
    )* };
}

policy_terms!(NewPolicy, PolicyChanges);

impl NewPolicy {
    /// Which kinds of actions go through, and how often (protocol v0.1.26). Servers of v0.1.25 refuse rules.
    pub fn action_rules(mut self, rules: ActionRules) -> Self {
        self.allowed_action_kinds = Some(rules.allowed_action_kinds).filter(|kinds| !kinds.is_empty());
        self.denied_action_kinds = Some(rules.denied_action_kinds).filter(|kinds| !kinds.is_empty());
        self.action_quotas = Some(rules.action_quotas).filter(|quotas| !quotas.is_empty());
        self.risk_class_quotas = Some(rules.risk_class_quotas).filter(|quotas| !quotas.is_empty());
        self
    }

    /// Checks the plane's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        validate_tenant_id(&self.tenant_id)?;
        check_chars("name", &self.name, 1..=256)?;
        if !self.scope_pattern.starts_with("tenant:") {
            let found = format!("{:?}", self.scope_pattern);
            return Err(ValidationError::new(
                "scope_pattern",
                found,
                "a scope that starts with tenant:, or one and /*",
            ));
        }
        self.validate_terms()
    }
}

impl PolicyChanges {
    /// Which kinds of actions go through, and how often, in place of all rules that are there (protocol v0.1.26). What has been
    /// counted stays counted.
    pub fn action_rules(mut self, rules: ActionRules) -> Self {
        self.allowed_action_kinds = Some(rules.allowed_action_kinds);
        self.denied_action_kinds = Some(rules.denied_action_kinds);
        self.action_quotas = Some(rules.action_quotas);
        self.risk_class_quotas = Some(rules.risk_class_quotas);
        self
    }

    /// Checks the plane's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        self.name.as_ref().map_or(Ok(()), |name| check_chars("name", name, 1..=256))?;
        self.validate_terms()
    }
}

fn validate_caps(caps: &Caps) -> Result<(), ValidationError> {
    for (field, value) in [
        ("caps.max_tokens", caps.max_tokens),
        ("caps.max_steps_remaining", caps.max_steps_remaining),
        ("caps.cooldown_ms", caps.cooldown_ms),
    ] {
        value.map_or(Ok(()), |value| check_range(field, value, 0..=MAX_AMOUNT))?;
    }
    for (field, tools) in [("caps.tool_allowlist", &caps.tool_allowlist), ("caps.tool_denylist", &caps.tool_denylist)] {
        tools.iter().try_for_each(|tool| check_chars(field, tool, 0..=256))?;
    }
    Ok(())
}
