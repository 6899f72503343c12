//! What a call takes of a lease.

use std::fmt;

use super::part::Part;
use crate::error::Error;
use crate::guard::ReservationGuard;
use crate::protocol::{Amount, Caps, CommitRequest, ReservationId};
use crate::reservation::Reservation;

/// Budget for one action, taken of a [`Lease`](crate::Lease), or reserved by itself where the lease had too little.
///
/// [`commit`](Self::commit) says what the action cost; dropping it says that the action cost nothing, and returns all of it.
/// Neither waits or asks the authority: of a lease it is a matter of a few atomic additions, and what was reserved by itself is
/// settled in the background, as a guard is.
///
/// ```
/// # async fn example(lease: runcycles::Lease) -> Result<(), runcycles::Error> {
/// use runcycles::usd;
///
/// let sub = lease.take(usd!(0.0004)).await?;
/// // … call the model …
/// sub.commit(usd!(0.0003))?;
/// # Ok(())
/// # }
/// ```
///
/// It is settled once, since settling takes it:
///
/// ```compile_fail,E0382
/// # fn example(sub: runcycles::SubReservation) -> Result<(), runcycles::Error> {
/// sub.commit(runcycles::usd!(0.0003))?;
/// sub.commit(runcycles::usd!(0.0003))?;
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping a sub-reservation returns it"]
pub struct SubReservation(Held);

enum Held {
    Part(Part),
    Plain(Box<ReservationGuard>),
}

impl SubReservation {
    pub(super) fn part(part: Part) -> Self {
        Self(Held::Part(part))
    }

    pub(super) fn plain(guard: ReservationGuard) -> Self {
        Self(Held::Plain(Box::new(guard)))
    }

    /// Settles it with what the action cost. Spend beyond what was taken comes out of the lease: out of the same chunk, and out of
    /// the next one where that has too little. Only where no other chunk is granted is the excess settled as that of any
    /// reservation, by the overage policy. A policy that rejects excess rejects the commit of the whole chunk: what all of its
    /// calls have spent is in no ledger then. Where costs may exceed estimates, give the lease
    /// [another](crate::OpenLease::overage_policy).
    ///
    /// # Errors
    ///
    /// [`Error::Validation`] where the amount is in another unit or out of range: since the action has run, all that was taken
    /// counts as spent.
    pub fn commit(self, actual: Amount) -> Result<(), Error> {
        let checked = self.reservation().check_actual(&actual);
        match self.0 {
            Held::Part(part) => {
                let spent = if checked.is_ok() { actual.value() } else { part.amount() };
                part.spend(spent);
            }
            Held::Plain(guard) => {
                let request = CommitRequest::new(actual);
                let request = match &checked {
                    Ok(()) => request,
                    Err(_) => guard.reservation().commit_estimate_instead(request),
                };
                guard.commit_in_background(request);
            }
        }
        Ok(checked?)
    }

    /// What was taken.
    pub fn reserved(&self) -> Amount {
        match &self.0 {
            Held::Part(part) => Amount::new(part.chunk().unit().clone(), part.amount()),
            Held::Plain(guard) => guard.reserved().clone(),
        }
    }

    /// Whether it was taken of the lease, and not reserved by itself.
    pub fn is_leased(&self) -> bool {
        matches!(self.0, Held::Part(_))
    }

    /// The limits that came with the decision; for all of a chunk they are those of its reservation.
    pub fn caps(&self) -> Option<&Caps> {
        self.reservation().caps.as_deref()
    }

    /// The reservation that holds it, which others may be taken of too.
    pub fn reservation_id(&self) -> &ReservationId {
        &self.reservation().id
    }

    fn reservation(&self) -> &Reservation {
        match &self.0 {
            Held::Part(part) => part.chunk().reservation(),
            Held::Plain(guard) => guard.reservation(),
        }
    }
}

impl fmt::Debug for SubReservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubReservation")
            .field("reservation_id", self.reservation_id())
            .field("reserved", &self.reserved())
            .field("is_leased", &self.is_leased())
            .finish_non_exhaustive()
    }
}
