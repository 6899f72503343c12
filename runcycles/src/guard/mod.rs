//! The reservation guard: a hold on budget that ends with its owner.

mod commit;
mod reserve;
mod shutdown;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::client::{CyclesClient, UnknownSpend};
use crate::error::Error;
use crate::heartbeat::{Beat, LeaseRef, LeaseStatus};
use crate::planted::{Bug, planted};
use crate::protocol::{
    Action, Amount, AmountError, Balance, Caps, CommitRequest, CyclesMetrics, Decision, EvidenceRef, ExtendRequest,
    ExtendResponse, ReleaseRequest, ReservationId, Subject, ValidationError,
};
use crate::reservation::{Reservation, ShareEnd};
use crate::settlement::{Claim, KeyUse, Owner, Settlement};
use crate::telemetry::gen_ai::ModelUsage;
use crate::transport::BoxFuture;

pub use self::shutdown::ShutdownReport;

/// A live reservation. The budget it holds is settled by [`commit`](Self::commit) or returned by
/// [`release`](Self::release); both take the guard, so neither can happen twice.
///
/// While the guard lives, its client's heartbeat extends the reservation. A guard that is dropped is settled in the background
/// by what is known: spend that was reported is committed, and otherwise the client's [`UnknownSpend`] policy holds, by which
/// the hold is released unless set otherwise. Dropping never blocks, fails or panics; if the process ends before the background
/// work is done, the hold lapses with the reservation's time to live.
///
/// ```
/// # async fn example(client: runcycles::CyclesClient) -> Result<(), runcycles::Error> {
/// use runcycles::{Reserve, usd};
///
/// let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02))).await?;
/// if let Some(caps) = guard.caps() {
///     println!("at most {:?} tokens", caps.max_tokens);
/// }
/// guard.commit(usd!(0.013)).await?;
/// # Ok(())
/// # }
/// ```
///
/// Settling takes the guard, so that settling twice does not compile:
///
/// ```compile_fail,E0382
/// # async fn example(guard: runcycles::ReservationGuard) -> Result<(), runcycles::Error> {
/// guard.commit(runcycles::usd!(0.013)).await?;
/// guard.commit(runcycles::usd!(0.013)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping a guard releases its reservation"]
pub struct ReservationGuard {
    client: CyclesClient,
    reservation: Arc<Reservation>,
    /// Absent where nothing is to be kept alive, and once settling has begun.
    beat: Option<Beat>,
    /// Handed on to the settlement.
    owner: Option<Owner>,
    /// Handed on to the settlement.
    key_use: Option<KeyUse>,
    /// Where background work runs if the guard is dropped outside of a runtime.
    runtime: Handle,
    /// What becomes of the hold if the guard is dropped and nothing is known of the cost.
    unknown_spend: UnknownSpend,
    /// Whether nobody looks at how it is settled.
    is_unseen: bool,
    state: State,
}

/// What dropping the guard has to do.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Settle by what is known; the reason of a release.
    Held(DropReason),
    /// Nothing: settling has begun, and looks after itself.
    Settling,
}

/// Why an action ended without success, in the constant words that a release and a commit carry. Text of the user's never leaves
/// the process here.
#[derive(Clone, Copy, Debug)]
pub(crate) enum DropReason {
    /// The owner of a guard let go of it.
    Guard,
    /// The action of a guarded call was dropped.
    Cancelled,
    /// The action of a guarded call returned an error.
    Failed,
    /// A stream may deliver no more.
    Cut,
}

/// The metadata member that says under what circumstances a commit was made.
const SETTLED_AFTER: &str = "settled_after";

impl DropReason {
    fn as_str(self) -> &'static str {
        match self {
            _ if std::thread::panicking() => "guarded_method_panicked",
            Self::Guard => "guard_dropped",
            Self::Cancelled => "guarded_method_cancelled",
            Self::Failed => "guarded_method_failed",
            Self::Cut => "stream_cut",
        }
    }

    fn settled_after(self) -> &'static str {
        match self {
            _ if std::thread::panicking() => "panic",
            Self::Guard | Self::Cancelled => "cancellation",
            Self::Failed => "error",
            Self::Cut => "cut",
        }
    }
}

