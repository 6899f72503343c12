//! Tenants to start with.

use std::time::Duration;

use runcycles::models::CommitOveragePolicy;

use crate::engine::ensure_tenant;
use crate::start_error::StartError;
use crate::state::{Overage, State, TenantSettings};

/// A tenant to start with, and what applies to its reservations.
///
/// A text becomes one with the protocol's defaults: leases of one minute, at most one hour, at most ten extensions, spend
/// beyond a reservation charged as far as the budgets have it.
#[derive(Clone, Debug)]
#[must_use = "a tenant does nothing until a builder takes it"]
pub struct Tenant {
    id: String,
    overage: Option<CommitOveragePolicy>,
    settings: TenantSettings,
}

impl Tenant {
    /// A tenant with the protocol's defaults.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), overage: None, settings: TenantSettings::default() }
    }

    /// What happens to spend beyond a reservation where a request does not say.
    pub fn overage_policy(mut self, policy: CommitOveragePolicy) -> Self {
        self.overage = Some(policy);
        self
    }

    /// How long a reservation lives where a request does not say; one minute by default.
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.settings.default_ttl_ms = whole_millis(ttl);
        self
    }

    /// How long a reservation lives at most; one hour by default. Longer requests are cut, not refused.
    pub fn max_ttl(mut self, ttl: Duration) -> Self {
        self.settings.max_ttl_ms = whole_millis(ttl);
        self
    }

    /// How often a reservation can be extended; ten times by default.
    pub fn max_extensions(mut self, most: u32) -> Self {
        self.settings.max_extensions = most;
        self
    }

    /// Adds the tenant with its settings, unless it is one of the first `kept`, which were there before.
    pub(crate) fn add_to(&self, state: &mut State, kept: usize) -> Result<(), StartError> {
        let mut settings = self.settings;
        if let Some(policy) = &self.overage {
            settings.overage = Overage::try_from(policy)
                .map_err(|()| StartError::OveragePolicy { tenant: self.id.clone(), policy: policy.to_string() })?;
        }
        let id = ensure_tenant(state, &self.id)?;
        if id.0 as usize >= kept {
            state.tenant_mut(id).settings = settings;
        }
        Ok(())
    }
}

impl<T: Into<String>> From<T> for Tenant {
    fn from(id: T) -> Self {
        Self::new(id)
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
