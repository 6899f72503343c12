//! How a reservation is made.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::ReservationGuard;
use crate::client::{CyclesClient, ObservedDenial, Prepared, Response, ResponseMetadata, read_answer};
use crate::error::Error;
use crate::planted::{Bug, planted};
use crate::protocol::{
    Decision, IdempotencyKey, ReasonCode, ReleaseRequest, ReservationCreateRequest, ReservationCreateResponse,
    ReservationId, ValidationError,
};
use crate::reservation::{Grant, Hold, Reservation};
use crate::settlement::Queue;
use crate::telemetry::{self, Asked, CallSpan, TraceContext};

/// Why a hold is returned that came without a usable decision.
const NOT_USABLE: &str = "decision_not_usable";

/// What was granted, and what is told of it.
struct Granted {
    id: Option<ReservationId>,
    grant: Grant,
    reason: Option<ReasonCode>,
    metadata: ResponseMetadata,
}

impl CyclesClient {
    /// Holds budget for an action, and keeps holding it until the guard is settled or dropped. Takes a
    /// [`Reserve`](crate::Reserve) or a [`ReservationCreateRequest`]; what its subject leaves out is filled from this view's
    /// scope, the ambient scope and the client's defaults.
    ///
    /// An attempt without a clear answer is repeated once, with the same key and bytes.
    ///
    /// # Errors
    ///
    /// [`Error::BudgetExceeded`] and [`Error::Blocked`] are denials, and [`Error::NoBudget`] says that no level has a budget:
    /// the action must not run. [`Error::Validation`] and [`Error::ShutDown`] are raised before anything is sent. [`Error::Transport`],
    /// [`Error::Ambiguous`] and retryable [`Error::Api`] leave open whether budget is held: asking again with the same key within
    /// some seconds gets such a hold, and otherwise it is released. A key is of no use after that, which is an
    /// [`Error::Validation`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave a hold that nobody owns. It is looked up by its key some seconds later and released in the
    /// background, unless this client has asked again with the same key by then: whoever did owns it.
    pub fn reserve<R: Into<ReservationCreateRequest>>(
        &self,
        request: R,
    ) -> impl Future<Output = Result<ReservationGuard, Error>> + Send + use<'_, R> {
        self.hold(request.into(), false)
    }

    /// Holds budget for a request whose subject is complete, wherever it is asked for.
    pub(crate) fn reserve_as_it_is(
        &self,
        request: ReservationCreateRequest,
    ) -> impl Future<Output = Result<ReservationGuard, Error>> + Send {
        self.hold(request, true)
    }

    /// The guard of an action that runs whether or not anything is held for it.
    pub(crate) fn without_hold(&self, reservation: Reservation) -> Result<ReservationGuard, Error> {
        let owner = Queue::let_in(&self.shared).ok_or(Error::ShutDown)?;
        Ok(ReservationGuard::new(self.clone(), Arc::new(reservation), None, owner, None))
    }

    async fn hold(
        &self,
        mut request: ReservationCreateRequest,
        subject_is_complete: bool,
    ) -> Result<ReservationGuard, Error> {
        if request.dry_run == Some(true) && !request.is_observed() {
            let expected = "a live reservation; ask without holding by decide or create_reservation";
            return Err(ValidationError::new("dry_run", "true", expected).into());
        }
        if !subject_is_complete {
            self.fill_subject(&mut request.subject);
        }
        self.check_reservation(&request)?;
        let owner = Queue::let_in(&self.shared).ok_or(Error::ShutDown)?;
        let Some(key_use) = self.shared.keys.begin(&request.idempotency_key) else {
            let found = "one whose hold was given back after its answer was lost";
            return Err(
                ValidationError::new("idempotency_key", found, "another key, which gets a hold of its own").into()
            );
        };
        #[cfg(feature = "journal")]
        self.shared.take_up_journal(&Handle::current());

        let (span, trace) = (CallSpan::open(&request), self.shared.connection.current_trace());
        let asked = Asked { request: &request, span: &span, scopes: self.config().metric_scopes };
        let sent_at = Instant::now();
        // What is part of a trace goes by requests, which carry it.
        let is_traced = span.is_open() || trace.is_some();
        let granted = match if is_traced { None } else { self.hold_directly(&request) } {
            Some(granted) => granted.map(|granted| (granted, sent_at)),
            None => self.hold_by_call(&request, trace.clone()).await,
        };
        let received_at = Instant::now();
        let (granted, sent_at) = granted.inspect_err(|error| telemetry::denied(asked, error))?;
        let Granted { id, grant, reason, metadata } = granted;
        grant.budgets.each_unbudgeted(|scope| self.shared.unbudgeted.warn_once(scope));
        if let Some(watch) = self.watch() {
            watch.note(grant.budgets.balances());
        }
        let remaining_ttl_ms = grant.remaining_ttl_ms;
        let (id, hold) = match id {
            Some(id) => (id, Hold::Budget),
            None => (local_id(&request.idempotency_key)?, Hold::Nothing),
        };
        telemetry::allowed(asked, &grant.decision, reason.as_ref(), id.as_str(), metadata.trace_id());
        let reservation = Arc::new(Reservation::new(id, hold, request, grant).told(span, trace));
        #[cfg(feature = "metrics")]
        if reservation.is_held() {
            telemetry::held(&reservation.estimate);
        }
        let beat = reservation
            .is_held()
            .then(|| self.shared.heartbeat.start(&self.shared, &reservation, sent_at, received_at, remaining_ttl_ms));
        Ok(ReservationGuard::new(self.clone(), reservation, beat, owner, Some(key_use)))
    }

    /// Asks an authority in the same process, if there is one and it has a clear answer at once.
    fn hold_directly(&self, request: &ReservationCreateRequest) -> Option<Result<Granted, Error>> {
        match self.shared.connection.hold_directly(request)? {
            Ok((id, hold)) => Some(Ok(Granted {
                id: Some(id),
                grant: hold.into(),
                reason: None,
                metadata: ResponseMetadata::default(),
            })),
            Err(response) => {
                let error = read_answer::<ReservationCreateResponse>(*response).err()?;
                (!outcome_is_open(&error)).then(|| Err(error.raised_for(&request.estimate)))
            }
        }
    }

    /// Asks the authority by calls. Also tells when the one was sent that was answered.
    async fn hold_by_call(
        &self,
        request: &ReservationCreateRequest,
        trace: Option<Arc<TraceContext>>,
    ) -> Result<(Granted, Instant), Error> {
        let prepared = self.prepare_checked(request)?.traced(trace);
        let (answer, sent_at) = self.ask_twice(&prepared, &request.idempotency_key).await;
        let answer = answer.map_err(|error| error.raised_for(&request.estimate))?;
        let headers = answer.metadata;
        let mut answer = answer.value;
        if self.only_observes(request, &answer) {
            // A server that does not know the mode may hold something all the same.
            if let Some(id) = answer.reservation_id.take() {
                self.give_back(&id, "observed_only");
            }
            if !answer.decision.is_allowed() {
                let (action, decision) = (&request.action.kind, &answer.decision);
                let reason = answer.reason_code.as_ref().map_or("none given", ReasonCode::as_str);
                tracing::info!(action, %decision, reason, "observed: this call would have been denied");
            }
        } else if !answer.decision.is_allowed() && !planted(Bug::DeniedActionRuns) {
            if let Some(id) = &answer.reservation_id {
                self.give_back(id, NOT_USABLE);
            }
            if answer.decision == Decision::Deny {
                return Err(Error::from_denial(answer, headers.headers()).raised_for(&request.estimate));
            }
            let problem = format!("the decision is {}, which this version does not know", answer.decision);
            return Err(Error::Ambiguous { operation: "reserve", problem, reservation_id: answer.reservation_id });
        }
        let (id, reason) = (answer.reservation_id.take(), answer.reason_code.take());
        Ok((Granted { id, grant: answer.into(), reason, metadata: headers }, sent_at))
    }

    /// Sends a reservation, and once more at once if the outcome of the first attempt is open. Also tells when the attempt that
    /// was answered was sent.
    async fn ask_twice(
        &self,
        prepared: &Prepared,
        key: &IdempotencyKey,
    ) -> (Result<Response<ReservationCreateResponse>, Error>, Instant) {
        let mut orphan = Orphan { client: self, key, runtime: Handle::current(), possible: true };
        let sent_at = Instant::now();
        let error = match self.shared.connection.send(prepared).await {
            Err(error) if outcome_is_open(&error) => error,
            answered => {
                orphan.possible = false;
                return (answered, sent_at);
            }
        };
        tracing::warn!(%error, "no clear answer to a reservation; asking once more with the same key");
        let (first_arrived, first_was_answered) = (may_have_arrived(&error), !error.is_unavailable());
        let first_named = named_reservation(&error).cloned();
        let sent_at = Instant::now();
        let second: Result<Response<ReservationCreateResponse>, Error> = self.shared.connection.send(prepared).await;
        orphan.possible = match &second {
            Ok(answer) if answer.value.decision.is_allowed() || answer.value.reservation_id.is_some() => false,
            // Whoever denies it now may not be whoever granted it before.
            Ok(_) => match &first_named {
                Some(id) => {
                    self.give_back_later(key, id);
                    false
                }
                None => first_arrived,
            },
            Err(error) => match named_reservation(error).or(first_named.as_ref()) {
                Some(id) => {
                    self.give_back_later(key, id);
                    false
                }
                None => first_arrived || may_have_arrived(error),
            },
        };
        // Whoever has answered, however unusably, is not out of reach.
        let is_first = first_was_answered && second.as_ref().is_err_and(Error::is_unavailable);
        (if is_first { Err(error) } else { second }, sent_at)
    }

    /// Returns a hold that an unusable answer named, unless somebody asks again with its key.
    fn give_back_later(&self, key: &IdempotencyKey, id: &ReservationId) {
        let request = ReleaseRequest::new(NOT_USABLE);
        self.shared.release_orphan_in_background(key, id.clone(), request, &Handle::current());
    }

    /// Whether a call runs whatever the answer says: it asks to be observed, or its tenant is and the client's policy lets it run.
    fn only_observes(&self, request: &ReservationCreateRequest, answer: &ReservationCreateResponse) -> bool {
        let denied_by_decision = || answer.decision == Decision::Deny && answer.reservation_id.is_none();
        request.is_observed() || (self.config().observed_denial == ObservedDenial::Run && denied_by_decision())
    }

    /// Returns a hold that nobody owns.
    fn give_back(&self, id: &ReservationId, reason: &'static str) {
        let request = ReleaseRequest::new(reason);
        self.shared.release_in_background(id.clone(), request, &Handle::current());
    }
}

