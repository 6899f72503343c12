//! Tenants: created, changed, closed.

use runcycles::models::{Metadata, ObserveMode};

use super::subscriptions::disable_all_of;
use super::{AdminRefusal, Page, Paging};
use crate::clock::Millis;
use crate::engine::hold::{Standing, post, prepare};
use crate::engine::release::give_back;
use crate::engine::{Command, SortValue};
use crate::fingerprint::Canonical;
use crate::state::{
    LedgerStatus, Overage, Phase, Reservation, Revocation, Settlement, State, Tenant, TenantId, TenantSettings,
    TenantStatus,
};

/// What may be set of a tenant; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct TenantChanges {
    pub(crate) name: Option<String>,
    pub(crate) status: Option<TenantStatus>,
    pub(crate) parent: Option<String>,
    pub(crate) expiry_policy: Option<&'static str>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) overage: Option<Overage>,
    pub(crate) default_ttl_ms: Option<Millis>,
    pub(crate) max_ttl_ms: Option<Millis>,
    pub(crate) max_extensions: Option<u32>,
    pub(crate) observe_mode: Option<ObserveMode>,
}

impl TenantChanges {
    fn make(self, tenant: &mut Tenant) {
        let settings = &mut tenant.settings;
        *settings = TenantSettings {
            overage: self.overage.unwrap_or(settings.overage),
            default_ttl_ms: self.default_ttl_ms.unwrap_or(settings.default_ttl_ms),
            max_ttl_ms: self.max_ttl_ms.unwrap_or(settings.max_ttl_ms),
            max_extensions: self.max_extensions.unwrap_or(settings.max_extensions),
        };
        if let Some(name) = self.name {
            tenant.name = name;
        }
        tenant.parent = self.parent.or(tenant.parent.take());
        tenant.expiry_policy = self.expiry_policy.or(tenant.expiry_policy);
        tenant.metadata = self.metadata.or(tenant.metadata.take());
        tenant.observe_mode = self.observe_mode.or(tenant.observe_mode.take());
    }
}

/// Adds a tenant, or finds the one of the same id and name.
#[derive(Debug)]
pub(crate) struct CreateTenant {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) settings: TenantChanges,
}

impl Command for CreateTenant {
    /// The tenant, and whether it is new.
    type Outcome = Result<(Tenant, bool), AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        if let Some(known) = state.tenants().find(&self.id) {
            let known = state.tenants().get(known);
            return if known.name == self.name {
                Ok((known.clone(), false))
            } else {
                Err(AdminRefusal::Duplicate { what: format!("Tenant {} exists with another name", self.id) })
            };
        }
        let mut tenant = Tenant::new(&self.id, self.name, now);
        self.settings.make(&mut tenant);
        state.insert_tenant(tenant.clone());
        Ok((tenant, true))
    }
}

/// Reads a tenant.
pub(crate) struct FindTenant<'a> {
    pub(crate) id: &'a str,
}

impl Command for FindTenant<'_> {
    type Outcome = Result<Tenant, AdminRefusal>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        find(state, self.id).map(|id| state.tenants().get(id).clone())
    }
}

/// Changes a tenant.
#[derive(Debug)]
pub(crate) struct ChangeTenant<'a> {
    pub(crate) id: &'a str,
    pub(crate) changes: TenantChanges,
}

impl Command for ChangeTenant<'_> {
    type Outcome = Result<Tenant, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let id = find(state, self.id)?;
        let before = state.tenants().get(id).status;
        let after = self.changes.status.unwrap_or(before);
        if before == TenantStatus::Closed && after != before {
            let message = format!("Tenant {} is closed, which is final: found status {}", self.id, after.as_str());
            return Err(AdminRefusal::Invalid { message });
        }
        let tenant = state.tenant_mut(id);
        self.changes.make(tenant);
        tenant.updated_at = Some(now);
        if after != before {
            tenant.status = after;
            tenant.suspended_at = (after == TenantStatus::Suspended).then_some(now);
            tenant.closed_at = (after == TenantStatus::Closed).then_some(now);
            if after == TenantStatus::Closed {
                close_everything(state, id, now);
            }
        }
        Ok(state.tenants().get(id).clone())
    }
}

