//! The arithmetic of settling: what is charged, and to whom it becomes debt.

use super::hold::{denied_at, prepare};
use super::{Reason, Refusal};
use crate::state::{Figures, Overage, Posting, State};

/// A charge and the figures it leaves, not written yet.
#[derive(Debug)]
pub(super) struct Charge {
    pub(super) charged: i64,
    pub(super) postings: Box<[Posting]>,
}

/// Settles `actual` against ledgers that hold `held` of it.
///
/// Up to the held amount it is spent and the rest of the hold goes back. What is above follows the overage policy, with the
/// same charge for every ledger:
///
/// - `Reject` charges all of it: a reservation's excess has been refused, and an event's amount is there in every ledger.
/// - `IfAvailable` charges what every ledger has left, and flags those that had too little.
/// - `Overdraft` lets ledgers with a limit go into debt up to it, and treats the others as `IfAvailable` does.
pub(super) fn settle(
    state: &State,
    ledgers: &[Posting],
    held: i64,
    actual: i64,
    overage: Overage,
) -> Result<Charge, Refusal> {
    let excess = actual - held;
    if excess <= 0 {
        let postings = prepare(state, ledgers, |before| spend(before, held, actual, 0))?;
        return Ok(Charge { charged: actual, postings });
    }
    let covered = match overage {
        Overage::Reject => excess,
        Overage::IfAvailable => ledgers.iter().map(|ledger| left(&ledger.figures)).fold(excess, i64::min),
        Overage::Overdraft => covered_with_overdraft(state, ledgers, actual, excess)?,
    };
    let capped = covered < excess;
    let postings = prepare(state, ledgers, |before| {
        let goes_into_debt = overage == Overage::Overdraft && before.overdraft_limit > 0;
        let deficit = if goes_into_debt { covered - covered.min(left(&before)) } else { 0 };
        let mut after = spend(before, held, held.checked_add(covered - deficit)?, deficit)?;
        after.over_limit |= capped && !goes_into_debt && before.remaining() < excess;
        Some(after)
    })?;
    Ok(Charge { charged: held + covered, postings })
}

/// Turns a hold into spend and debt.
fn spend(before: Figures, held: i64, spent: i64, debt: i64) -> Option<Figures> {
    Some(Figures {
        reserved: before.reserved.checked_sub(held)?,
        spent: before.spent.checked_add(spent)?,
        debt: before.debt.checked_add(debt)?,
        ..before
    })
}

/// What can be charged of an excess where ledgers with a limit may go into debt, if none would exceed its limit.
///
/// Ledgers without a limit cap the charge first; the limits are tested against what is left of it.
fn covered_with_overdraft(state: &State, ledgers: &[Posting], actual: i64, excess: i64) -> Result<i64, Refusal> {
    let without_limit = ledgers.iter().filter(|ledger| ledger.figures.overdraft_limit == 0);
    let covered = without_limit.map(|ledger| left(&ledger.figures)).fold(excess, i64::min);
    for ledger in ledgers.iter().filter(|ledger| ledger.figures.overdraft_limit > 0) {
        let Figures { debt, overdraft_limit: limit, .. } = ledger.figures;
        let deficit = covered - covered.min(left(&ledger.figures));
        let debt = debt.saturating_add(deficit);
        if ledger.figures.remaining() < covered && debt > limit {
            let reason = Reason::OverdraftLimit { debt, limit };
            return Err(denied_at(state.ledgers().get(ledger.ledger), reason, actual).into());
        }
    }
    Ok(covered)
}

/// What a ledger can pay; nothing in overdraft.
fn left(figures: &Figures) -> i64 {
    figures.remaining().max(0)
}
