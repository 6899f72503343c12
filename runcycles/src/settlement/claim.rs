//! Something that must be settled, in the form in which it is sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::keep::Kept;
use super::keys::{KeyUse, OrphanKey};
use super::plan::Plan;
use super::spend_event::SpendEvent;
use crate::client::{Prepared, Shared, Watch, encode};
use crate::error::Error;
use crate::planted::{Bug, planted, with_another_key};
use crate::protocol::{
    Amount, CommitRequest, IdempotencyKey, ListReservationsParams, ReleaseRequest, ReservationId, ReservationStatus,
};
use crate::reservation::{Reservation, UNHELD};
use crate::telemetry::{self, CallSpan, Step, TraceContext};

/// Something that must be settled: one key and one byte sequence for ever, and where its attempts stand.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(super) work: Work,
    pub(super) plan: Plan,
    /// Whether the authority only observes, so that there is nothing to settle.
    pub(super) observed: bool,
    /// Whether nobody looks at the budgets that it settles.
    pub(crate) is_unseen: bool,
    /// What the journal has of it.
    pub(super) kept: Kept,
    /// How many attempts there have been of the current step.
    pub(super) attempts: u32,
    /// Before when nothing may be sent, since the authority asked to wait.
    floor: Option<Instant>,
    /// Keeps the key of the reservation in use.
    pub(crate) key_use: Option<KeyUse>,
    /// Who is told what the answer says of balances.
    pub(crate) watch: Option<Arc<Watch>>,
    /// The key of a hold that may have no owner.
    orphan_of: Option<OrphanKey>,
    /// The request of the current step, made by its first attempt.
    prepared: Option<Prepared>,
    /// The span of the call that it settles.
    pub(super) span: CallSpan,
    /// The trace that its reservation was made in.
    trace: Option<Arc<TraceContext>>,
    /// Counts it for as long as it is in the background.
    #[cfg(feature = "metrics")]
    pub(super) pending: Option<crate::telemetry::PendingSettlement>,
}

/// What is to be settled.
#[derive(Debug)]
pub(super) enum Work {
    /// Known spend, by a commit.
    Commit(Spend),
    /// Known spend of a reservation that lapsed, by an event with the commit's key; or spend of which nothing is held.
    Event(Spend),
    /// A hold that is not needed.
    Release { id: ReservationId, request: ReleaseRequest },
    /// A hold that may exist: its answer never arrived.
    Lookup { key: IdempotencyKey },
}

/// Known spend on its way into the ledger.
#[derive(Clone, Debug)]
pub(super) struct Spend {
    pub(super) id: ReservationId,
    /// How much; absent where a record in the journal does not say it in a known way.
    pub(super) actual: Option<Amount>,
    bodies: Bodies,
    /// What it was spent for, where nothing was held.
    unheld: Option<Arc<Reservation>>,
}

/// Where the bodies of the requests come from.
#[derive(Clone, Debug)]
enum Bodies {
    /// They are made when they are needed.
    Live { reservation: Arc<Reservation>, request: CommitRequest },
    /// They have been made, and do not change.
    #[cfg_attr(not(feature = "journal"), expect(dead_code, reason = "only the journal makes bodies beforehand"))]
    Made { commit: Bytes, event: Bytes },
}

impl Spend {
    pub(super) fn new(reservation: Arc<Reservation>, request: CommitRequest) -> Self {
        let (id, actual) = (reservation.id.clone(), Some(request.actual.clone()));
        let unheld = reservation.is_by_event().then(|| Arc::clone(&reservation));
        Self { id, actual, bodies: Bodies::Live { reservation, request }, unheld }
    }

    /// Spend whose requests were made by an earlier process.
    #[cfg(feature = "journal")]
    pub(super) fn made(id: ReservationId, commit: Bytes, event: Bytes) -> Self {
        #[derive(serde::Deserialize)]
        struct Body {
            actual: Amount,
        }
        let known = if commit.is_empty() { &event } else { &commit };
        let actual = serde_json::from_slice::<Body>(known).ok().map(|body| body.actual);
        Self { id, actual, bodies: Bodies::Made { commit, event }, unheld: None }
    }

