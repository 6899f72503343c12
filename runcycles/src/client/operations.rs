//! The protocol's operations, one method each, in the specification's order.

use super::bounds::Limits;
use super::operation::{Operation, Prepared};
use super::{CyclesClient, ambient};
use crate::error::Error;
use crate::protocol::{
    BalanceParams, BalanceResponse, CommitRequest, CommitResponse, DecisionRequest, DecisionResponse,
    EventCreateRequest, EventCreateResponse, ExtendRequest, ExtendResponse, ListReservationsParams, ReleaseRequest,
    ReleaseResponse, ReservationCreateRequest, ReservationCreateResponse, ReservationDetail, ReservationId,
    ReservationListResponse, Subject, Unit, ValidationError,
};

/// These methods send one request each and repeat nothing: [`reserve`](Self::reserve) and
/// [`with_cycles`](crate::with_cycles) own the lifecycle, these do not. Requests about an action have their subject filled
/// from the ambient scope and the client's defaults. What breaks the protocol's limits is an error before anything is sent.
impl CyclesClient {
    /// Asks whether an action would be allowed, holding nothing (protocol: `POST /v1/decide`). A denial is an answer here, not
    /// an error.
    pub fn decide(&self, request: &DecisionRequest) -> Operation<DecisionResponse> {
        let mut request = request.clone();
        self.fill_subject(&mut request.subject);
        let validated = request.validate().and_then(|()| self.check_bounds(&request.subject, request.estimate.unit()));
        Operation::new(&self.shared.connection, self.post_path("/v1/decide", validated, &request))
    }

    /// Holds budget, without a guard (protocol: `POST /v1/reservations`). Nothing keeps the reservation alive or settles it;
    /// [`reserve`](Self::reserve) does both.
    pub fn create_reservation(&self, request: &ReservationCreateRequest) -> Operation<ReservationCreateResponse> {
        let mut request = request.clone();
        self.fill_subject(&mut request.subject);
        Operation::new(&self.shared.connection, self.prepare_reservation(&request))
    }

    /// Lists reservations, a page at a time (protocol: `GET /v1/reservations`); [`reservations`](Self::reservations) walks all
    /// pages.
    pub fn list_reservations(&self, params: &ListReservationsParams) -> Operation<ReservationListResponse> {
        let request = params
            .to_pairs()
            .map_err(Error::from)
            .and_then(|pairs| Ok(Prepared::get(self.shared.connection.endpoint.query("/v1/reservations", &pairs)?)));
        Operation::new(&self.shared.connection, request)
    }

    /// One reservation as it stands (protocol: `GET /v1/reservations/{id}`).
    pub fn get_reservation(&self, id: &ReservationId) -> Operation<ReservationDetail> {
        let uri = self.shared.connection.endpoint.reservation(id, "");
        Operation::new(&self.shared.connection, uri.map(Prepared::get).map_err(Error::from))
    }

    /// Settles a reservation (protocol: `POST /v1/reservations/{id}/commit`). An unclear outcome is an error here and nothing
    /// repeats it: whoever calls this must, with the same request.
    pub fn commit_reservation(&self, id: &ReservationId, request: &CommitRequest) -> Operation<CommitResponse> {
        Operation::new(&self.shared.connection, self.post_reservation(id, "/commit", request.validate(), request))
    }

    /// Returns a reservation's hold (protocol: `POST /v1/reservations/{id}/release`).
    pub fn release_reservation(&self, id: &ReservationId, request: &ReleaseRequest) -> Operation<ReleaseResponse> {
        Operation::new(&self.shared.connection, self.post_reservation(id, "/release", request.validate(), request))
    }

    /// Makes a reservation live longer (protocol: `POST /v1/reservations/{id}/extend`).
    pub fn extend_reservation(&self, id: &ReservationId, request: &ExtendRequest) -> Operation<ExtendResponse> {
        Operation::new(&self.shared.connection, self.post_reservation(id, "/extend", request.validate(), request))
    }

    /// Lists budgets, a page at a time (protocol: `GET /v1/balances`); [`balances`](Self::balances) walks all pages.
    pub fn get_balances(&self, params: &BalanceParams) -> Operation<BalanceResponse> {
        let request = params
            .to_pairs()
            .map_err(Error::from)
            .and_then(|pairs| Ok(Prepared::get(self.shared.connection.endpoint.query("/v1/balances", &pairs)?)));
        Operation::new(&self.shared.connection, request)
    }

    /// Records spend that was not reserved (protocol: `POST /v1/events`).
    pub fn create_event(&self, request: &EventCreateRequest) -> Operation<EventCreateResponse> {
        let mut request = request.clone();
        self.fill_subject(&mut request.subject);
        let validated = request.validate().and_then(|()| self.check_bounds(&request.subject, request.actual.unit()));
        Operation::new(&self.shared.connection, self.post_path("/v1/events", validated, &request))
    }

    /// Fills what a call's subject leaves out: from the view's scope, then the ambient scope, then the client's defaults.
    pub(crate) fn fill_subject(&self, subject: &mut Subject) {
        let mut filled = std::mem::take(subject).or(&self.view.scope);
        if let Some(ambient) = ambient::scope() {
            filled = filled.or(&ambient);
        }
        *subject = filled.or(&self.shared.config.subject);
    }

    fn prepare_reservation(&self, request: &ReservationCreateRequest) -> Result<Prepared, Error> {
        self.check_reservation(request)?;
        self.prepare_checked(request)
    }

    /// Checks a reservation against the protocol's limits and the bounds of this view.
    pub(crate) fn check_reservation(&self, request: &ReservationCreateRequest) -> Result<(), ValidationError> {
        request.validate()?;
        self.check_bounds(&request.subject, request.estimate.unit())
    }

    /// A reservation that has been checked.
    pub(crate) fn prepare_checked(&self, request: &ReservationCreateRequest) -> Result<Prepared, Error> {
        Prepared::post(self.shared.connection.endpoint.reservations(), request)
    }

    /// Checks that a call stays within the bounds of this view, or else within those of where it is made.
    pub(crate) fn check_bounds(&self, subject: &Subject, unit: &Unit) -> Result<(), ValidationError> {
        self.shared.config.check_tenant(subject)?;
        self.limits().check(subject, unit)
    }

    /// What calls through this view may not leave where this is asked.
    pub(super) fn limits(&self) -> Limits {
        self.view.limits.clone().or(ambient::limits())
    }

    fn post_path(
        &self,
        path: &str,
        validated: Result<(), ValidationError>,
        request: &impl serde::Serialize,
    ) -> Result<Prepared, Error> {
        validated?;
        Prepared::post(self.shared.connection.endpoint.path(path)?, request)
    }

    pub(crate) fn post_reservation(
        &self,
        id: &ReservationId,
        action: &str,
        validated: Result<(), ValidationError>,
        request: &impl serde::Serialize,
    ) -> Result<Prepared, Error> {
        validated?;
        Prepared::post(self.shared.connection.endpoint.reservation(id, action)?, request)
    }
}
