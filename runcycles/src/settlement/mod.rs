//! Settling: known spend is committed, a hold that is not needed is returned, and nothing is lost on the way.

mod ahead;
mod claim;
#[cfg(all(test, feature = "journal"))]
mod cost;
mod counters;
mod event;
mod flush;
mod keep;
mod keys;
mod observer;
mod outcome;
mod plan;
mod queue;
#[cfg(feature = "journal")]
mod replay;
mod settling;
mod spend_event;
mod verdict;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;

use self::claim::{Spend, Work};
use self::plan::{Next, Open};
use self::settling::Settling;
use self::verdict::{Verdict, judge};
use crate::client::{Shared, read_answer};
use crate::error::Error;
use crate::planted::{Bug, planted};
use crate::protocol::{
    CommitResponse, EventCreateResponse, IdempotencyKey, ReleaseRequest, ReleaseResponse, ReservationId,
    ReservationListResponse, ValidationError,
};
use crate::reservation::Reservation;
use crate::transport::DirectAnswer;

pub(crate) use self::claim::Claim;
pub(crate) use self::keys::{KeyUse, Keys};
pub(crate) use self::observer::{Hook, Observer};
pub(crate) use self::queue::{Owner, Queue};
#[cfg(feature = "journal")]
pub(crate) use self::replay::KeptJournal;

pub use self::counters::SettlementCounters;
pub use self::event::{SettlementEvent, SettlementStep};
pub use self::flush::FlushReport;
pub use self::outcome::Settlement;

/// How long a hold that may have no owner waits for one, at most; otherwise as long as an attempt can take.
const LONGEST_ORPHANAGE: Duration = Duration::from_secs(10);

/// Where one attempt brought a claim.
enum Progress {
    /// It is settled, or finally refused.
    Ended(Result<Settlement, Error>),
    /// The next attempt is due now.
    Again,
    /// The next attempt is due after a wait.
    Later(Duration),
    /// No further attempt by itself.
    Parked,
}

impl Shared {
    /// Settles a claim: an attempt and one quick repetition in the future, the rest in the background. Settling has begun when
    /// this returns: known spend is on its way to the disk, and dropping the future, even one that was never polled, hands the
    /// claim to the background. `invalid` is what could not be sent as it was asked for, which the caller is told in the end.
    pub(crate) fn settle(
        self: &Arc<Self>,
        mut claim: Claim,
        owner: Option<Owner>,
        invalid: Option<ValidationError>,
        runtime: &Handle,
    ) -> impl Future<Output = Result<Settlement, Error>> + Send + use<> {
        self.start_keeping(&mut claim);
        let mut settling = Settling::new(self, claim, owner, runtime);
        async move {
            let settlement = settling.finish().await;
            invalid.map_or(settlement, |error| Err(error.into()))
        }
    }

    /// Settles a claim in the background. Known spend is on its way to the disk when this returns.
    pub(crate) fn settle_in_background(self: &Arc<Self>, mut claim: Claim, runtime: &Handle) {
        if !claim.observed {
            self.start_keeping(&mut claim);
            Queue::add(self, claim, Instant::now(), runtime);
        }
    }

    /// Leaves a hold to lapse with its time to live, since nothing is known of what its action cost, and the application wants no
    /// guess. `reason` says how the action ended.
    pub(crate) fn let_lapse(&self, reservation: &Reservation, reason: &str) {
        if reservation.is_held() || reservation.is_by_event() || reservation.is_share() {
            tracing::warn!(
                reservation_id = %reservation.id,
                reason,
                estimate = %reservation.estimate,
                "an action ended at an unknown cost; nothing is recorded of it, and its hold, if it has one, is left to lapse"
            );
            self.observer.tell_of(reservation.id.as_str(), None, SettlementStep::Held, &reservation.span);
        }
    }

    /// Begins anew with everything that is under way or parked, since the authority is back.
    pub(crate) fn resume_settling(self: &Arc<Self>, runtime: &Handle) {
        Queue::resume(self, runtime);
    }

    /// Returns a hold in the background.
    pub(crate) fn release_in_background(
        self: &Arc<Self>,
        id: ReservationId,
        request: ReleaseRequest,
        runtime: &Handle,
    ) {
        self.settle_in_background(Claim::new(Work::Release { id, request }), runtime);
    }

    /// Looks for a reservation whose answer was lost, and returns its hold, in the background.
    ///
    /// Not at once: the request may still be on its way, and the caller may ask again with the same key, which gets the hold.
    pub(crate) fn find_and_release_in_background(self: &Arc<Self>, key: IdempotencyKey, runtime: &Handle) {
        let orphan_of = self.keys.orphan(&key);
        self.abandon_in_background(Claim::new(Work::Lookup { key }).orphan_of(orphan_of), runtime);
    }

