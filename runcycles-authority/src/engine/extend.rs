//! Extensions: a reservation lives longer.

use super::commit::check_live;
use super::get::find_owned;
use super::hold::{Standing, balance_lines};
use super::{BalanceLine, Command, Refusal};
use crate::clock::Millis;
use crate::fingerprint::Fingerprint;
use crate::state::{Extension, Reservation, State, TenantId};

/// Makes a reservation live longer, from its current end.
#[derive(Debug)]
pub(crate) struct Extend<'a> {
    pub(crate) tenant: TenantId,
    pub(crate) id: &'a str,
    pub(crate) key: &'a str,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) by_ms: Millis,
}

/// The new end.
#[derive(Debug, PartialEq)]
pub(crate) struct Extended {
    pub(crate) expires_at: Millis,
    pub(crate) remaining_ttl_ms: Millis,
    pub(crate) balances: Vec<BalanceLine>,
}

impl Command for Extend<'_> {
    type Outcome = Result<Extended, Refusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let reservation = find_owned(state, Some(self.tenant), self.id)?;
        if let Some(extension) = reservation.extensions.iter().find(|extension| extension.key == *self.key) {
            return if extension.fingerprint == self.fingerprint {
                Ok(answer_of(state, reservation, extension, now))
            } else {
                Err(Refusal::KeyMismatch)
            };
        }
        check_live(state, reservation, reservation.unit, reservation.estimate)?;
        if now > reservation.expires_at {
            return Err(Refusal::Expired);
        }
        if reservation.extensions.len() >= reservation.max_extensions as usize {
            return Err(Refusal::ExtensionsSpent { most: reservation.max_extensions });
        }
        let extension = Extension {
            key: self.key.into(),
            fingerprint: self.fingerprint,
            expires_at: reservation.expires_at.saturating_add(self.by_ms),
            postings: Box::from(&*Standing::of(state, &reservation.held)),
        };
        let answer = answer_of(state, reservation, &extension, now);
        let id = reservation.id;
        state.change_reservation(id, |row| {
            row.expires_at = extension.expires_at;
            row.extensions.push(extension);
        });
        Ok(answer)
    }
}

/// The answer to an extension: the one first given, except for how long the reservation still lives.
fn answer_of(state: &State, reservation: &Reservation, extension: &Extension, now: Millis) -> Extended {
    Extended {
        expires_at: extension.expires_at,
        remaining_ttl_ms: reservation.remaining_ttl(extension.expires_at, now),
        balances: balance_lines(state, &extension.postings),
    }
}
