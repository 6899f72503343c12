//! Releases: a reservation's hold goes back.

use super::commit::check_live;
use super::get::find_owned;
use super::hold::{Standing, balance_lines, post, prepare};
use super::{BalanceLine, Command, Refusal};
use crate::clock::Millis;
use crate::fingerprint::Fingerprint;
use crate::state::{Figures, Phase, Reservation, Settlement, State, TenantId};
use crate::unit::Unit;

/// Returns a reservation's hold.
#[derive(Debug)]
pub(crate) struct Release<'a> {
    /// The tenant whose key was used; none for the admin key.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) id: &'a str,
    pub(crate) key: &'a str,
    pub(crate) fingerprint: Fingerprint,
}

/// What was returned.
#[derive(Debug, PartialEq)]
pub(crate) struct Released {
    pub(crate) unit: Unit,
    pub(crate) amount: i64,
    pub(crate) balances: Vec<BalanceLine>,
}

impl Command for Release<'_> {
    type Outcome = Result<Released, Refusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let reservation = find_owned(state, self.tenant, self.id)?;
        match &reservation.phase {
            Phase::Released(settlement) if settlement.key == *self.key => {
                return if settlement.fingerprint == self.fingerprint {
                    Ok(answer_of(state, reservation, settlement))
                } else {
                    Err(Refusal::KeyMismatch)
                };
            }
            _ => check_live(state, reservation, reservation.unit, reservation.estimate)?,
        }
        let estimate = reservation.estimate;
        let postings = prepare(state, &Standing::of(state, &reservation.held), |before| give_back(before, estimate))?;
        let settlement = Settlement {
            key: self.key.into(),
            fingerprint: self.fingerprint,
            at: now,
            charged: 0,
            metadata: None,
            postings,
        };
        let answer = answer_of(state, reservation, &settlement);
        let (id, ruled) = (reservation.id, reservation.ruled.clone());
        post(state, &settlement.postings);
        state.uncount(ruled);
        state.change_reservation(id, |row| row.phase = Phase::Released(Box::new(settlement)));
        Ok(answer)
    }
}

/// A ledger's figures after a hold went back.
pub(super) fn give_back(before: Figures, estimate: i64) -> Option<Figures> {
    Some(Figures { reserved: before.reserved.checked_sub(estimate)?, ..before })
}

fn answer_of(state: &State, reservation: &Reservation, settlement: &Settlement) -> Released {
    Released {
        unit: reservation.unit,
        amount: reservation.estimate,
        balances: balance_lines(state, &settlement.postings),
    }
}
