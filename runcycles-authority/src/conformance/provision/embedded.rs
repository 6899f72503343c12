//! Provisioning an authority in this process, through its engine.

use runcycles::models::Caps;
use serde_json::Value;

use super::{ApiKey, LedgerSpec, ProvisionError, Provisioned, Provisioner, Seeding};
use crate::clock::Millis;
use crate::engine::{Command, ensure_tenant};
use crate::ids::IdSource;
use crate::scope::ScopePath;
use crate::state::{Figures, KeyDigest, Ledger, LedgerOptions, LedgerStatus, Revocation, State, TenantStatus};
use crate::unit::Unit;
use crate::{Authority, Funding};

/// A change of the state that no operation makes.
struct Edit<F>(F);

impl<F, T> Command for Edit<F>
where
    F: FnOnce(&mut State) -> T,
{
    type Outcome = T;

    fn apply(self, state: &mut State, _now: Millis) -> T {
        (self.0)(state)
    }
}

impl Authority {
    /// Changes the state; `what` names the change where it is refused.
    fn edit<T, E: ToString>(
        &self,
        what: &str,
        change: impl FnOnce(&mut State) -> Result<T, E>,
    ) -> Result<T, ProvisionError> {
        self.engine().execute(Edit(change)).map_err(|error| refused(what, &error))
    }

    fn edit_ledger(&self, spec: &LedgerSpec, change: impl FnOnce(&mut Ledger)) -> Result<(), ProvisionError> {
        self.edit("changing a ledger", |state| {
            let unit = Unit::from_wire(spec.unit);
            let found = unit.and_then(|unit| state.ledgers().find(&spec.scope, unit));
            let id = found.ok_or_else(|| format!("no ledger in {} at {}", spec.unit, spec.scope))?;
            change(state.ledger_mut(id));
            Ok::<_, String>(())
        })
    }
}

fn refused(what: &str, error: &impl ToString) -> ProvisionError {
    ProvisionError::Failed { request: what.to_owned(), found: error.to_string() }
}

fn now<'a, T: Send + 'a>(outcome: Result<T, ProvisionError>) -> Provisioned<'a, T> {
    Box::pin(std::future::ready(outcome))
}

fn amount(ledger: &LedgerSpec, value: i64) -> runcycles::models::Amount {
    runcycles::models::Amount::new(ledger.unit.into(), value.unsigned_abs())
}

impl Provisioner for Authority {
    fn create_tenant<'a>(&'a self, tenant: &'a str) -> Provisioned<'a> {
        now(self.edit("adding a tenant", |state| ensure_tenant(state, tenant).map(drop)))
    }

    fn close_tenant<'a>(&'a self, tenant: &'a str) -> Provisioned<'a> {
        now(self.edit("closing a tenant", |state| {
            let id = state.tenants().find(tenant).ok_or_else(|| format!("no tenant {tenant}"))?;
            state.tenant_mut(id).status = TenantStatus::Closed;
            Ok::<_, String>(())
        }))
    }

    fn create_key<'a>(&'a self, tenant: &'a str) -> Provisioned<'a, ApiKey> {
        now(Ok(ApiKey { id: tenant.to_owned(), secret: self.api_key(tenant) }))
    }

    fn revoke_key<'a>(&'a self, key: &'a ApiKey) -> Provisioned<'a> {
        now(self.edit("revoking a key", |state| {
            let row = state.api_key_mut(&KeyDigest::of(&key.secret)).ok_or("no such key")?;
            row.revoked = Some(Revocation { at: 0, reason: None });
            Ok::<_, &str>(())
        }))
    }

    fn open_ledger<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a> {
        now(self.edit("opening a ledger", |state| {
            let scope = ScopePath::parse(&ledger.scope).map_err(|error| error.to_string())?;
            let unit = Unit::from_wire(ledger.unit).ok_or("no such unit")?;
            if state.ledgers().find(scope.as_str(), unit).is_some() {
                return Err("a ledger that is there already".to_owned());
            }
            let tenant = ensure_tenant(state, scope.tenant()).map_err(|error| error.to_string())?;
            let figures =
                Figures { allocated: ledger.allocated, overdraft_limit: ledger.overdraft_limit, ..Figures::default() };
            let figures = figures.checked().ok_or("figures outside an int64")?;
            let created_at = state.now();
            let id = IdSource::new().next();
            let status = LedgerStatus::Active;
            let options = LedgerOptions::default();
            let ledger =
                Ledger { id, tenant, scope, unit, figures, status, caps: None, options, created_at, updated_at: None };
            state.insert_ledger(ledger);
            Ok(())
        }))
    }

    fn credit<'a>(&'a self, ledger: &'a LedgerSpec, value: i64) -> Provisioned<'a> {
        let funded = self.fund(&ledger.scope, Funding::Credit(amount(ledger, value)));
        now(funded.map(drop).map_err(|error| refused("funding a ledger", &error)))
    }

    fn freeze<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a> {
        now(self.edit_ledger(ledger, |ledger| ledger.status = LedgerStatus::Frozen))
    }

    fn set_overdraft_limit<'a>(&'a self, ledger: &'a LedgerSpec, limit: i64) -> Provisioned<'a> {
        now(self.edit_ledger(ledger, |ledger| {
            ledger.figures.overdraft_limit = limit;
            ledger.figures.over_limit = ledger.figures.debt > limit;
        }))
    }
}

impl Seeding for Authority {
    fn close_ledger<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a> {
        now(self.edit_ledger(ledger, |ledger| ledger.status = LedgerStatus::Closed))
    }

    fn set_debt<'a>(&'a self, ledger: &'a LedgerSpec, debt: i64) -> Provisioned<'a> {
        now(self.edit_ledger(ledger, |ledger| ledger.figures.debt = debt))
    }

    fn set_caps<'a>(&'a self, ledger: &'a LedgerSpec, caps: &'a Value) -> Provisioned<'a> {
        let caps = serde_json::from_value::<Caps>(caps.clone()).map_err(|error| refused("reading caps", &error));
        now(caps.and_then(|caps| self.edit_ledger(ledger, |ledger| ledger.caps = Some(caps.into()))))
    }
}