/// Brings what a tenant owns to its end: holds go back, budgets are closed, keys revoked.
fn close_everything(state: &mut State, tenant: TenantId, now: Millis) {
    let live = state.reservations().live().filter(|row| row.tenant == tenant);
    let live: Vec<_> = live.map(|row| row.id).collect();
    for id in live {
        if let Some(settlement) = state.reservations().get(id).and_then(|row| drain(state, row, now)) {
            post(state, &settlement.postings);
            let ruled = state.reservations().get(id).and_then(|row| row.ruled.clone());
            state.uncount(ruled);
            state.change_reservation(id, |row| row.phase = Phase::Released(Box::new(settlement)));
        }
    }
    let ledgers: Vec<_> = state.ledgers().of_tenant(tenant).collect();
    for id in ledgers {
        let ledger = state.ledger_mut(id);
        ledger.status = LedgerStatus::Closed;
        ledger.updated_at = Some(now);
    }
    let name = state.tenants().get(tenant).id.clone();
    disable_all_of(state, &name, now);
    let keys = state.api_keys().iter().filter(|(_, key)| key.tenant == tenant && key.revoked.is_none());
    let keys: Vec<_> = keys.map(|(digest, _)| digest).collect();
    for digest in keys {
        if let Some(key) = state.api_key_mut(&digest) {
            key.revoked = Some(Revocation { at: now, reason: Some("tenant_closed".to_owned()) });
        }
    }
}

/// A release that nobody asked for, so that no key replays it.
fn drain(state: &State, row: &Reservation, now: Millis) -> Option<Settlement> {
    let postings = prepare(state, &Standing::of(state, &row.held), |before| give_back(before, row.estimate)).ok()?;
    let fingerprint = Canonical::fingerprint("tenant closed", |_| {});
    Some(Settlement { key: "".into(), fingerprint, at: now, charged: 0, metadata: None, postings })
}

/// Reads a page of tenants.
#[derive(Debug)]
pub(crate) struct ListTenants {
    pub(crate) status: Option<TenantStatus>,
    pub(crate) parent: Option<String>,
    /// Lower-case text that the id or the name has.
    pub(crate) search: Option<String>,
    pub(crate) by: &'static str,
    pub(crate) paging: Paging,
}

impl Command for ListTenants {
    type Outcome = Page<Tenant>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let rows = state.tenants().iter().filter(|row| {
            self.status.is_none_or(|status| status == row.status)
                && self.parent.as_ref().is_none_or(|parent| row.parent.as_ref() == Some(parent))
                && self
                    .search
                    .as_ref()
                    .is_none_or(|text| row.id.contains(text) || row.name.to_lowercase().contains(text))
        });
        self.paging.cut(rows, |row| {
            let value = match self.by {
                "tenant_id" => SortValue::Text(row.id.to_string()),
                "name" => SortValue::Text(row.name.clone()),
                "status" => SortValue::Text(row.status.as_str().to_owned()),
                _ => SortValue::Number(row.created_at),
            };
            (value, row.id.to_string())
        })
    }
}

/// The tenant of an id.
pub(super) fn find(state: &State, id: &str) -> Result<TenantId, AdminRefusal> {
    state.tenants().find(id).ok_or_else(|| AdminRefusal::TenantNotFound { id: id.to_owned() })
}

/// The tenant of an id, if what it owns may change.
pub(super) fn find_open(state: &State, id: &str) -> Result<TenantId, AdminRefusal> {
    let found = find(state, id)?;
    check_open(state, found).map(|()| found)
}

/// Refuses where a tenant is closed.
pub(super) fn check_open(state: &State, id: TenantId) -> Result<(), AdminRefusal> {
    let tenant = state.tenants().get(id);
    match tenant.status {
        TenantStatus::Closed => Err(AdminRefusal::TenantClosed { id: tenant.id.clone() }),
        TenantStatus::Active | TenantStatus::Suspended => Ok(()),
    }
}
