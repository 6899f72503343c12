//! The ledgers that a command touches, outermost scope first.

use std::sync::Arc;

use super::{Denial, Reason, Refusal};
use crate::state::{Figures, Ledger, LedgerId, Posting, State};
use crate::unit::Unit;

/// A ledger's figures as an answer shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BalanceLine {
    pub(crate) scope: Arc<str>,
    pub(crate) unit: Unit,
    pub(crate) figures: Figures,
}

impl BalanceLine {
    pub(super) fn of(ledger: &Ledger) -> Self {
        Self { scope: ledger.scope.shared().clone(), unit: ledger.unit, figures: ledger.figures }
    }
}

/// Postings with the scopes they are about.
pub(super) fn balance_lines(state: &State, postings: &[Posting]) -> Vec<BalanceLine> {
    let line = |posting: &Posting| {
        let ledger = state.ledgers().get(posting.ledger);
        BalanceLine { scope: ledger.scope.shared().clone(), unit: ledger.unit, figures: posting.figures }
    };
    postings.iter().map(line).collect()
}

/// The ledgers as they stand.
pub(super) fn standing(state: &State, ledgers: impl Iterator<Item = LedgerId>) -> Vec<Posting> {
    ledgers.map(|ledger| Posting { ledger, figures: state.ledgers().get(ledger).figures }).collect()
}

/// Writes new figures into their ledgers. The figures have been checked, all of them, before the first is written.
pub(super) fn post(state: &mut State, postings: &[Posting]) {
    for posting in postings {
        state.set_figures(posting.ledger, posting.figures);
    }
}

/// Computes new figures for every ledger, and writes none of them.
///
/// # Errors
///
/// [`Refusal::Overflow`] where one would leave the int64 of the protocol.
pub(super) fn prepare(
    state: &State,
    ledgers: &[Posting],
    change: impl Fn(Figures) -> Option<Figures>,
) -> Result<Box<[Posting]>, Refusal> {
    let prepared = ledgers.iter().map(|before| {
        let figures = change(before.figures).and_then(Figures::checked);
        let figures = figures
            .ok_or_else(|| Refusal::Overflow { scope: state.ledgers().get(before.ledger).scope.shared().clone() })?;
        Ok(Posting { ledger: before.ledger, figures })
    });
    prepared.collect()
}

/// A denial at a ledger.
pub(super) fn denied_at(ledger: &Ledger, reason: Reason, requested: i64) -> Denial {
    Denial {
        reason,
        scope: ledger.scope.shared().clone(),
        unit: ledger.unit,
        requested,
        remaining: Some(ledger.figures.remaining()),
    }
}
