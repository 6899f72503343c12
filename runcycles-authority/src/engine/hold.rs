//! The ledgers that a command touches, outermost scope first.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use runcycles::models::Level;

use super::telling::tell_of_postings;
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

/// The ledgers that a command is about, as they stand: one at most for each level, since they are of one unit.
#[derive(Debug)]
pub(super) struct Standing {
    postings: [Posting; Level::ALL.len()],
    len: usize,
}

impl Standing {
    /// None yet.
    pub(super) fn new() -> Self {
        let none = Posting { ledger: LedgerId(0), figures: Figures::default() };
        Self { postings: [none; Level::ALL.len()], len: 0 }
    }

    /// Those that hold something.
    pub(super) fn of(state: &State, held: &[Posting]) -> Self {
        let mut standing = Self::new();
        for posting in held {
            standing.add(posting.ledger, state.ledgers().get(posting.ledger));
        }
        standing
    }

    pub(super) fn add(&mut self, id: LedgerId, ledger: &Ledger) {
        if let Some(place) = self.postings.get_mut(self.len) {
            *place = Posting { ledger: id, figures: ledger.figures };
            self.len += 1;
        }
    }
}

impl Deref for Standing {
    type Target = [Posting];

    fn deref(&self) -> &[Posting] {
        &self.postings[..self.len]
    }
}

impl DerefMut for Standing {
    fn deref_mut(&mut self) -> &mut [Posting] {
        &mut self.postings[..self.len]
    }
}

/// Writes new figures into their ledgers. The figures have been checked, all of them, before the first is written.
pub(super) fn post(state: &mut State, postings: &[Posting]) {
    if state.is_listened_to() {
        tell_of_postings(state, postings);
    }
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
    let mut prepared = Vec::with_capacity(ledgers.len());
    for before in ledgers {
        let figures = change(before.figures).and_then(Figures::checked);
        let figures = figures
            .ok_or_else(|| Refusal::Overflow { scope: state.ledgers().get(before.ledger).scope.shared().clone() })?;
        prepared.push(Posting { ledger: before.ledger, figures });
    }
    Ok(prepared.into_boxed_slice())
}

/// A denial at a ledger.
pub(super) fn denied_at(ledger: &Ledger, reason: Reason, requested: i64) -> Denial {
    Denial {
        reason,
        scope: ledger.scope.shared().clone(),
        unit: ledger.unit,
        requested,
        remaining: Some(ledger.figures.remaining()),
        rule: None,
        is_explained: false,
    }
}