    /// Makes both bodies, which are the same bytes from then on.
    #[cfg(feature = "journal")]
    pub(super) fn make(&mut self) -> Result<(Bytes, Bytes), Error> {
        let (commit, event) = (self.commit_body()?, self.event_body()?);
        self.bodies = Bodies::Made { commit: commit.clone(), event: event.clone() };
        Ok((commit, event))
    }

    /// Whether the spend can be recorded by an event: records of other clients may lack its body.
    pub(super) fn has_event(&self) -> bool {
        !matches!(&self.bodies, Bodies::Made { event, .. } if event.is_empty())
    }

    /// Whether there never was anything to commit.
    pub(super) fn is_by_event(&self) -> bool {
        self.unheld.is_some() || self.id.as_str().starts_with(UNHELD)
    }

    /// Whether it was spent while the authority could not be reached.
    pub(super) fn is_without_authority(&self) -> bool {
        self.unheld.as_ref().is_some_and(|reservation| reservation.taken().is_some())
    }

    /// Whether the action ran whatever the authority says.
    pub(super) fn is_in_shadow(&self) -> bool {
        self.unheld.as_ref().is_some_and(|reservation| reservation.is_in_shadow())
    }

    /// What it was spent for, where there never was anything to commit.
    pub(super) fn unheld(&self) -> Option<&Arc<Reservation>> {
        self.unheld.as_ref()
    }

    /// What a commit is made from, unless its bytes have been made before.
    pub(super) fn live(&self) -> Option<(&Reservation, &CommitRequest)> {
        match &self.bodies {
            Bodies::Live { reservation, request } => Some((reservation, request)),
            Bodies::Made { .. } => None,
        }
    }

    fn commit_body(&self) -> Result<Bytes, Error> {
        match &self.bodies {
            Bodies::Live { request, .. } => encode(request),
            Bodies::Made { commit, .. } => Ok(commit.clone()),
        }
    }

    fn event_body(&self) -> Result<Bytes, Error> {
        match &self.bodies {
            Bodies::Live { reservation, request } => encode(&SpendEvent::new(reservation, request)),
            Bodies::Made { event, .. } => Ok(event.clone()),
        }
    }
}

impl Claim {
    pub(crate) fn commit(reservation: Arc<Reservation>, request: CommitRequest) -> Self {
        if reservation.is_by_event() {
            return Self::new(Work::Event(Spend::new(reservation, request)));
        }
        let observed = !reservation.is_held();
        Self { observed, ..Self::new(Work::Commit(Spend::new(reservation, request))) }
    }

    pub(crate) fn release(reservation: Arc<Reservation>, request: ReleaseRequest) -> Self {
        let observed = !reservation.is_held();
        Self { observed, ..Self::new(Work::Release { id: reservation.id.clone(), request }) }
    }

    pub(super) fn new(work: Work) -> Self {
        Self {
            work,
            plan: Plan::default(),
            observed: false,
            is_unseen: false,
            kept: Kept::default(),
            attempts: 0,
            floor: None,
            key_use: None,
            watch: None,
            orphan_of: None,
            prepared: None,
            span: CallSpan::default(),
            trace: None,
            #[cfg(feature = "metrics")]
            pending: None,
        }
    }

    /// Takes over what telemetry knows of the call.
    pub(crate) fn belongs_to(&mut self, reservation: &Reservation) {
        (self.span, self.trace) = (reservation.span.clone(), reservation.trace.clone());
        if self.observed {
            telemetry::settlement(&self.span, Step::ending(reservation.id.as_str(), "observed"));
        }
        #[cfg(feature = "metrics")]
        if let (false, Some(actual)) = (self.observed, self.actual()) {
            telemetry::committed(&reservation.estimate, actual);
        }
    }

