//! The reservation guard.

use std::ops::Deref;
use std::time::Duration;

use super::wait::block_on;
use crate::error::Error;
use crate::guard;
use crate::protocol::{CommitRequest, ExtendResponse};
use crate::settlement::Settlement;

/// A live reservation, as [`runcycles::ReservationGuard`](crate::ReservationGuard), which this shows everything of.
///
/// The reservation is kept alive in the background. A guard that is dropped is settled there by what is known.
#[derive(Debug)]
#[must_use = "dropping a guard releases its reservation"]
pub struct ReservationGuard(pub(super) guard::ReservationGuard);

impl ReservationGuard {
    /// Settles the reservation with what the action cost; see [`commit`](crate::ReservationGuard::commit).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn commit(self, request: impl Into<CommitRequest>) -> Result<Settlement, Error> {
        block_on(self.0.commit(request.into()))
    }

    /// Returns the hold; see [`release`](crate::ReservationGuard::release).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn release(self, reason: impl Into<String>) -> Result<Settlement, Error> {
        block_on(self.0.release(reason.into()))
    }

    /// Makes the reservation live longer; see [`extend`](crate::ReservationGuard::extend).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn extend(&self, by: Duration) -> Result<ExtendResponse, Error> {
        block_on(self.0.extend(by))
    }
}

impl Deref for ReservationGuard {
    type Target = guard::ReservationGuard;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
