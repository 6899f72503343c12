//! Bodies of requests, as commands.

use std::collections::BTreeMap;
use std::sync::Arc;

use runcycles::models::{Level, Metadata, ObserveMode, PolicyKeys};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::object::{Integer, Text, request_object};
use super::problem::Problem;
use super::violations::Violations;
use crate::clock::Millis;
use crate::engine::SubjectPath;
use crate::scope::{ScopePath, is_level_value};
use crate::state::{NamedAction, Overage};
use crate::unit::Unit;

request_object! {
    ReserveBody {
        idempotency_key: Text<'de>,
        subject: SubjectBody<'de>,
        action: ActionBody<'de>,
        estimate: AmountBody<'de>,
        ttl_ms: Integer,
        grace_period_ms: Integer,
        overage_policy: Text<'de>,
        dry_run: bool,
        metadata: Map<String, Value>,
    } extension {
        observe_mode: Text<'de>,
    }
}

request_object! {
    DecideBody {
        idempotency_key: Text<'de>,
        subject: SubjectBody<'de>,
        action: ActionBody<'de>,
        estimate: AmountBody<'de>,
        metadata: Map<String, Value>,
    }
}

request_object! {
    EventBody {
        idempotency_key: Text<'de>,
        subject: SubjectBody<'de>,
        action: ActionBody<'de>,
        actual: AmountBody<'de>,
        overage_policy: Text<'de>,
        metrics: MetricsBody<'de>,
        client_time_ms: Integer,
        metadata: Map<String, Value>,
    }
}

request_object! {
    CommitBody {
        idempotency_key: Text<'de>,
        actual: AmountBody<'de>,
        metrics: MetricsBody<'de>,
        metadata: Map<String, Value>,
    }
}

request_object! {
    ReleaseBody {
        idempotency_key: Text<'de>,
        reason: Text<'de>,
    }
}

request_object! {
    ExtendBody {
        idempotency_key: Text<'de>,
        extend_by_ms: Integer,
        metadata: Map<String, Value>,
    }
}

request_object! {
    SubjectBody {
        tenant: Text<'de>,
        workspace: Text<'de>,
        app: Text<'de>,
        workflow: Text<'de>,
        agent: Text<'de>,
        toolset: Text<'de>,
        dimensions: BTreeMap<Text<'de>, Text<'de>>,
    }
}

request_object! {
    ActionBody {
        kind: Text<'de>,
        name: Text<'de>,
        tags: Vec<Text<'de>>,
    } extension {
        policy_keys: PolicyKeysBody<'de>,
    }
}

request_object! {
    PolicyKeysBody {
        host: Text<'de>,
        recipient_domain: Text<'de>,
        resource_type: Text<'de>,
        path_prefix: Text<'de>,
        custom: BTreeMap<Text<'de>, Text<'de>>,
    }
}

request_object! {
    AmountBody {
        unit: Text<'de>,
        amount: Integer,
    }
}

request_object! {
    MetricsBody {
        tokens_input: Integer,
        tokens_output: Integer,
        latency_ms: Integer,
        model_version: Text<'de>,
        custom: Map<String, Value>,
    }
}

/// Reads a body's JSON.
pub(super) fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Problem> {
    // The whole body is checked to be text at once, where the parser would check one member after the other.
    let parsed = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
    parsed.map_err(|error| Problem::malformed(&error))
}

/// A checked amount.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckedAmount {
    pub(super) unit: Unit,
    pub(super) value: i64,
}

impl SubjectBody<'_> {
    /// The tenant, if the subject names one.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    fn levels(&self) -> impl Iterator<Item = (Level, &str)> {
        let levels = [
            (Level::Tenant, &self.tenant),
            (Level::Workspace, &self.workspace),
            (Level::App, &self.app),
            (Level::Workflow, &self.workflow),
            (Level::Agent, &self.agent),
            (Level::Toolset, &self.toolset),
        ];
        levels.into_iter().filter_map(|(level, value)| Some((level, &**value.as_ref()?)))
    }

    pub(super) fn check(&self, violations: &mut Violations) {
        for (level, value) in self.levels() {
            if !is_level_value(value) {
                violations.add(&format!("subject.{level}"), "must be 1 to 128 characters out of A-Z a-z 0-9 _ . -");
            }
        }
        let dimensions = self.dimensions.iter().flatten();
        if self.dimensions.as_ref().is_some_and(|dimensions| dimensions.len() > 16) {
            violations.add("subject.dimensions", "must be at most 16");
        }
        for (_, value) in dimensions {
            violations.chars("subject.dimensions", value, 0..=256);
        }
    }

    /// Refuses a subject without a level; dimensions do not count.
    pub(super) fn check_has_level(&self) -> Result<(), Problem> {
        if self.levels().next().is_some() {
            return Ok(());
        }
        Err(Problem::invalid(
            "Validation failed: subject: must have at least one of tenant, workspace, app, workflow, agent, toolset",
        ))
    }

    pub(super) fn path(&self) -> SubjectPath {
        let (path, spelling) = ScopePath::derive(self.levels());
        let dimensions = self.dimensions.iter().flatten();
        let dimensions = dimensions.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        SubjectPath { path, spelling, dimensions }
    }
}

