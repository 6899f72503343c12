//! One reservation of a lease, which many sub-reservations are taken from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::actions::{Actions, Breakdown};
use super::counter::Counter;
use super::part::Part;
use super::pool::Pool;
use crate::guard::ReservationGuard;
use crate::heartbeat::LeaseState;
use crate::protocol::{Amount, CommitRequest, IdempotencyKey, MAX_AMOUNT, Unit};
use crate::reservation::Reservation;
use crate::transport::BoxFuture;

/// For how long a note can have others wait, whatever it says.
const LONGEST_NOTE: Duration = Duration::from_secs(3_600);

/// One reservation, which many sub-reservations are taken from. Whoever uses it has a count of it, and dropping the last one
/// commits what was spent.
pub(super) struct Chunk {
    pub(super) counter: Counter,
    breakdown: Breakdown,
    /// How much it is.
    amount: i64,
    /// Below what another chunk is asked for.
    low_water: i64,
    /// When another one takes its place.
    pub(super) rotate_at: Instant,
    /// When nothing is taken of it any more, whether or not another one has taken its place: well before its reservation lapses
    /// where nothing extends it.
    pub(super) retire_at: Instant,
    /// When it is to be written down again; never, where nothing is kept of it. A lock because whoever spends too much writes it
    /// down too; held while the order to do so is given.
    noted: Mutex<Option<Instant>>,
    /// The key of its commit, whoever makes it.
    key: IdempotencyKey,
    /// Taken by its end.
    guard: Option<ReservationGuard>,
    reservation: Arc<Reservation>,
    actions: Arc<Actions>,
    pool: Weak<Pool>,
    /// Tells the keeper that the chunk has ended.
    bell: Arc<Notify>,
    /// What chunks before it have spent beyond what they were.
    carried_in: AtomicU64,
}

impl Chunk {
    /// A chunk that was reserved.
    pub(super) fn new(guard: ReservationGuard, pool: &Arc<Pool>) -> Self {
        let reservation = Arc::clone(guard.reservation());
        let amount = i64::try_from(reservation.estimate.value()).unwrap_or(i64::MAX);
        let lease = match guard.lease_left() {
            // Not measured by the authority.
            Duration::ZERO => reservation.ttl,
            left => left,
        };
        let now = Instant::now();
        Self {
            counter: Counter::new(amount),
            breakdown: Breakdown::default(),
            amount,
            low_water: amount / 4,
            rotate_at: now + pool.settle_every.min(lease / 2),
            retire_at: now + lease / 4 * 3,
            noted: Mutex::default(),
            key: IdempotencyKey::random(),
            guard: Some(guard),
            reservation,
            actions: Arc::clone(&pool.actions),
            pool: Arc::downgrade(pool),
            bell: Arc::clone(&pool.bell),
            carried_in: AtomicU64::new(0),
        }
    }

    /// Takes an amount if there is as much. Says whether this brought the chunk to its low-water mark.
    pub(super) fn take(self: &Arc<Self>, amount: i64, row: usize) -> Option<(Part, bool)> {
        let left = self.counter.take(amount)?;
        let reached_low_water = left < self.low_water && self.low_water - left <= amount;
        Some((Part::new(Arc::clone(self), amount, row), reached_low_water))
    }

    /// Counts what a part of it was spent for, and returns the rest. What was spent beyond the part comes out of the chunk, and
    /// beyond the chunk out of the next one.
    pub(super) fn settle(&self, taken: i64, spent: u64, row: usize) {
        self.breakdown.spent(row, spent);
        let spent = i64::try_from(spent).unwrap_or(i64::MAX);
        let left = self.counter.add(taken - spent);
        if left < 0 && spent > taken {
            self.tell_of_overspend();
        }
    }

    /// Returns all of a part.
    pub(super) fn give_back(&self, taken: i64) {
        self.breakdown.returned();
        self.counter.add(taken);
    }

    /// Leaves a part held until the chunk ends, and returns it then.
    pub(super) fn withhold(&self, taken: i64) {
        self.breakdown.returned();
        self.counter.withhold(u64::try_from(taken).unwrap_or(0));
    }

    /// More was spent than the chunk has: the disk learns of it at once, and another chunk is asked for, to cover it.
    #[cold]
    fn tell_of_overspend(&self) {
        drop(self.note());
        if let Some(pool) = self.pool.upgrade() {
            pool.want();
        }
    }

