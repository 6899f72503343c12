//! Policies: limits that come with reservations whose scopes match a pattern.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use runcycles::models::{ActionRules, Caps};

use super::{Overage, TenantId};
use crate::clock::Millis;
use crate::pattern::ScopePattern;

/// What applies to reservations whose scopes match a pattern.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) id: Arc<str>,
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) pattern: ScopePattern,
    pub(crate) priority: i64,
    pub(crate) caps: Option<Arc<Caps>>,
    pub(crate) overage: Option<Overage>,
    pub(crate) ttl: TtlOverride,
    pub(crate) rate_limits: RateLimits,
    pub(crate) effective_from: Option<Millis>,
    pub(crate) effective_until: Option<Millis>,
    pub(crate) enabled: bool,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Option<Millis>,
    /// Which actions go through, and how often (protocol v0.1.26); none where everything does.
    pub(crate) rules: Option<Arc<ActionRules>>,
}

/// Times of reservations that differ from the tenant's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TtlOverride {
    pub(crate) default_ttl_ms: Option<Millis>,
    pub(crate) max_ttl_ms: Option<Millis>,
    pub(crate) max_extensions: Option<u32>,
}

/// Rates that are kept and shown; nothing is limited by them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RateLimits {
    pub(crate) max_reservations_per_minute: Option<i64>,
    pub(crate) max_commits_per_minute: Option<i64>,
}

impl Policy {
    /// Whether it applies at a time.
    pub(crate) fn is_effective(&self, now: Millis) -> bool {
        self.enabled
            && self.effective_from.is_none_or(|from| from <= now)
            && self.effective_until.is_none_or(|until| now < until)
    }
}

/// The table of policies. Policies are disabled, never removed.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    rows: BTreeMap<Arc<str>, Policy>,
    by_tenant: BTreeMap<TenantId, BTreeSet<(Millis, Arc<str>)>>,
}

impl Policies {
    pub(crate) fn get(&self, id: &str) -> Option<&Policy> {
        self.rows.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.rows.values()
    }

    /// A tenant's policies, oldest first, and by id where they are of the same age.
    pub(crate) fn of_tenant(&self, tenant: TenantId) -> impl Iterator<Item = &Policy> {
        self.by_tenant.get(&tenant).into_iter().flatten().filter_map(|(_, id)| self.rows.get(id))
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Policy> {
        self.rows.get_mut(id)
    }

    /// Adds a policy, or puts it in the place of the one with its id.
    pub(super) fn insert(&mut self, policy: Policy) {
        self.by_tenant.entry(policy.tenant).or_default().insert((policy.created_at, policy.id.clone()));
        self.rows.insert(policy.id.clone(), policy);
    }
}