impl ReservationGuard {
    pub(crate) fn new(
        client: CyclesClient,
        reservation: Arc<Reservation>,
        beat: Option<Beat>,
        owner: Owner,
        key_use: Option<KeyUse>,
    ) -> Self {
        let unknown_spend = client.config().unknown_spend;
        let (runtime, state) = (Handle::current(), State::Held(DropReason::Guard));
        let owner = Some(owner);
        Self { client, reservation, beat, owner, key_use, runtime, unknown_spend, is_unseen: false, state }
    }

    /// Sets what becomes of the hold if the guard is dropped and nothing is known of the cost; the client's policy by default.
    pub fn set_unknown_spend(&mut self, policy: UnknownSpend) {
        self.unknown_spend = policy;
    }

    /// What becomes of the hold if the guard is dropped and nothing is known of the cost.
    pub(crate) fn unknown_spend(&self) -> UnknownSpend {
        self.unknown_spend
    }

    /// Says that nobody looks at how this guard is settled, so that the budgets need not be told.
    pub(crate) fn settles_unseen(&mut self) {
        self.is_unseen = true;
    }

    /// Names what dropping this guard means from now on.
    pub(crate) fn dropped_means(&mut self, reason: DropReason) {
        self.state = State::Held(reason);
    }

    /// Settles the reservation with what the action cost: an [`Amount`] or a [`CommitRequest`].
    ///
    /// The first attempt and one quick repetition are made here. If neither gets a clear answer the settlement goes on in the
    /// background with the same key and bytes, and this returns [`Settlement::Pending`]. A reservation that lapsed is settled
    /// by an event.
    ///
    /// # Errors
    ///
    /// [`Error::Validation`] where the amount is in another unit than the reservation or out of range, or the metrics are: since
    /// the action has run, the estimate is committed in its place and marked so in the metadata. Any other error is the
    /// authority's final refusal, after which the spend is in no ledger.
    ///
    /// # Cancel safety
    ///
    /// Settling begins when this is called. Dropping the future, polled or not, leaves it to the background; the settlement is
    /// neither lost nor made twice.
    pub fn commit<R: Into<CommitRequest>>(
        mut self,
        request: R,
    ) -> impl Future<Output = Result<Settlement, Error>> + Send + use<R> {
        let request = request.into();
        let (request, invalid) = match self.reservation.check_commit(&request) {
            Ok(()) => (request, None),
            Err(error) => (self.reservation.commit_estimate_instead(request), Some(error)),
        };
        let claim = self.start_settling(|reservation| Claim::commit(reservation, request));
        self.settle(claim, invalid)
    }

    /// Settles the reservation of an action that succeeded with what is known of its cost: what was reported, and otherwise the
    /// estimate, marked as one. What was told of its measurements goes along.
    ///
    /// ```
    /// # async fn example(guard: runcycles::ReservationGuard) -> Result<(), runcycles::Error> {
    /// use runcycles::telemetry::gen_ai::ModelUsage;
    ///
    /// guard.record_model_usage(&ModelUsage::new("gpt-4o").tokens(812, 120));
    /// guard.commit_known().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The authority's final refusal, after which the spend is in no ledger.
    ///
    /// # Cancel safety
    ///
    /// As [`commit`](Self::commit).
    pub fn commit_known(self) -> impl Future<Output = Result<Settlement, Error>> + Send + use<> {
        let request = self.reservation.commit_of_known();
        self.commit(request)
    }

    /// Settles in the background with a commit that is known to be in order. Settling has begun when this returns.
    pub(crate) fn commit_in_background(mut self, request: CommitRequest) {
        let claim = self.start_settling(|reservation| Claim::commit(reservation, request));
        self.client.shared.settle_in_background(claim, &self.runtime);
    }

