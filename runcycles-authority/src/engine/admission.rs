//! Whether budgets admit an amount.

use super::hold::{Standing, denied_at};
use super::{Denial, Reason, Refusal};
use crate::scope::ScopePath;
use crate::state::{Ledger, LedgerStatus, Overage, State, TenantId, TenantStatus};
use crate::unit::Unit;

/// Refuses where the tenant is closed.
pub(super) fn check_tenant(state: &State, tenant: TenantId, unit: Unit, requested: i64) -> Result<(), Denial> {
    let tenant = state.tenants().get(tenant);
    match tenant.status {
        TenantStatus::Active | TenantStatus::Suspended => Ok(()),
        TenantStatus::Closed => Err(Denial {
            reason: Reason::TenantClosed { tenant: tenant.id.clone() },
            scope: format!("tenant:{}", tenant.id).into(),
            unit,
            requested,
            remaining: None,
            rule: None,
            is_explained: false,
        }),
    }
}

/// Finds the ledgers in a unit on a path and checks each, outermost first, with all checks of one before the next.
pub(super) fn find_ledgers(
    state: &State,
    path: &ScopePath,
    unit: Unit,
    requested: i64,
    check: impl Fn(&Ledger) -> Result<(), Reason>,
) -> Result<Standing, Refusal> {
    let mut found = Standing::new();
    for scope in path.prefixes() {
        if let Some(id) = state.ledgers().find(scope, unit) {
            let ledger = state.ledgers().get(id);
            check(ledger).map_err(|reason| denied_at(ledger, reason, requested))?;
            found.add(id, ledger);
        }
    }
    if found.is_empty() {
        return Err(no_ledger(state, path, unit, requested));
    }
    Ok(found)
}

/// Whether a ledger admits a reservation, with the checks in the protocol's order.
pub(super) fn admits_reservation(ledger: &Ledger, estimate: i64) -> Result<(), Reason> {
    check_status(ledger)?;
    let figures = &ledger.figures;
    if figures.over_limit {
        return Err(Reason::OverLimit);
    }
    if figures.debt > 0 && figures.overdraft_limit == 0 {
        return Err(Reason::Debt { debt: figures.debt });
    }
    if figures.remaining() < estimate {
        return Err(Reason::Exceeded);
    }
    Ok(())
}

/// Whether a ledger admits an event. A flag for being over the limit and debt do not matter to events.
pub(super) fn admits_event(ledger: &Ledger, actual: i64, overage: Overage) -> Result<(), Reason> {
    check_status(ledger)?;
    if overage == Overage::Reject && ledger.figures.remaining() < actual {
        return Err(Reason::Exceeded);
    }
    Ok(())
}

fn check_status(ledger: &Ledger) -> Result<(), Reason> {
    match ledger.status {
        LedgerStatus::Active => Ok(()),
        LedgerStatus::Frozen => Err(Reason::Frozen),
        LedgerStatus::Closed => Err(Reason::Closed),
    }
}

/// No scope of a path has a ledger in the unit: either the outermost one with a ledger names the units to use, or there is
/// no budget at all.
fn no_ledger(state: &State, path: &ScopePath, unit: Unit, requested: i64) -> Refusal {
    for scope in path.prefixes() {
        let expected: Vec<_> = state.ledgers().at_scope(scope).map(|id| state.ledgers().get(id).unit).collect();
        if !expected.is_empty() {
            return Refusal::WrongUnit { scope: scope.into(), requested: unit, expected };
        }
    }
    let scope = path.shared().clone();
    Denial { reason: Reason::NoBudget, scope, unit, requested, remaining: None, rule: None, is_explained: false }.into()
}