/// Whether an error leaves open what the authority did.
fn outcome_is_open(error: &Error) -> bool {
    match error {
        Error::Transport(_) | Error::Ambiguous { .. } => true,
        Error::Api { status, .. } => *status >= 500,
        _ => false,
    }
}

/// The reservation that an unusable answer names.
fn named_reservation(error: &Error) -> Option<&ReservationId> {
    match error {
        Error::Ambiguous { reservation_id, .. } => reservation_id.as_ref(),
        _ => None,
    }
}

/// The id of a reservation that the authority only observes: it has given none.
fn local_id(key: &IdempotencyKey) -> Result<ReservationId, Error> {
    let short: String = key.as_str().chars().take(100).collect();
    ReservationId::new(format!("observed-{short}")).map_err(|error| Error::Ambiguous {
        operation: "reserve",
        problem: error.to_string(),
        reservation_id: None,
    })
}

/// Whether a request whose outcome is open may have reached the authority and been acted on.
fn may_have_arrived(error: &Error) -> bool {
    match error {
        Error::Transport(error) => !error.is_connect(),
        error => outcome_is_open(error),
    }
}

/// A reservation that may exist without an owner: its answer is on its way, or was lost. Dropping this while it is possible
/// has the reservation looked up by its key and returned in the background.
struct Orphan<'a> {
    client: &'a CyclesClient,
    key: &'a IdempotencyKey,
    possible: bool,
    runtime: Handle,
}

impl Drop for Orphan<'_> {
    fn drop(&mut self) {
        if self.possible && !planted(Bug::OrphanForgotten) {
            self.client.shared.find_and_release_in_background(self.key.clone(), &self.runtime);
        }
    }
}