    /// Returns the hold that an unusable answer named, in the background, and not at once.
    pub(crate) fn release_orphan_in_background(
        self: &Arc<Self>,
        key: &IdempotencyKey,
        id: ReservationId,
        request: ReleaseRequest,
        runtime: &Handle,
    ) {
        let claim = Claim::new(Work::Release { id, request }).orphan_of(self.keys.orphan(key));
        self.abandon_in_background(claim, runtime);
    }

    fn abandon_in_background(self: &Arc<Self>, claim: Claim, runtime: &Handle) {
        Queue::add(self, claim, Instant::now() + self.config.attempt_timeout().min(LONGEST_ORPHANAGE), runtime);
    }

    /// Whether somebody uses the key of a hold that was thought to have no owner. A key whose hold is about to be returned is
    /// given up.
    fn has_found_an_owner(&self, claim: &Claim) -> bool {
        let Some(key) = claim.orphan_key() else { return false };
        match claim.work {
            Work::Release { .. } if claim.attempts == 0 => !self.keys.give_up(key),
            Work::Release { .. } => false,
            _ => self.keys.is_used(key),
        }
    }

    /// Makes one attempt, and says where it brought the claim.
    async fn advance(&self, claim: &mut Claim) -> Progress {
        if self.has_found_an_owner(claim) {
            return Progress::Ended(Ok(Settlement::Released { released: None }));
        }
        self.start_keeping(claim);
        self.finish_keeping(claim).await;
        if planted(Bug::RecordRemovedBeforeAnswer) {
            self.forget(claim);
        }
        if claim.attempts > 0 {
            self.observer.tally.count_repetition();
        }
        claim.attempts = claim.attempts.saturating_add(1);
        let attempt = self.attempt_claim(claim).await;
        if planted(Bug::JournalAfterSend) {
            self.start_keeping(claim);
            self.finish_keeping(claim).await;
        }
        let progress = match attempt {
            Ok(Some(settlement)) => Progress::Ended(Ok(settlement)),
            Ok(None) => Progress::Again,
            Err(error) => self.after_failure(claim, error).await,
        };
        if let Progress::Ended(_) = progress {
            self.forget(claim);
        }
        progress
    }

    /// Makes one attempt: a settlement, a next step of the same claim (`None`), or no valid success.
    async fn attempt_claim(&self, claim: &mut Claim) -> Result<Option<Settlement>, Error> {
        let answer = match self.commit_directly(claim) {
            Some(Ok(settlement)) => return Ok(Some(settlement)),
            Some(Err(response)) => *response,
            None => {
                let prepared = claim.prepared(self)?;
                self.connection.attempt(&prepared, self.config.attempt_timeout()).await?
            }
        };
        if planted(Bug::AnySuccessSettles) && answer.status().is_success() {
            return Ok(Some(Settlement::AlreadyFinalized));
        }
        match &claim.work {
            Work::Commit(spend) => {
                let answer = read_answer::<CommitResponse>(answer)?.value;
                Ok(Some(Settlement::committed(answer, spend.actual.as_ref())))
            }
            Work::Event(spend) => {
                let answer = read_answer::<EventCreateResponse>(answer)?.value;
                if spend.is_by_event() {
                    return Ok(Some(Settlement::recorded(answer, spend.actual.as_ref())));
                }
                Ok(Some(Settlement::recovered(answer, spend.actual.as_ref())))
            }
            Work::Release { .. } => {
                let answer = read_answer::<ReleaseResponse>(answer)?.value;
                Ok(Some(Settlement::Released { released: Some(answer.released) }))
            }
            Work::Lookup { key } => {
                // A server may ignore the filter, and whatever else it lists belongs to somebody.
                let rows = read_answer::<ReservationListResponse>(answer)?.value.reservations;
                match rows.into_iter().find(|row| row.idempotency_key.as_ref() == Some(key)) {
                    Some(row) => {
                        claim.switch_to_release(row.reservation_id);
                        Ok(None)
                    }
                    None => Ok(Some(Settlement::Released { released: None })),
                }
            }
        }
    }

    /// Settles with an authority in the same process, if there is one.
    fn commit_directly(&self, claim: &Claim) -> Option<DirectAnswer<Settlement>> {
        let Work::Commit(spend) = &claim.work else { return None };
        let (reservation, request) = spend.live()?;
        let answer = self.connection.commit_directly(&reservation.id, request)?;
        Some(answer.map(|done| Settlement::committed_directly(done, &request.actual, claim.is_unseen)))
    }

