//! Lists of balances.

use std::sync::Arc;

use runcycles::models::Level;

use super::list::has_segments;
use super::{BalanceLine, Command};
use crate::clock::Millis;
use crate::scope::ScopePath;
use crate::state::{Ledger, LedgerId, State, TenantId};
use crate::unit::Unit;

/// Reads a page of a tenant's ledgers, of any unit, depth and status, in the order of scopes and units.
#[derive(Debug)]
pub(crate) struct ListBalances {
    pub(crate) tenant: TenantId,
    pub(crate) filter: BalanceFilter,
    /// The last row of the page before.
    pub(crate) after: Option<(Arc<str>, Unit)>,
    pub(crate) limit: usize,
}

/// Segments below the tenant that a scope must have, lower-case.
#[derive(Clone, Debug, Default)]
pub(crate) struct BalanceFilter {
    pub(crate) segments: Vec<(Level, String)>,
}

/// A page of balances.
#[derive(Debug)]
pub(crate) struct BalancePage {
    pub(crate) balances: Vec<BalanceLine>,
    /// Where the next page starts, if there is one.
    pub(crate) next: Option<(Arc<str>, Unit)>,
}

impl Command for ListBalances {
    type Outcome = BalancePage;

    fn apply(self, state: &mut State, _now: Millis) -> BalancePage {
        let ledgers = state.ledgers();
        let rarest = self.filter.segments.iter().map(|(level, value)| ledgers.with_segment(self.tenant, *level, value));
        let mut rows: Vec<&Ledger> = match rarest.min_by_key(|ids| ids.len()) {
            Some(candidates) => self.among(state, candidates),
            None => {
                let ids = ledgers.of_tenant_after(self.tenant, self.after.clone());
                ids.take(self.limit + 1).map(|id| ledgers.get(id)).collect()
            }
        };
        let has_more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = rows.last().filter(|_| has_more).map(|row| (row.scope.shared().clone(), row.unit));
        BalancePage { balances: rows.into_iter().map(BalanceLine::of).collect(), next }
    }
}

impl ListBalances {
    fn among<'s>(&self, state: &'s State, candidates: &[LedgerId]) -> Vec<&'s Ledger> {
        let position = |ledger: &'s Ledger| -> (&'s ScopePath, Unit) { (&ledger.scope, ledger.unit) };
        let is_after = |ledger: &Ledger| {
            let after = self.after.as_ref();
            after.is_none_or(|(scope, unit)| (ledger.scope.as_str(), ledger.unit) > (&**scope, *unit))
        };
        let rows = candidates.iter().map(|id| state.ledgers().get(*id));
        let mut rows: Vec<_> = rows
            .filter(|ledger| has_segments(ledger.scope.as_str(), &self.filter.segments) && is_after(ledger))
            .collect();
        rows.sort_unstable_by_key(|ledger| position(ledger));
        rows.truncate(self.limit + 1);
        rows
    }
}
