//! Guarded calls that take of a lease.

use std::sync::{Arc, Mutex};

use super::Lease;
use super::part::Part;
use crate::client::CyclesClient;
use crate::error::Error;
use crate::guard::ReservationGuard;
use crate::protocol::{Level, ReservationCreateRequest, Subject};
use crate::reservation::{Budgets, Grant, Hold, Reservation};

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
        if part.is_none() {
            self.count_plain();
        }
        part.map(|part| guard(client, request, part)).transpose()
    }

    /// What a call takes of the lease. Nothing where it is not of the same levels, which may have budgets that the lease's chunk
    /// was not checked against; where it is counted in another unit; or where it is asked of another authority.
    fn value_of(&self, client: &CyclesClient, request: &ReservationCreateRequest) -> Result<Option<i64>, Error> {
        request.validate()?;
        client.check_bounds(&request.subject, request.estimate.unit())?;
        let is_same =
            Arc::ptr_eq(&client.shared, &self.client().shared) && has_same_levels(&request.subject, self.subject());
        if !is_same {
            tracing::debug!(action = %request.action.name, subject = %request.subject, "not of the lease's scope; reserved by itself");
            return Ok(None);
        }
        Ok(self.countable(&request.estimate))
    }
}

fn has_same_levels(one: &Subject, other: &Subject) -> bool {
    Level::ALL.into_iter().all(|level| one.level(level) == other.level(level))
}

/// The guard of a call that takes a part. It stands for the reservation of the chunk.
fn guard(client: &CyclesClient, request: &ReservationCreateRequest, part: Part) -> Result<ReservationGuard, Error> {
    let chunk = Arc::clone(part.chunk().reservation());
    let grant = Grant {
        decision: chunk.decision.clone(),
        caps: chunk.caps.clone(),
        budgets: Budgets::Of(Arc::clone(&chunk)),
        expires_at_ms: None,
        remaining_ttl_ms: None,
        evidence: chunk.evidence.clone(),
    };
    let hold = Hold::Share(Mutex::new(Some(Box::new(part))));
    client.without_hold(Reservation::new(chunk.id.clone(), hold, request.clone(), grant))
}