    async fn after_failure(&self, claim: &mut Claim, error: Error) -> Progress {
        let open = match (judge(&error), &claim.work) {
            (Verdict::Lapsed, _) if planted(Bug::LapsedCommitIsFinal) => {
                return Progress::Ended(Ok(Settlement::AlreadyFinalized));
            }
            (Verdict::Rejected, _) if planted(Bug::CommitRetriedAfterRejection) => Open::Unclear,
            (Verdict::Lapsed, Work::Commit(spend)) if !spend.has_event() => {
                tracing::error!(
                    claim = claim.name(),
                    "the reservation lapsed, and its record has no event to send; it stays"
                );
                return Progress::Parked;
            }
            (Verdict::Lapsed, Work::Commit(_)) => {
                tracing::warn!(
                    claim = claim.name(),
                    "the reservation lapsed before its commit; recording the spend by an event"
                );
                self.observer.tell(claim, SettlementStep::Lapsed);
                claim.switch_to_event();
                self.keep_event(claim).await;
                return Progress::Again;
            }
            // A release or lookup finds the hold gone: that is what it was for.
            (Verdict::Lapsed | Verdict::AlreadyFinalized, Work::Release { .. } | Work::Lookup { .. }) => {
                return Progress::Ended(Ok(Settlement::Released { released: None }));
            }
            (Verdict::AlreadyFinalized, _) => return Progress::Ended(Ok(Settlement::AlreadyFinalized)),
            (Verdict::Rejected, _) => return Progress::Ended(Err(error)),
            (Verdict::Lapsed, Work::Event(_)) => Open::Refused,
            (Verdict::Open(open), _) => open,
        };
        tracing::warn!(claim = claim.name(), %error, "no final answer to a settlement");
        self.observer.tell(claim, SettlementStep::NotConfirmed(&error));
        if let Open::Throttled(floor) = open {
            // Known before anything is waited for: a future that is dropped meanwhile leaves it to the background.
            claim.wait(floor);
            self.keep_floor(claim, floor).await;
        }
        match claim.plan.after(open, &self.config.retry, fastrand::f32()) {
            Next::Now => Progress::Again,
            Next::After(wait) => Progress::Later(wait),
            Next::Park => Progress::Parked,
        }
    }
}

impl Shared {
    /// Tells of a claim that is left until somebody flushes.
    fn tell_of_parking(&self, claim: &Claim) {
        tracing::error!(
            claim = claim.name(),
            spend = claim.spend().and_then(|spend| spend.actual.as_ref()).map(tracing::field::display),
            "settlement not confirmed; it waits for CyclesClient::flush, or for the next process where there is a journal"
        );
        self.observer.tell(claim, SettlementStep::Parked);
        if claim.spend().is_some_and(Spend::is_by_event) && !claim.plan.was_refused() {
            // The next call that reaches the authority goes on with it.
            self.allowance.note_out_of_reach();
        }
    }

    /// Writes down how budgets stand after a call in a shadow mode.
    fn write_down(&self, claim: &Claim, settlement: &Settlement) {
        let Settlement::RecordedByEvent { uncovered, balances, .. } = settlement else { return };
        let Some(reservation) = claim.spend().and_then(|spend| spend.unheld()) else { return };
        if let (true, Some(actual)) = (reservation.is_in_shadow(), claim.actual()) {
            self.shadow.recorded(&reservation.subject, actual, uncovered.as_ref(), balances);
        }
    }

    /// Tells how a claim ended. A refusal of known spend is loud: it is in no ledger.
    fn report(&self, claim: &Claim, settlement: &Result<Settlement, Error>) {
        if let (
            Some(watch),
            Ok(Settlement::Committed { balances, .. } | Settlement::RecordedByEvent { balances, .. }),
        ) = (&claim.watch, settlement)
        {
            watch.note(balances);
        }
        let name = claim.name();
        match settlement {
            Ok(Settlement::AlreadyFinalized) => tracing::warn!(claim = name, "the reservation was settled before"),
            Ok(settlement) => {
                tracing::debug!(claim = name, ?settlement, "settled");
                self.write_down(claim, settlement);
            }
            Err(error) => match claim.spend() {
                Some(spend) => {
                    let spend = spend.actual.as_ref().map(tracing::field::display);
                    tracing::error!(claim = name, spend, %error, "settlement refused: this spend is in no ledger");
                }
                None => tracing::warn!(claim = name, %error, "release refused; the hold lapses with its time to live"),
            },
        }
        let step = settlement.as_ref().map_or_else(SettlementStep::Rejected, SettlementStep::Settled);
        self.observer.tell(claim, step);
    }
}
