//! Tenants to start with.

use std::ops::RangeInclusive;
use std::time::Duration;

use runcycles::models::{CommitOveragePolicy, ObserveMode};

use crate::engine::ensure_tenant;
use crate::start_error::StartError;
use crate::state::{Overage, State, TenantSettings};

/// How long leases may be set to, as the protocol has it: one second to a day.
const TTL_MS: RangeInclusive<u64> = 1_000..=86_400_000;

/// A tenant to start with, and what applies to its reservations.
///
/// A text becomes one with the protocol's defaults: leases of one minute, at most one hour, at most ten extensions, spend
/// beyond a reservation charged as far as the budgets have it.
#[derive(Clone, Debug)]
#[must_use = "a tenant does nothing until a builder takes it"]
pub struct Tenant {
    id: String,
    overage: Option<CommitOveragePolicy>,
    default_ttl: Option<Duration>,
    max_ttl: Option<Duration>,
    max_extensions: Option<u32>,
    pub(crate) observe_mode: Option<ObserveMode>,
}

impl Tenant {
    /// A tenant with the protocol's defaults.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            overage: None,
            default_ttl: None,
            max_ttl: None,
            max_extensions: None,
            observe_mode: None,
        }
    }

    /// What happens to spend beyond a reservation where a request does not say.
    pub fn overage_policy(mut self, policy: CommitOveragePolicy) -> Self {
        self.overage = Some(policy);
        self
    }

    /// How long a reservation lives where a request does not say: one second to a day, one minute by default.
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.default_ttl = Some(ttl);
        self
    }

    /// How long a reservation lives at most: one second to a day, one hour by default. Longer requests are cut, not refused.
    pub fn max_ttl(mut self, ttl: Duration) -> Self {
        self.max_ttl = Some(ttl);
        self
    }

    /// How often a reservation can be extended; ten times by default.
    pub fn max_extensions(mut self, most: u32) -> Self {
        self.max_extensions = Some(most);
        self
    }

    /// Whether its calls are held to the answers (protocol v0.1.26): with [`ObserveMode::Observe`], reservations are evaluated and
    /// nothing is held. Turns on the [extensions](crate::AuthorityBuilder::protocol_extensions).
    pub fn observe_mode(mut self, mode: ObserveMode) -> Self {
        self.observe_mode = Some(mode);
        self
    }

    /// Adds the tenant with its settings, unless it is one of the first `kept`, which were there before.
    pub(crate) fn add_to(&self, state: &mut State, kept: usize) -> Result<(), StartError> {
        let id = ensure_tenant(state, &self.id)?;
        if id.0 as usize >= kept {
            let given = self.applied_to(TenantSettings::default())?;
            let tenant = state.tenant_mut(id);
            (tenant.settings, tenant.observe_mode) = (given, self.observe_mode.clone());
            return Ok(());
        }
        let found = state.tenants().get(id).settings;
        let given = self.applied_to(found)?;
        if found != given {
            warn_of_difference(&self.id, &found, &given);
        }
        Ok(())
    }

    /// Settings with those that were given.
    fn applied_to(&self, mut settings: TenantSettings) -> Result<TenantSettings, StartError> {
        if let Some(policy) = &self.overage {
            settings.overage = Overage::try_from(policy)
                .map_err(|()| StartError::OveragePolicy { tenant: self.id.clone(), policy: policy.to_string() })?;
        }
        if let Some(ttl) = self.default_ttl {
            settings.default_ttl_ms = self.whole_millis("default_ttl", ttl)?;
        }
        if let Some(ttl) = self.max_ttl {
            settings.max_ttl_ms = self.whole_millis("max_ttl", ttl)?;
        }
        settings.max_extensions = self.max_extensions.unwrap_or(settings.max_extensions);
        Ok(settings)
    }

    fn whole_millis(&self, field: &'static str, found: Duration) -> Result<u64, StartError> {
        let millis = u64::try_from(found.as_millis()).ok().filter(|millis| TTL_MS.contains(millis));
        millis.ok_or_else(|| StartError::Ttl { tenant: self.id.clone(), field, found })
    }
}

impl<T: Into<String>> From<T> for Tenant {
    fn from(id: T) -> Self {
        Self::new(id)
    }
}

/// Says that a tenant was kept with other settings than those given now.
fn warn_of_difference(tenant: &str, kept: &TenantSettings, given: &TenantSettings) {
    tracing::warn!(
        tenant,
        ?kept,
        ?given,
        "a tenant was kept with other settings than those given now, which are not applied: update it to change them"
    );
}
