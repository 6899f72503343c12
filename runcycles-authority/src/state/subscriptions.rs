//! Subscriptions: who is told of events, and where.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Millis;

/// The tenant of subscriptions and events that are nobody's but the operators'.
pub(crate) const SYSTEM: &str = "__system__";

/// Who is told of events, and where. Kept as JSON, so that members can be added.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Subscription {
    pub(crate) id: Arc<str>,
    /// The tenant whose events these are; [`SYSTEM`] for everybody's.
    pub(crate) tenant: Arc<str>,
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) event_types: Vec<String>,
    pub(crate) event_categories: Vec<String>,
    pub(crate) scope_filter: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) thresholds: Option<Map<String, Value>>,
    pub(crate) metadata: Option<Map<String, Value>>,
    pub(crate) retries: RetryPolicy,
    pub(crate) disable_after: u32,
    pub(crate) status: SubscriptionStatus,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Option<Millis>,
    /// Whether it comes with the configuration, and is not kept.
    #[serde(skip)]
    pub(crate) is_configured: bool,
}

/// Whether a subscription is delivered to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum SubscriptionStatus {
    Active,
    Paused,
    /// Too many deliveries failed.
    Disabled,
}

impl SubscriptionStatus {
    pub(crate) const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
        }
    }
}

/// When a delivery that failed is tried again.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct RetryPolicy {
    pub(crate) max_retries: u32,
    pub(crate) initial_delay_ms: u64,
    pub(crate) backoff_multiplier: f64,
    pub(crate) max_delay_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_retries: 5, initial_delay_ms: 1_000, backoff_multiplier: 2.0, max_delay_ms: 60_000 }
    }
}

impl RetryPolicy {
    /// The wait after so many failed attempts, if there is another attempt.
    pub(crate) fn delay_after(&self, failures: u32) -> Option<Duration> {
        if failures > self.max_retries {
            return None;
        }
        let longest = Duration::from_millis(self.max_delay_ms);
        let factor = self.backoff_multiplier.powi(i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX));
        let seconds = Duration::from_millis(self.initial_delay_ms).as_secs_f64() * factor;
        Some(Duration::try_from_secs_f64(seconds).map_or(longest, |delay| delay.min(longest)))
    }
}

impl Subscription {
    /// A subscription that asks for nothing yet.
    pub(crate) fn new(id: impl Into<Arc<str>>, tenant: &str, url: String, secret: String) -> Self {
        Self {
            id: id.into(),
            tenant: tenant.into(),
            url,
            secret,
            name: None,
            description: None,
            event_types: Vec::new(),
            event_categories: Vec::new(),
            scope_filter: None,
            headers: BTreeMap::new(),
            thresholds: None,
            metadata: None,
            retries: RetryPolicy::default(),
            disable_after: 10,
            status: SubscriptionStatus::Active,
            created_at: 0,
            updated_at: None,
            is_configured: false,
        }
    }

    /// Whether it asks for events of a tenant, type, category and scope.
    pub(crate) fn wants(&self, tenant: &str, event_type: &str, category: &str, scope: Option<&str>) -> bool {
        let is_theirs = *self.tenant == *SYSTEM || *self.tenant == *tenant;
        let is_asked_for = self.event_types.iter().any(|wanted| wanted == event_type)
            || self.event_categories.iter().any(|wanted| wanted == category);
        is_theirs && is_asked_for && self.scope_filter.as_deref().is_none_or(|filter| is_within(scope, filter))
    }

    pub(crate) fn is_active(&self) -> bool {
        self.status == SubscriptionStatus::Active
    }
}

/// Whether a scope is the one of a filter, or below one that ends in `*`. What has no scope is within none.
fn is_within(scope: Option<&str>, filter: &str) -> bool {
    match (scope, filter.strip_suffix('*')) {
        (Some(scope), Some(prefix)) => scope.starts_with(prefix),
        (Some(scope), None) => scope == filter,
        (None, _) => false,
    }
}

/// The table of subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    rows: BTreeMap<Arc<str>, Subscription>,
}

impl Subscriptions {
    pub(crate) fn get(&self, id: &str) -> Option<&Subscription> {
        self.rows.get(id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.rows.values()
    }

    pub(super) fn insert(&mut self, row: Subscription) {
        self.rows.insert(row.id.clone(), row);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Subscription> {
        self.rows.remove(id)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("url", &self.url)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
