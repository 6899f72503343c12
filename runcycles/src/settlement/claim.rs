//! Something that must be settled, in the form in which it is sent.

use std::sync::Arc;

use super::plan::Plan;
use crate::client::{Prepared, Shared};
use crate::error::Error;
use crate::guard::Reservation;
use crate::protocol::{
    Amount, CommitRequest, EventCreateRequest, IdempotencyKey, ListReservationsParams, ReleaseRequest, ReservationId,
    ReservationStatus,
};

/// What the event of a lapsed reservation says of itself.
const RECOVERY_REASON: &str = "commit_after_reservation_expired";

/// Something that must be settled: one key and one byte sequence for ever, and where its attempts stand.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(super) work: Work,
    pub(super) plan: Plan,
    /// Whether the authority only observes, so that there is nothing to settle.
    pub(super) observed: bool,
    /// The request of the current step, made by its first attempt.
    prepared: Option<Prepared>,
}

/// What is to be settled.
#[derive(Debug)]
pub(super) enum Work {
    /// Known spend, by a commit.
    Commit { reservation: Arc<Reservation>, request: Box<CommitRequest> },
    /// Known spend of a reservation that lapsed, by an event with the commit's key.
    Event { reservation: Arc<Reservation>, request: Box<CommitRequest> },
    /// A hold that is not needed.
    Release { id: ReservationId, request: ReleaseRequest },
    /// A hold that may exist: its answer never arrived.
    Lookup { key: IdempotencyKey },
}

impl Claim {
    pub(crate) fn commit(reservation: Arc<Reservation>, request: CommitRequest) -> Self {
        let observed = reservation.observed;
        Self { observed, ..Self::new(Work::Commit { reservation, request: Box::new(request) }) }
    }

    pub(crate) fn release(reservation: Arc<Reservation>, request: ReleaseRequest) -> Self {
        let observed = reservation.observed;
        Self { observed, ..Self::new(Work::Release { id: reservation.id.clone(), request }) }
    }

    pub(super) fn new(work: Work) -> Self {
        Self { work, plan: Plan::default(), observed: false, prepared: None }
    }

    /// The reservation at stake, or the key it was asked for with.
    pub(super) fn name(&self) -> &str {
        match &self.work {
            Work::Commit { reservation, .. } | Work::Event { reservation, .. } => reservation.id.as_str(),
            Work::Release { id, .. } => id.as_str(),
            Work::Lookup { key } => key.as_str(),
        }
    }

    /// What the action cost, where spend is at stake.
    pub(super) fn spend(&self) -> Option<&Amount> {
        match &self.work {
            Work::Commit { request, .. } | Work::Event { request, .. } => Some(&request.actual),
            Work::Release { .. } | Work::Lookup { .. } => None,
        }
    }

    /// The request of the current step: the same one every time.
    pub(super) fn prepared(&mut self, shared: &Shared) -> Result<Prepared, Error> {
        if let Some(prepared) = &self.prepared {
            return Ok(prepared.clone());
        }
        let endpoint = &shared.endpoint;
        let prepared = match &self.work {
            Work::Commit { reservation, request } => {
                Prepared::post(endpoint.reservation(&reservation.id, "/commit")?, request)?
            }
            Work::Event { reservation, request } => {
                Prepared::post(endpoint.path("/v1/events")?, &event(reservation, request))?
            }
            Work::Release { id, request } => Prepared::post(endpoint.reservation(id, "/release")?, request)?,
            Work::Lookup { key } => {
                let params = ListReservationsParams::new().idempotency_key(key).status(ReservationStatus::Active);
                Prepared::get(endpoint.query("/v1/reservations", &params.to_pairs()?)?)
            }
        };
        Ok(self.prepared.insert(prepared).clone())
    }

    /// Settles by an event from now on: the reservation lapsed before its commit arrived, so the commit took no effect.
    pub(super) fn switch_to_event(&mut self) {
        if let Work::Commit { reservation, request } = &mut self.work {
            let (reservation, request) = (Arc::clone(reservation), request.clone());
            *self = Self::new(Work::Event { reservation, request });
        }
    }

    /// Releases the reservation that a lookup found.
    pub(super) fn switch_to_release(&mut self, id: ReservationId) {
        *self = Self::new(Work::Release { id, request: ReleaseRequest::new("reservation_without_owner") });
    }
}

/// The event that records a commit's spend, with the commit's key. It names no overage policy, so that the tenant's applies.
fn event(reservation: &Reservation, request: &CommitRequest) -> EventCreateRequest {
    let mut event = EventCreateRequest::builder()
        .action(reservation.action.clone())
        .actual(request.actual.clone())
        .subject(reservation.subject.clone())
        .idempotency_key(request.idempotency_key.clone())
        .metadata(request.metadata.clone())
        .build();
    event.metrics.clone_from(&request.metrics);
    event.metadata.insert("recovered_reservation_id".to_owned(), reservation.id.as_str().into());
    event.metadata.insert("recovery_reason".to_owned(), RECOVERY_REASON.into());
    event
}
