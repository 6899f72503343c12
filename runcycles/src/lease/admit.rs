//! Guarded calls that take of a lease.

use std::sync::{Arc, Mutex};

use super::Lease;
use super::part::Part;
use crate::client::CyclesClient;
use crate::error::Error;
use crate::guard::ReservationGuard;
use crate::protocol::{Level, ReservationCreateRequest, Subject};
use crate::reservation::{Budgets, Grant, Hold, Reservation};

/// The dimension by which the authority counts the actions of a run (protocol v0.1.26).
const RUN_ID: &str = "run_id";

impl Lease {
    /// The guard of a call that takes what it needs of the lease, and waits for another chunk where that is being asked for; `None`
    /// where the call is to reserve by itself.
    ///
    /// # Errors
    ///
    /// [`Error::Validation`] for a call that no reservation can be made of, and [`Error::ShutDown`].
    pub(crate) async fn admit(
        &self,
        client: &CyclesClient,
        request: &ReservationCreateRequest,
    ) -> Result<Option<ReservationGuard>, Error> {
        let part = match self.value_of(client, request)? {
            Some(value) => {
                let row = self.pool().actions.row(&request.action.kind, &request.action.name);
                self.pool().take_or_wait(value, row).await
            }
            None => None,
        };
        match part {
            Some(part) if part.is_held() => return guard(client, request, part).map(Some),
            // The authority only observes; what it says of a call of its own is not held against it.
            Some(part) => part.undo(),
            None => {}
        }
        self.count_plain();
        Ok(None)
    }

    /// What a call takes of the lease. Nothing where the authority might say something else of it than of the lease's chunk: where
    /// it is not of the same levels, which may have budgets of their own, or not of the same run, or does something else, which
    /// policies may deny; where it is counted in another unit; or where it is asked of another authority.
    fn value_of(&self, client: &CyclesClient, request: &ReservationCreateRequest) -> Result<Option<i64>, Error> {
        request.validate()?;
        client.check_bounds(&request.subject, request.estimate.unit())?;
        let is_same = Arc::ptr_eq(&client.shared, &self.client().shared)
            && is_same_place(&request.subject, self.subject())
            && self.pool().is_of_its_kind(&request.action)
            && request.action.policy_keys.is_none();
        if !is_same {
            let (action, subject) = (&request.action, &request.subject);
            tracing::debug!(kind = %action.kind, name = %action.name, %subject, "not what the lease is for; reserved by itself");
            return Ok(None);
        }
        Ok(self.countable(&request.estimate))
    }
}

/// Whether two subjects have the same levels and are of the same run.
fn is_same_place(one: &Subject, other: &Subject) -> bool {
    Level::ALL.into_iter().all(|level| one.level(level) == other.level(level))
        && one.dimensions.get(RUN_ID) == other.dimensions.get(RUN_ID)
}

/// The guard of a call that takes a part. It stands for the reservation of the chunk.
fn guard(client: &CyclesClient, request: &ReservationCreateRequest, part: Part) -> Result<ReservationGuard, Error> {
    let chunk = Arc::clone(part.chunk().reservation());
    let grant = Grant {
        decision: chunk.decision.clone(),
        caps: chunk.caps.clone(),
        budgets: Budgets::of(Arc::clone(&chunk)),
        expires_at_ms: None,
        remaining_ttl_ms: None,
        evidence: chunk.evidence.clone(),
    };
    let hold = Hold::Share(Mutex::new(Some(Box::new(part))));
    client.without_hold(Reservation::new(chunk.id.clone(), hold, request.clone(), grant))
}
