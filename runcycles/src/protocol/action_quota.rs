//! Quotas of actions: how often a kind of action, or all of a risk class, may be done.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::requests::whole_millis;
use super::validation::{ValidationError, check_chars, check_range};
use super::{QuotaWindow, RiskClass};

/// How often actions of a kind may be done (protocol v0.1.26: `ActionQuota`).
///
/// ```
/// use runcycles::models::{ActionQuota, QuotaWindow};
///
/// let quota = ActionQuota::new("message.email.send", 5, QuotaWindow::PerRun).recipient_domains(["customer.com"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ActionQuota {
    /// The kind, compared exactly: 1 to 64 characters.
    pub action_kind: String,
    /// How many reservations: 1 to 100,000.
    pub max_calls: u64,
    /// The time that is counted over.
    pub window: QuotaWindow,
    /// Where it is not empty, the only hosts that the quota is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_allowlist: Vec<String>,
    /// Where it is not empty, the only domains of recipients that the quota is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipient_domain_allowlist: Vec<String>,
    /// Where it is not empty, the only resources that the quota is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_type_allowlist: Vec<String>,
    /// How long the count of a run is kept after its last action: 60,000 to 604,800,000 ms; a day by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_run_counter_ttl_ms: Option<u64>,
    /// The part of the quota at which operators are told, 0.01 to 0.99; 0.8 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_pct: Option<f64>,
}

/// How often actions of a risk class may be done, all kinds together (protocol v0.1.26: `RiskClassQuota`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RiskClassQuota {
    /// The class.
    pub risk_class: RiskClass,
    /// How many reservations: 1 to 100,000.
    pub max_calls: u64,
    /// The time that is counted over.
    pub window: QuotaWindow,
    /// How long the count of a run is kept after its last action: 60,000 to 604,800,000 ms; a day by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_run_counter_ttl_ms: Option<u64>,
    /// The part of the quota at which operators are told, 0.01 to 0.99; 0.8 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_pct: Option<f64>,
}

/// Declares what quotas of both kinds have in common.
macro_rules! quotas {
    ($( $quota:ident ),*) => { $(
        impl $quota {
            /// How long the count of a run is kept after its last action: 1 minute to 7 days; a day by default. For quotas
            /// [per run](QuotaWindow::PerRun) alone.
            pub fn keep_runs_for(mut self, time: Duration) -> Self {
                self.per_run_counter_ttl_ms = Some(whole_millis(time));
                self
            }

            /// The percentage of the quota at which operators are told: 1 to 99; 80 by default.
            pub fn threshold_percent(mut self, percent: u8) -> Self {
                self.threshold_pct = Some(f64::from(percent) / 100.0);
                self
            }

            /// Checks the protocol's limits.
            ///
            /// # Errors
            ///
            /// [`ValidationError`] naming the member at fault.
            pub fn validate(&self) -> Result<(), ValidationError> {
                self.validate_what()?;
                check_range("max_calls", self.max_calls, 1..=100_000)?;
                if matches!(self.window, QuotaWindow::Unknown(_)) {
                    let expected = "per_run, per_minute_tumbling, per_hour_tumbling, per_day_tumbling or per_tenant_per_day";
                    return Err(ValidationError::new("window", format!("{:?}", self.window.as_str()), expected));
                }
                if let Some(ttl) = self.per_run_counter_ttl_ms {
                    if self.window != QuotaWindow::PerRun {
                        let found = format!("one for the window {}", self.window);
                        return Err(ValidationError::new("per_run_counter_ttl_ms", found, "the window per_run"));
                    }
                    check_range("per_run_counter_ttl_ms", ttl, 60_000..=604_800_000)?;
                }
                match self.threshold_pct {
                    Some(part) if !(0.01..=0.99).contains(&part) => {
                        Err(ValidationError::new("threshold_pct", part.to_string(), "0.01 to 0.99"))
                    }
                    _ => Ok(()),
                }
            }
        }
    )* };
}

quotas!(ActionQuota, RiskClassQuota);

impl ActionQuota {
    /// At most so many actions of a kind in a window.
    pub fn new(kind: impl Into<String>, max_calls: u64, window: QuotaWindow) -> Self {
        Self {
            action_kind: kind.into(),
            max_calls,
            window,
            host_allowlist: Vec::new(),
            recipient_domain_allowlist: Vec::new(),
            resource_type_allowlist: Vec::new(),
            per_run_counter_ttl_ms: None,
            threshold_pct: None,
        }
    }

