//! What the authority's owner looks at.

use super::{BalanceLine, Command};
use crate::clock::Millis;
use crate::state::{LedgerStatus, State};

/// Reads every ledger at a scope, in the order of units.
pub(crate) struct ReadLedgers<'a> {
    pub(crate) scope: &'a str,
}

impl Command for ReadLedgers<'_> {
    type Outcome = Vec<(BalanceLine, LedgerStatus)>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let ledgers = state.ledgers().at_scope(self.scope).map(|id| state.ledgers().get(id));
        ledgers.map(|ledger| (BalanceLine::of(ledger), ledger.status)).collect()
    }
}

/// Describes every reservation that holds budget.
pub(crate) struct DescribeHolds;

impl Command for DescribeHolds {
    type Outcome = Vec<String>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let describe = |row: &crate::state::Reservation| {
            let estimate = row.unit.amount(row.estimate);
            format!("{estimate} at {} for {} {} ({})", row.scope, row.action.kind, row.action.name, row.id)
        };
        state.reservations().live().map(describe).collect()
    }
}