    /// Takes over what another chunk has spent beyond what it was.
    fn carry(&self, debt: u64) {
        self.carried_in.fetch_add(debt, Ordering::Relaxed);
        if self.counter.add(-i64::try_from(debt).unwrap_or(i64::MAX)) < 0 {
            self.tell_of_overspend();
        }
    }

    /// Whether anything was taken of it.
    pub(super) fn is_used(&self) -> bool {
        self.counter.left() != self.amount || self.breakdown.ended() != (0, 0)
    }

    /// How many have ended, what they spent, and what is left.
    pub(super) fn told(&self) -> Told {
        let (settled, returned) = self.breakdown.ended();
        Told { settled, returned, spent: self.breakdown.amount(), left: self.counter.left().max(0).unsigned_abs() }
    }

    /// Writes down that the next process settles the whole chunk, and what was spent beyond it, should this one end before it has
    /// settled less. The order is given by this call; the future says when it is carried out.
    pub(super) fn note(&self) -> Option<BoxFuture<'static, ()>> {
        let guard = self.guard.as_ref()?;
        // Held while the order is given, so that a later note is never followed by an earlier one.
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let beyond = self.counter.left().min(0).unsigned_abs();
        let all = self.amount.unsigned_abs().saturating_add(beyond).min(MAX_AMOUNT);
        let mut request = self.commit_of(all);
        request.metadata.insert("actual_source".to_owned(), "lease_chunk".into());
        request.metadata.insert("settled_after".to_owned(), "crash".into());
        let kept = self.kept_for();
        let wait = kept.unwrap_or_else(|| guard.lease_left());
        let written = guard.client().shared.keep_ahead(&self.reservation, request, wait);
        // In good time before anybody else takes this process for dead.
        *noted = written.as_ref().and(kept).map(|left| Instant::now() + left / 2);
        written
    }

    /// When it is to be written down again; never, once its reservation is not kept alive any more.
    pub(super) fn note_due(&self) -> Option<Instant> {
        let due = *self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        due.filter(|_| self.kept_for().is_some())
    }

    /// For how long the reservation is kept alive at least. Where the authority does not measure that, half of what was asked for
    /// is taken for granted: longer than it takes to write that down again.
    fn kept_for(&self) -> Option<Duration> {
        let lease = self.guard.as_ref()?.lease();
        let is_kept = matches!(lease.state, LeaseState::Kept | LeaseState::Retrying);
        is_kept.then(|| lease.left.max(self.reservation.ttl / 2).min(LONGEST_NOTE))
    }

    pub(super) fn unit(&self) -> &Unit {
        self.reservation.unit()
    }

    pub(super) fn reservation(&self) -> &Arc<Reservation> {
        &self.reservation
    }

    fn commit_of(&self, actual: u64) -> CommitRequest {
        let actual = Amount::new(self.unit().clone(), actual);
        CommitRequest::builder().actual(actual).idempotency_key(self.key.clone()).build()
    }

    /// The guard of a chunk that nobody uses any more, and the commit of what was spent; once.
    pub(super) fn end(&mut self) -> Option<(ReservationGuard, CommitRequest)> {
        let guard = self.guard.take()?;
        let pool = self.pool.upgrade();
        let mut breakdown = self.breakdown.to_json(&self.actions);
        breakdown["chunk"] = self.amount.into();
        if let Some(carried_in) = Some(self.carried_in.load(Ordering::Relaxed)).filter(|carried| *carried > 0) {
            breakdown["carried_in"] = carried_in.into();
        }
        let debt = self.counter.left().min(0).unsigned_abs();
        if debt > 0 {
            if let Some(next) = pool.as_ref().and_then(|pool| pool.current_chunk()) {
                next.carry(debt);
                self.counter.add(i64::try_from(debt).unwrap_or(i64::MAX));
                breakdown["carried_out"] = debt.into();
            }
        }
        let mut request = self.commit_of(self.counter.spent_of(self.amount).min(MAX_AMOUNT));
        request.metadata.insert("lease".to_owned(), breakdown);
        if let Some(pool) = pool {
            pool.totals.add(&self.told());
        }
        self.bell.notify_one();
        Some((guard, request))
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some((guard, request)) = self.end() {
            guard.commit_in_background(request);
        }
    }
}

/// How a chunk stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) settled: u64,
    pub(super) returned: u64,
    pub(super) spent: u64,
    pub(super) left: u64,
}