impl ActionBody<'_> {
    pub(super) fn check(&self, violations: &mut Violations) {
        for (member, text, most) in [("action.kind", &self.kind, 64), ("action.name", &self.name, 256)] {
            match text {
                Some(text) if !text.trim().is_empty() => violations.chars(member, text, 1..=most),
                _ => violations.add(member, "must not be blank"),
            }
        }
        let tags = self.tags.as_deref().unwrap_or_default();
        if tags.len() > 10 {
            violations.add("action.tags", format_args!("must be at most 10, found {}", tags.len()));
        }
        for tag in tags {
            violations.chars("action.tags", tag, 0..=64);
        }
        if let Some(keys) = &self.policy_keys {
            keys.check(violations);
        }
    }

    pub(super) fn named(&self) -> NamedAction<'_> {
        let tags = self.tags.iter().flatten().map(|tag| &**tag).collect();
        NamedAction {
            kind: self.kind.as_deref().unwrap_or_default(),
            name: self.name.as_deref().unwrap_or_default(),
            tags,
        }
    }
}

impl PolicyKeysBody<'_> {
    fn members(&self) -> [(&'static str, Option<&Text<'_>>, usize); 4] {
        [
            ("action.policy_keys.host", self.host.as_ref(), 253),
            ("action.policy_keys.recipient_domain", self.recipient_domain.as_ref(), 253),
            ("action.policy_keys.resource_type", self.resource_type.as_ref(), 128),
            ("action.policy_keys.path_prefix", self.path_prefix.as_ref(), 512),
        ]
    }

    fn check(&self, violations: &mut Violations) {
        for (member, text, most) in self.members() {
            if let Some(text) = text {
                violations.chars(member, text, 0..=most);
            }
        }
        let custom = self.custom.iter().flatten();
        if self.custom.as_ref().is_some_and(|custom| custom.len() > 8) {
            violations.add("action.policy_keys.custom", "must be at most 8");
        }
        for (_, value) in custom {
            violations.chars("action.policy_keys.custom", value, 0..=256);
        }
    }

    pub(super) fn to_keys(&self) -> PolicyKeys {
        let text = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.to_string());
        let mut keys = PolicyKeys::new();
        keys.host = text(&self.host);
        keys.recipient_domain = text(&self.recipient_domain);
        keys.resource_type = text(&self.resource_type);
        keys.path_prefix = text(&self.path_prefix);
        let custom = self.custom.iter().flatten();
        keys.custom = custom.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        keys
    }
}

impl AmountBody<'_> {
    pub(super) fn check(&self, member: &str, violations: &mut Violations) -> Option<CheckedAmount> {
        let unit = self.unit.as_ref().and_then(|unit| Unit::from_wire(unit));
        if unit.is_none() {
            let expected = "must be one of USD_MICROCENTS, TOKENS, CREDITS, RISK_POINTS";
            violations.add(&format!("{member}.unit"), expected);
        }
        match self.amount {
            Some(Integer(value)) if value >= 0 => return Some(CheckedAmount { unit: unit?, value }),
            Some(Integer(value)) => {
                violations.add(&format!("{member}.amount"), format_args!("must be 0 or more, found {value}"));
            }
            None => violations.add(&format!("{member}.amount"), "must be given"),
        }
        None
    }
}

impl MetricsBody<'_> {
    pub(super) fn check(&self, violations: &mut Violations) {
        let counts = [
            ("metrics.tokens_input", self.tokens_input),
            ("metrics.tokens_output", self.tokens_output),
            ("metrics.latency_ms", self.latency_ms),
        ];
        for (member, count) in counts {
            if let Some(Integer(count)) = count {
                violations.range(member, count, 0..=i64::from(i32::MAX));
            }
        }
        if let Some(version) = &self.model_version {
            violations.chars("metrics.model_version", version, 0..=128);
        }
    }
}

/// Checks the key, which every body has.
pub(super) fn check_key(key: Option<&Text<'_>>, violations: &mut Violations) {
    if let Some(key) = violations.require("idempotency_key", key) {
        violations.chars("idempotency_key", key, 1..=256);
    }
}

/// The overage policy of a name.
pub(super) fn check_overage(name: Option<&Text<'_>>, violations: &mut Violations) -> Option<Overage> {
    let name = name?;
    let policy = Overage::from_wire(name);
    if policy.is_none() {
        violations.add("overage_policy", "must be one of REJECT, ALLOW_IF_AVAILABLE, ALLOW_WITH_OVERDRAFT");
    }
    policy
}

/// The observe mode of a name.
pub(super) fn check_observe_mode(name: Option<&Text<'_>>, violations: &mut Violations) -> Option<ObserveMode> {
    match ObserveMode::from(&**name?) {
        ObserveMode::Unknown(_) => {
            violations.add("observe_mode", "must be one of DISABLED, OBSERVE, ENFORCE");
            None
        }
        known => Some(known),
    }
}

/// A number that was checked to be positive, as milliseconds.
pub(super) fn millis(Integer(number): Integer) -> Millis {
    Millis::try_from(number).unwrap_or(0)
}

/// Free JSON to keep with a record; empty objects are not kept.
pub(super) fn boxed(metadata: Option<Map<String, Value>>) -> Option<Box<Metadata>> {
    metadata.filter(|metadata| !metadata.is_empty()).map(Box::new)
}

pub(super) fn shared(text: Option<&Text<'_>>) -> Arc<str> {
    Arc::from(text.map(|text| &**text).unwrap_or_default())
}

impl ReserveBody<'_> {
    /// How long after its end the reservation can be settled, in milliseconds.
    pub(super) const DEFAULT_GRACE_MS: Integer = Integer(5_000);
}
