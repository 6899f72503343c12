//! Commits: a reservation becomes spend.

use runcycles::models::Metadata;

use super::admission::check_tenant;
use super::charge::{Charge, settle};
use super::get::find_owned;
use super::hold::{Standing, balance_lines, denied_at, post};
use super::telling::{tell_of_debt, tell_of_overage};
use super::{BalanceLine, Command, Reason, Refusal};
use crate::clock::Millis;
use crate::fingerprint::Fingerprint;
use crate::state::{Overage, Phase, Reservation, Settlement, State, TenantId};
use crate::unit::Unit;

/// Settles a reservation with what the action cost.
#[derive(Debug)]
pub(crate) struct Commit<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) id: &'a str,
    pub(crate) key: &'a str,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) unit: Unit,
    pub(crate) actual: i64,
    pub(crate) metadata: Option<Box<Metadata>>,
}

/// What was charged and returned.
#[derive(Debug, PartialEq)]
pub(crate) struct Committed {
    pub(crate) unit: Unit,
    pub(crate) charged: i64,
    pub(crate) released: i64,
    pub(crate) balances: Vec<BalanceLine>,
}

impl Command for Commit<'_> {
    type Outcome = Result<Committed, Refusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let reservation = find_owned(state, Some(self.tenant), self.id)?;
        match &reservation.phase {
            Phase::Committed(settlement) if settlement.key == *self.key => {
                return if settlement.fingerprint == self.fingerprint {
                    Ok(answer_of(state, reservation, settlement))
                } else {
                    Err(Refusal::KeyMismatch)
                };
            }
            _ => check_live(state, reservation, self.unit, self.actual)?,
        }
        if reservation.unit != self.unit {
            return Err(Refusal::ReservationUnit { requested: self.unit, reserved: reservation.unit });
        }
        let Charge { charged, postings } = charge(state, reservation, self.actual)?;
        let settlement = Settlement {
            key: self.key.into(),
            fingerprint: self.fingerprint,
            at: now,
            charged,
            metadata: self.metadata,
            postings,
        };
        let answer = answer_of(state, reservation, &settlement);
        let id = reservation.id;
        if state.is_listened_to() && self.actual > reservation.estimate {
            let reservation = reservation.clone();
            tell_of_debt(state, &settlement.postings, reservation.overage, Some(id));
            tell_of_overage(state, &reservation, self.actual, &settlement.postings);
        }
        post(state, &settlement.postings);
        state.change_reservation(id, |row| row.phase = Phase::Committed(Box::new(settlement)));
        Ok(answer)
    }
}

/// Refuses what cannot be settled any more.
pub(super) fn check_live(state: &State, reservation: &Reservation, unit: Unit, requested: i64) -> Result<(), Refusal> {
    check_tenant(state, reservation.tenant, unit, requested)?;
    match reservation.phase {
        Phase::Active => Ok(()),
        Phase::Expired { .. } => Err(Refusal::Expired),
        Phase::Committed(_) | Phase::Released(_) => Err(Refusal::Finalized),
    }
}

fn charge(state: &State, reservation: &Reservation, actual: i64) -> Result<Charge, Refusal> {
    let ledgers = Standing::of(state, &reservation.held);
    let Reservation { estimate, overage, .. } = *reservation;
    if actual > estimate && overage == Overage::Reject {
        // All ledgers hold the same amount; the innermost is the budget the caller knows.
        if let Some(innermost) = ledgers.last() {
            let ledger = state.ledgers().get(innermost.ledger);
            return Err(denied_at(ledger, Reason::ExceedsEstimate { estimate }, actual).into());
        }
    }
    settle(state, &ledgers, estimate, actual, overage)
}

fn answer_of(state: &State, reservation: &Reservation, settlement: &Settlement) -> Committed {
    Committed {
        unit: reservation.unit,
        charged: settlement.charged,
        released: (reservation.estimate - settlement.charged).max(0),
        balances: balance_lines(state, &settlement.postings),
    }
}