    /// The only hosts that the quota is for: at most 253 characters each.
    pub fn hosts<T: Into<String>>(mut self, hosts: impl IntoIterator<Item = T>) -> Self {
        self.host_allowlist = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// The only domains of recipients that the quota is for: at most 253 characters each.
    pub fn recipient_domains<T: Into<String>>(mut self, domains: impl IntoIterator<Item = T>) -> Self {
        self.recipient_domain_allowlist = domains.into_iter().map(Into::into).collect();
        self
    }

    /// The only resources that the quota is for: at most 128 characters each.
    pub fn resource_types<T: Into<String>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        self.resource_type_allowlist = resources.into_iter().map(Into::into).collect();
        self
    }

    fn validate_what(&self) -> Result<(), ValidationError> {
        check_chars("action_kind", &self.action_kind, 1..=64)?;
        for (field, texts, most) in [
            ("host_allowlist", &self.host_allowlist, 253),
            ("recipient_domain_allowlist", &self.recipient_domain_allowlist, 253),
            ("resource_type_allowlist", &self.resource_type_allowlist, 128),
        ] {
            texts.iter().try_for_each(|text| check_chars(field, text, 1..=most))?;
        }
        Ok(())
    }
}

impl RiskClassQuota {
    /// At most so many actions of a class in a window.
    pub fn new(risk_class: RiskClass, max_calls: u64, window: QuotaWindow) -> Self {
        Self { risk_class, max_calls, window, per_run_counter_ttl_ms: None, threshold_pct: None }
    }

    fn validate_what(&self) -> Result<(), ValidationError> {
        if self.risk_class.order().is_some() {
            return Ok(());
        }
        let expected = "read_only, local_mutation, side_effect, external_side_effect or high_risk";
        Err(ValidationError::new("risk_class", format!("{:?}", self.risk_class.as_str()), expected))
    }
}

/// Which kinds of actions a policy lets through, and how often (protocol v0.1.26: `PolicyExtension`).
///
/// ```
/// use runcycles::models::{ActionQuota, ActionRules, QuotaWindow, RiskClass, RiskClassQuota};
///
/// let rules = ActionRules::new()
///     .deny(["code.deploy"])
///     .quota(ActionQuota::new("message.email.send", 5, QuotaWindow::PerRun))
///     .risk_class_quota(RiskClassQuota::new(RiskClass::HighRisk, 10, QuotaWindow::PerHour));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ActionRules {
    /// Where it is not empty, the only kinds that go through: at most 200.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_action_kinds: Vec<String>,
    /// The kinds that never go through: at most 200. Only one of both lists may have entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied_action_kinds: Vec<String>,
    /// How often kinds go through: at most 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub action_quotas: Vec<ActionQuota>,
    /// How often risk classes go through: at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub risk_class_quotas: Vec<RiskClassQuota>,
}

impl ActionRules {
    /// Every kind goes through, as often as it likes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets these kinds through, beside those before, and no others.
    pub fn allow<T: Into<String>>(mut self, kinds: impl IntoIterator<Item = T>) -> Self {
        self.allowed_action_kinds.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// Lets these kinds not through, nor those before.
    pub fn deny<T: Into<String>>(mut self, kinds: impl IntoIterator<Item = T>) -> Self {
        self.denied_action_kinds.extend(kinds.into_iter().map(Into::into));
        self
    }

    /// Limits how often a kind goes through.
    pub fn quota(mut self, quota: ActionQuota) -> Self {
        self.action_quotas.push(quota);
        self
    }

    /// Limits how often a risk class goes through.
    pub fn risk_class_quota(mut self, quota: RiskClassQuota) -> Self {
        self.risk_class_quotas.push(quota);
        self
    }

    /// Whether everything goes through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the protocol's limits.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] naming the member at fault.
    pub fn validate(&self) -> Result<(), ValidationError> {
        let count = |field, found: usize, most: usize| {
            let wrong = || ValidationError::new(field, format!("{found} entries"), format!("at most {most}"));
            if found > most { Err(wrong()) } else { Ok(()) }
        };
        let lists =
            [("allowed_action_kinds", &self.allowed_action_kinds), ("denied_action_kinds", &self.denied_action_kinds)];
        for (field, kinds) in lists {
            count(field, kinds.len(), 200)?;
            kinds.iter().try_for_each(|kind| check_chars(field, kind, 1..=64))?;
        }
        if lists.iter().all(|(_, kinds)| !kinds.is_empty()) {
            let found = "entries beside allowed_action_kinds";
            return Err(ValidationError::new("denied_action_kinds", found, "entries in one of both lists"));
        }
        count("action_quotas", self.action_quotas.len(), 50)?;
        count("risk_class_quotas", self.risk_class_quotas.len(), 20)?;
        self.action_quotas.iter().try_for_each(ActionQuota::validate)?;
        self.risk_class_quotas.iter().try_for_each(RiskClassQuota::validate)
    }
}
