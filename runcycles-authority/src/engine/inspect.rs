//! What the authority's owner looks at.

use super::Command;
use crate::clock::Millis;
use crate::state::{Ledger, Reservation, State, TenantId};

/// Reads every ledger at a scope, in the order of units.
pub(crate) struct ReadLedgers<'a> {
    pub(crate) scope: &'a str,
}

impl Command for ReadLedgers<'_> {
    type Outcome = Vec<Ledger>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        state.ledgers().at_scope(self.scope).map(|id| state.ledgers().get(id).clone()).collect()
    }
}

/// Reads every ledger there is.
pub(crate) struct ReadAllLedgers;

impl Command for ReadAllLedgers {
    type Outcome = Vec<Ledger>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        state.ledgers().iter().cloned().collect()
    }
}

/// Finds a tenant.
pub(crate) struct ResolveTenant<'a> {
    pub(crate) id: &'a str,
}

impl Command for ResolveTenant<'_> {
    type Outcome = Option<TenantId>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        state.tenants().find(self.id)
    }
}

/// Counts rows, for operators.
pub(crate) struct CountRows;

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowCounts {
    pub(crate) tenants: usize,
    pub(crate) ledgers: usize,
    pub(crate) reservations: usize,
    pub(crate) live_reservations: usize,
}

impl Command for CountRows {
    type Outcome = RowCounts;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        RowCounts {
            tenants: state.tenants().iter().count(),
            ledgers: state.ledgers().iter().count(),
            reservations: state.reservations().len(),
            live_reservations: state.reservations().count_live(),
        }
    }
}

/// Describes every reservation that holds budget.
pub(crate) struct DescribeHolds;

impl Command for DescribeHolds {
    type Outcome = Vec<String>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let describe = |row: &Reservation| {
            let estimate = row.unit.amount(row.estimate);
            format!("{estimate} at {} for {} {} ({})", row.scope, row.action.kind, row.action.name, row.id)
        };
        state.reservations().live().map(describe).collect()
    }
}