    /// Goes on in the background from now on.
    #[cfg_attr(not(feature = "metrics"), expect(clippy::unused_self, reason = "only metrics count it"))]
    pub(super) fn enter_background(&mut self) {
        #[cfg(feature = "metrics")]
        self.pending.get_or_insert_with(telemetry::PendingSettlement::new);
    }

    /// The same, for a hold that may have no owner.
    pub(super) fn orphan_of(self, key: OrphanKey) -> Self {
        Self { orphan_of: Some(key), ..self }
    }

    pub(super) fn orphan_key(&self) -> Option<OrphanKey> {
        self.orphan_of
    }

    /// Sends nothing for a time, since the authority asked to wait: at most an hour.
    pub(super) fn wait(&mut self, floor: Duration) {
        self.floor = Some(Instant::now() + floor);
    }

    /// The earliest time from `wanted` on at which something may be sent.
    pub(super) fn due(&self, wanted: Instant) -> Instant {
        self.floor.map_or(wanted, |floor| floor.max(wanted))
    }

    /// The reservation at stake, or the key it was asked for with.
    pub(super) fn name(&self) -> &str {
        match &self.work {
            Work::Commit(spend) | Work::Event(spend) => spend.id.as_str(),
            Work::Release { id, .. } => id.as_str(),
            Work::Lookup { key } => key.as_str(),
        }
    }

    /// How much was spent, where that is known.
    pub(crate) fn actual(&self) -> Option<&Amount> {
        self.spend()?.actual.as_ref()
    }

    /// Known spend, where it is at stake.
    pub(super) fn spend(&self) -> Option<&Spend> {
        match &self.work {
            Work::Commit(spend) | Work::Event(spend) => Some(spend),
            Work::Release { .. } | Work::Lookup { .. } => None,
        }
    }

    /// The request of the current step: the same one every time.
    pub(super) fn prepared(&mut self, shared: &Shared) -> Result<Prepared, Error> {
        if let Some(prepared) = &self.prepared {
            if planted(Bug::NewKeyOnRetry) {
                return Ok(prepared.with_body(with_another_key));
            }
            return Ok(prepared.clone());
        }
        let endpoint = &shared.connection.endpoint;
        let prepared = match &self.work {
            Work::Commit(spend) => {
                Prepared::post_bytes(endpoint.reservation(&spend.id, "/commit")?, spend.commit_body()?)
            }
            Work::Event(spend) => Prepared::post_bytes(endpoint.path("/v1/events")?, spend.event_body()?),
            Work::Release { id, request } => Prepared::post(endpoint.reservation(id, "/release")?, request)?,
            Work::Lookup { key } => {
                let params = ListReservationsParams::new().idempotency_key(key).status(ReservationStatus::Active);
                Prepared::get(endpoint.query("/v1/reservations", &params.to_pairs()?)?)
            }
        };
        Ok(self.prepared.insert(prepared.traced(self.trace.clone())).clone())
    }

    /// Settles by an event from now on: the reservation lapsed before its commit arrived, so the commit took no effect.
    pub(super) fn switch_to_event(&mut self) {
        if let Work::Commit(spend) = &self.work {
            let event = Self::new(Work::Event(spend.clone()));
            let (kept, key_use) = (std::mem::take(&mut self.kept), self.key_use.take());
            let (span, trace) = (std::mem::take(&mut self.span), self.trace.take());
            #[cfg(feature = "metrics")]
            let event = Self { pending: self.pending.take(), ..event };
            *self = Self { kept, key_use, span, trace, ..event };
        }
    }

    /// Releases the reservation that a lookup found.
    pub(super) fn switch_to_release(&mut self, id: ReservationId) {
        let release = Work::Release { id, request: ReleaseRequest::new("reservation_without_owner") };
        *self = Self { orphan_of: self.orphan_of, ..Self::new(release) };
    }
}
