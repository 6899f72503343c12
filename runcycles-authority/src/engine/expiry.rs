//! Expiry: holds whose time has run out go back.

use super::hold::{Standing, post};
use super::telling::tell_of_expiry;
use crate::clock::Millis;
use crate::state::{Phase, State};

/// Returns the hold of every reservation whose lease and grace period have passed.
///
/// Runs before every command, so that nobody ever sees a hold that has lapsed; no background task is needed.
pub(super) fn expire_due(state: &mut State, now: Millis) {
    while let Some((deadline, id)) = state.reservations().next_deadline() {
        if deadline >= now {
            return;
        }
        if let Some(reservation) = state.reservations().get(id) {
            let mut standing = Standing::of(state, &reservation.held);
            for posting in &mut *standing {
                posting.figures.reserved = posting.figures.reserved.saturating_sub(reservation.estimate).max(0);
            }
            let ruled = reservation.ruled.clone();
            let lapsed = state.is_listened_to().then(|| reservation.clone());
            post(state, &standing);
            state.uncount(ruled);
            if let Some(lapsed) = lapsed {
                tell_of_expiry(state, &lapsed, deadline);
            }
        }
        state.change_reservation(id, |row| row.phase = Phase::Expired { at: deadline });
    }
}
