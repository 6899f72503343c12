//! Expiry: holds whose time has run out go back.

use super::commit::holding;
use super::hold::post;
use crate::clock::Millis;
use crate::state::{Phase, Posting, State};

/// Returns the hold of every reservation whose lease and grace period have passed.
///
/// Runs before every command, so that nobody ever sees a hold that has lapsed; no background task is needed.
pub(super) fn expire_due(state: &mut State, now: Millis) {
    while let Some((deadline, id)) = state.reservations().next_deadline() {
        if deadline >= now {
            return;
        }
        let postings: Vec<Posting> = match state.reservations().get(id) {
            Some(reservation) => {
                let mut postings = holding(state, reservation);
                for posting in &mut postings {
                    posting.figures.reserved = posting.figures.reserved.saturating_sub(reservation.estimate).max(0);
                }
                postings
            }
            None => Vec::new(),
        };
        post(state, &postings);
        state.change_reservation(id, |row| row.phase = Phase::Expired { at: deadline });
    }
}
