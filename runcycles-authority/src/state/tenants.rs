//! Tenants: who owns budgets.

use std::collections::HashMap;
use std::sync::Arc;

use runcycles::models::{CommitOveragePolicy, Metadata, ObserveMode};

use crate::clock::Millis;

/// A tenant's place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TenantId(pub(crate) u32);

/// What can be said about a tenant's reservations that expire. It is kept and shown; nothing is decided by it.
pub(crate) const EXPIRY_POLICIES: [&str; 3] = ["AUTO_RELEASE", "MANUAL_CLEANUP", "GRACE_ONLY"];

/// An organisation.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: Arc<str>,
    pub(crate) name: String,
    pub(crate) status: TenantStatus,
    pub(crate) settings: TenantSettings,
    pub(crate) parent: Option<String>,
    /// One of [`EXPIRY_POLICIES`].
    pub(crate) expiry_policy: Option<&'static str>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) created_at: Millis,
    pub(crate) updated_at: Option<Millis>,
    pub(crate) suspended_at: Option<Millis>,
    pub(crate) closed_at: Option<Millis>,
    /// Whether its calls are held to the answers (protocol v0.1.26), where that was said.
    pub(crate) observe_mode: Option<ObserveMode>,
}

impl Tenant {
    /// A tenant with the protocol's defaults.
    pub(crate) fn new(id: &str, name: String, now: Millis) -> Self {
        Self {
            id: id.into(),
            name,
            status: TenantStatus::Active,
            settings: TenantSettings::default(),
            parent: None,
            expiry_policy: None,
            metadata: None,
            created_at: now,
            updated_at: None,
            suspended_at: None,
            closed_at: None,
            observe_mode: None,
        }
    }
}

/// What a tenant may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TenantStatus {
    /// Everything.
    Active,
    /// Nothing, until it is active again.
    Suspended,
    /// Nothing, for ever. What it owns can be read.
    Closed,
}

impl TenantStatus {
    pub(crate) const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Closed];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::Closed => "CLOSED",
        }
    }
}

/// What applies to a tenant's reservations where a request says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TenantSettings {
    pub(crate) overage: Overage,
    pub(crate) default_ttl_ms: Millis,
    pub(crate) max_ttl_ms: Millis,
    pub(crate) max_extensions: u32,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self { overage: Overage::IfAvailable, default_ttl_ms: 60_000, max_ttl_ms: 3_600_000, max_extensions: 10 }
    }
}

/// What happens to spend beyond what was reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overage {
    /// It is refused.
    Reject,
    /// It is charged as far as the budgets have it.
    IfAvailable,
    /// It becomes debt, up to the budget's limit.
    Overdraft,
}

impl Overage {
    pub(crate) const ALL: [Self; 3] = [Self::Reject, Self::IfAvailable, Self::Overdraft];

    pub(crate) fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "REJECT",
            Self::IfAvailable => "ALLOW_IF_AVAILABLE",
            Self::Overdraft => "ALLOW_WITH_OVERDRAFT",
        }
    }
}

impl TryFrom<&CommitOveragePolicy> for Overage {
    type Error = ();

    fn try_from(policy: &CommitOveragePolicy) -> Result<Self, ()> {
        Self::from_wire(policy.as_str()).ok_or(())
    }
}

/// The table of tenants. Tenants are never removed.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    rows: Vec<Tenant>,
    by_name: HashMap<Arc<str>, TenantId>,
}

impl Tenants {
    pub(crate) fn find(&self, id: &str) -> Option<TenantId> {
        self.by_name.get(id).copied()
    }

    pub(crate) fn get(&self, id: TenantId) -> &Tenant {
        &self.rows[id.0 as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tenant> {
        self.rows.iter()
    }

    pub(super) fn contains(&self, id: TenantId) -> bool {
        (id.0 as usize) < self.rows.len()
    }

    pub(super) fn get_mut(&mut self, id: TenantId) -> &mut Tenant {
        &mut self.rows[id.0 as usize]
    }

    /// Adds a tenant in the next place.
    pub(super) fn insert(&mut self, tenant: Tenant) -> TenantId {
        let id = TenantId(u32::try_from(self.rows.len()).expect("fewer than four billion tenants"));
        self.by_name.insert(tenant.id.clone(), id);
        self.rows.push(tenant);
        id
    }
}