    /// Settles by what is known of an action that did not succeed; `None` where the hold is left to lapse. Boxed, since it is rare
    /// and would take room in every call.
    pub(crate) fn abandon(mut self, reason: DropReason) -> Option<BoxFuture<'static, Result<Settlement, Error>>> {
        let claim = self.abandoned_claim(reason)?;
        Some(Box::pin(self.settle(claim, None)))
    }

    /// Returns the hold; the action did not run, or cost nothing. The reason, of at most 256 characters, goes to the
    /// authority's audit log.
    ///
    /// An attempt without a clear answer is repeated in the background, and this returns [`Settlement::Pending`].
    ///
    /// # Errors
    ///
    /// [`Error::Validation`] where the reason is too long: the hold is returned without it. Any other error is the authority's
    /// final refusal; there is nothing left to return then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the release to the background.
    pub fn release<R: Into<String>>(
        mut self,
        reason: R,
    ) -> impl Future<Output = Result<Settlement, Error>> + Send + use<R> {
        let mut request = ReleaseRequest::new(reason);
        let invalid = request.validate().err();
        if invalid.is_some() {
            request.reason = None;
        }
        let claim = self.start_settling(|reservation| Claim::release(reservation, request));
        self.settle(claim, invalid)
    }

    /// Makes the reservation live longer by a time of 1 millisecond to 24 hours, counted from its current end. The heartbeat
    /// does this by itself; this is for work whose length is known.
    ///
    /// # Errors
    ///
    /// Any [`Error`]; the reservation and its heartbeat are as before. Where the authority only observes there is nothing to
    /// extend, which is an [`Error::Validation`].
    pub async fn extend(&self, by: Duration) -> Result<ExtendResponse, Error> {
        if !self.reservation.is_held() {
            let found =
                if self.reservation.is_share() { "a share of a lease" } else { "a reservation that is only observed" };
            return Err(ValidationError::new("extend", found, "one that holds budget of its own").into());
        }
        self.client.extend_reservation(&self.reservation.id, &ExtendRequest::new(by)).await
    }

    /// Adds spend that has happened. It is committed if the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`AmountError`] where the amount is in another unit than the reservation, or the sum is out of range.
    pub fn record_usage(&self, amount: &Amount) -> Result<(), AmountError> {
        self.reservation.record_usage(amount)
    }

    /// Sets what the action has cost, all in all. It is committed if the guard is dropped; zero is an amount.
    ///
    /// # Errors
    ///
    /// [`AmountError`] where the amount is in another unit than the reservation.
    pub fn set_actual(&self, amount: Amount) -> Result<(), AmountError> {
        self.reservation.set_actual(amount)
    }

    /// Sets the measurements that go with a commit by [`commit_known`](Self::commit_known), and with one of a guard that is dropped.
    pub fn set_metrics(&self, metrics: CyclesMetrics) {
        self.reservation.report().metrics = Some(Box::new(metrics));
    }

    /// Tells what a call of a model used, as [`Context::record_model_usage`](crate::Context::record_model_usage) does.
    pub fn record_model_usage(&self, usage: &ModelUsage) {
        self.reservation.record_model_usage(usage);
    }

    /// The reservation's id. For a tenant in observe mode, where nothing is held, it is a local one that starts with
    /// `observed-`.
    pub fn reservation_id(&self) -> &ReservationId {
        &self.reservation.id
    }

    /// Whether nothing is held: the authority only observes this tenant, or the call ran in a shadow [`Mode`](crate::Mode) or by the
    /// [`Allowance`](crate::Allowance) for times without the authority.
    pub fn is_observed(&self) -> bool {
        !self.reservation.is_held() && !self.reservation.is_share()
    }

    /// The decision: allowed, or allowed with caps.
    pub fn decision(&self) -> &Decision {
        &self.reservation.decision
    }

    /// The limits that come with the decision.
    pub fn caps(&self) -> Option<&Caps> {
        self.reservation.caps.as_deref()
    }

    /// Whether the action is allowed with caps only.
    pub fn is_capped(&self) -> bool {
        self.reservation.caps.is_some()
    }

    /// What is held.
    pub fn reserved(&self) -> &Amount {
        &self.reservation.estimate
    }

    /// Who acts, after the ambient scope and the client's defaults were filled in.
    pub fn subject(&self) -> &Subject {
        &self.reservation.subject
    }

    /// What is done.
    pub fn action(&self) -> &Action {
        &self.reservation.action
    }

    /// Every scope derived from the subject, outermost first, whether or not it has a budget.
    pub fn affected_scopes(&self) -> &[String] {
        self.reservation.budgets.scopes()
    }

    /// The budgets that hold the reservation, as they were right after it.
    pub fn balances(&self) -> &[Balance] {
        self.reservation.budgets.balances()
    }

    /// When the reservation was to lapse, in milliseconds since 1970 by the server's clock, before any extension.
    pub fn expires_at_ms(&self) -> Option<u64> {
        self.reservation.expires_at_ms
    }

    /// How long the reservation lives at least, unless the heartbeat extends it; zero once it is settled.
    pub fn lease_left(&self) -> Duration {
        self.lease_ref().map_or(Duration::ZERO, |lease| lease.left())
    }

    /// How the reservation's lease stands: what is left of it, and what the heartbeat does about it.
    pub fn lease(&self) -> LeaseStatus {
        self.lease_ref().map_or_else(LeaseStatus::ended, |lease| lease.status())
    }

    /// Signed evidence of the reservation.
    pub fn evidence(&self) -> Option<&EvidenceRef> {
        self.reservation.evidence.as_deref()
    }

    /// Where the lease is kept, if anything is kept alive.
    pub(crate) fn lease_ref(&self) -> Option<LeaseRef> {
        self.beat.as_ref().map(Beat::lease)
    }

    /// The client that holds and settles.
    pub(crate) fn client(&self) -> &CyclesClient {
        &self.client
    }

    pub(crate) fn reservation(&self) -> &Arc<Reservation> {
        &self.reservation
    }

    /// Begins to settle; the future tells how that ends, and `invalid` if what was asked for could not be sent as it was.
    fn settle(
        &mut self,
        claim: Claim,
        invalid: Option<ValidationError>,
    ) -> impl Future<Output = Result<Settlement, Error>> + Send + use<> {
        self.client.shared.settle(claim, self.owner.take(), invalid, &self.runtime)
    }

    /// What is to be settled of an action that did not succeed: what is known of its cost, and otherwise what the policy makes
    /// of it.
    fn abandoned_claim(&mut self, reason: DropReason) -> Option<Claim> {
        let report = self.reservation.report().clone();
        let forgets =
            (planted(Bug::PanicLosesSpend) && std::thread::panicking()) || planted(Bug::CancelReleasesKnownSpend);
        let commit = match (report.spend.clone().known().filter(|_| !forgets), self.unknown_spend) {
            (Some(spent), _) => Some(self.reservation.commit_of(spent, report)),
            (None, UnknownSpend::ChargeEstimate) => Some(self.reservation.commit_of_estimate(report)),
            (None, UnknownSpend::Release | UnknownSpend::Hold) => None,
        };
        match commit {
            Some(mut request) => {
                request.metadata.insert(SETTLED_AFTER.to_owned(), reason.settled_after().into());
                Some(self.start_settling(|reservation| Claim::commit(reservation, request)))
            }
            None if self.unknown_spend == UnknownSpend::Hold => {
                self.beat = None;
                self.state = State::Settling;
                self.client.shared.let_lapse(&self.reservation, reason.as_str());
                self.reservation.settle_share(ShareEnd::Withheld);
                None
            }
            None => {
                let request = ReleaseRequest::new(reason.as_str());
                Some(self.start_settling(|reservation| Claim::release(reservation, request)))
            }
        }
    }

    /// Ends the heartbeat and disarms the drop; from here the claim looks after itself.
    fn start_settling(&mut self, claim: impl FnOnce(Arc<Reservation>) -> Claim) -> Claim {
        self.beat = None;
        self.state = State::Settling;
        let mut claim = claim(Arc::clone(&self.reservation));
        if let Some(taken) = self.reservation.taken() {
            self.client.shared.allowance.settle(taken, claim.actual().map_or(0, Amount::value));
        }
        if self.reservation.is_share() {
            let spent = claim.actual().map(Amount::value);
            self.reservation.settle_share(spent.map_or(ShareEnd::Returned, ShareEnd::Spent));
        }
        if let (true, Some(actual)) = (self.reservation.is_in_shadow(), claim.actual()) {
            self.client.shared.shadow.spent(&self.reservation.subject, &self.reservation.estimate, actual);
        }
        claim.key_use = self.key_use.take();
        claim.watch = self.client.watch().cloned();
        claim.belongs_to(&self.reservation);
        claim.is_unseen = self.is_unseen && claim.watch.is_none() && !self.client.shared.observer.is_heard();
        claim
    }
}

impl Drop for ReservationGuard {
    fn drop(&mut self) {
        let State::Held(reason) = self.state else { return };
        if let Some(claim) = self.abandoned_claim(reason) {
            self.client.shared.settle_in_background(claim, &self.runtime);
        }
    }
}

impl fmt::Debug for ReservationGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReservationGuard")
            .field("reservation_id", &self.reservation.id)
            .field("decision", &self.reservation.decision)
            .field("reserved", &self.reservation.estimate)
            .finish_non_exhaustive()
    }
}
