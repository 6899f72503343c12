//! The chunks of a lease: the one that is taken from, the one after it, and those that end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::actions::Actions;
use super::chunk::{Chunk, Told};
use super::chunks::Chunks;
use super::part::Part;
use super::refill::Refill;
use super::totals::{LeaseStats, Totals};
use crate::client::{CyclesClient, Holder};
use crate::error::Error;
use crate::protocol::{Action, Amount, ReservationCreateRequest};

/// The chunks of a lease.
pub(super) struct Pool {
    pub(super) client: CyclesClient,
    /// What a chunk is reserved by.
    pub(super) request: ReservationCreateRequest,
    /// How long a chunk is taken from at most.
    pub(super) settle_every: Duration,
    pub(super) actions: Arc<Actions>,
    /// The chunk that is taken from. A lock that is written when another chunk takes its place, and read otherwise: those who
    /// take do not wait for each other.
    current: RwLock<Option<Arc<Chunk>>>,
    /// The chunk after it. A lock because any thread may find the current one empty; held for one assignment.
    next: Mutex<Option<Arc<Chunk>>>,
    pub(super) refill: Refill,
    /// Tells the keeper that there is something to do.
    pub(super) bell: Arc<Notify>,
    /// All that have not ended.
    pub(super) chunks: Arc<Chunks>,
    pub(super) totals: Totals,
    closed: AtomicBool,
}

impl Pool {
    pub(super) fn new(client: CyclesClient, request: ReservationCreateRequest, settle_every: Duration) -> Arc<Self> {
        let pool = Arc::new(Self {
            client,
            request,
            settle_every,
            actions: Arc::default(),
            current: RwLock::default(),
            next: Mutex::default(),
            refill: Refill::default(),
            bell: Arc::default(),
            chunks: Arc::default(),
            totals: Totals::default(),
            closed: AtomicBool::new(false),
        });
        let holder: Weak<Self> = Arc::downgrade(&pool);
        pool.client.shared.holders.add(holder);
        pool
    }

    /// How much a chunk is.
    pub(super) fn chunk(&self) -> &Amount {
        &self.request.estimate
    }

    /// Whether an action is of the kind that chunks are reserved for, which is the one that the authority has judged.
    pub(super) fn is_of_its_kind(&self, action: &Action) -> bool {
        action.kind == self.request.action.kind
    }

    /// The chunk that is taken from.
    pub(super) fn current_chunk(&self) -> Option<Arc<Chunk>> {
        // Each assignment is whole, so a panic elsewhere leaves it usable; so it is with the other locks.
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The chunk after it.
    pub(super) fn next_chunk(&self) -> Option<Arc<Chunk>> {
        self.next().clone()
    }

    /// Both.
    pub(super) fn here(&self) -> impl Iterator<Item = Arc<Chunk>> + use<> {
        [self.current_chunk(), self.next_chunk()].into_iter().flatten()
    }

    fn next(&self) -> MutexGuard<'_, Option<Arc<Chunk>>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an amount of what is here. Waits for nothing and asks for nothing but another chunk, in the background.
    pub(super) fn take(self: &Arc<Self>, amount: i64, row: usize) -> Option<Part> {
        let current = self.current_chunk();
        let taken = current.as_ref().and_then(|chunk| chunk.take(amount, row));
        let Some((part, reached_low_water)) = taken else { return self.take_of_next(current.as_ref(), amount, row) };
        if reached_low_water {
            self.want();
        }
        Some(part)
    }

    #[cold]
    fn take_of_next(self: &Arc<Self>, empty: Option<&Arc<Chunk>>, amount: i64, row: usize) -> Option<Part> {
        self.turn_to_next(empty);
        let taken = self.current_chunk().and_then(|chunk| chunk.take(amount, row));
        let reached_low_water = taken.as_ref().is_none_or(|(_, reached)| *reached);
        if reached_low_water && amount <= i64::try_from(self.chunk().value()).unwrap_or(i64::MAX) {
            self.want();
        }
        taken.map(|(part, _)| part)
    }

    /// Takes an amount, and waits for another chunk where there is too little; `None` where none is granted.
    pub(super) async fn take_or_wait(self: &Arc<Self>, amount: i64, row: usize) -> Option<Part> {
        if amount > i64::try_from(self.chunk().value()).unwrap_or(i64::MAX) {
            return self.take(amount, row);
        }
        loop {
            // Made before looking, so that no chunk that comes in between is missed.
            let refilled = self.refill.done();
            if let Some(part) = self.take(amount, row) {
                return Some(part);
            }
            if !self.want() {
                return None;
            }
            // As long as a reservation can take. A keeper on a runtime that nobody runs never ends.
            let patience = self.client.config().attempt_timeout().saturating_mul(2);
            if tokio::time::timeout(patience, refilled).await.is_err() {
                return None;
            }
        }
    }

    /// What has become of the lease so far.
    pub(super) fn stats(&self) -> LeaseStats {
        // Held until the totals are read, since what a chunk that ends has come to is in them.
        let living = self.chunks.living();
        let told: Vec<Told> = living.iter().map(|chunk| chunk.told()).collect();
        let left = self.here().map(|chunk| chunk.told().left).fold(0, u64::saturating_add);
        self.totals.stats(Amount::new(self.chunk().unit().clone(), left), &told)
    }

    /// Puts a chunk where it is taken from, or after the one that is.
    pub(super) fn put(&self, chunk: Arc<Chunk>) {
        let mut next = self.next();
        // Looked at under the lock, so that nothing stays in a lease that lets go.
        if self.is_closed() {
            drop(next);
            return;
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = if current.is_none() { current.replace(chunk) } else { next.replace(chunk) };
        drop((current, next));
        // Ends here where nobody uses it.
        drop(before);
    }

    /// Takes from the next chunk from now on, unless somebody else was faster.
    pub(super) fn turn_to_next(&self, empty: Option<&Arc<Chunk>>) {
        let mut next = self.next();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let is_current = match (current.as_ref(), empty) {
            (Some(current), Some(empty)) => Arc::ptr_eq(current, empty),
            (None, _) => true,
            (Some(_), None) => false,
        };
        let before = if is_current && next.is_some() { std::mem::replace(&mut *current, next.take()) } else { None };
        drop((current, next));
        drop(before);
    }

    /// Takes chunks out, so that nothing more is taken of them: both, or those that are due.
    pub(super) fn retire(&self, is_due: impl Fn(&Arc<Chunk>) -> bool) -> [Option<Arc<Chunk>>; 2] {
        let mut next = self.next();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let current = current.take_if(|chunk| is_due(chunk));
        [current, next.take_if(|chunk| is_due(chunk))]
    }

    /// Commits chunks that were taken out, apart from those that are still in use, which end later. Whether any was committed.
    ///
    /// # Errors
    ///
    /// The authority's final refusal of a commit.
    pub(super) async fn settle(chunks: [Option<Arc<Chunk>>; 2]) -> Result<bool, Error> {
        let mut settled = Ok(false);
        for mut chunk in chunks.into_iter().flatten().filter_map(Arc::into_inner) {
            let Some((guard, request)) = chunk.end() else { continue };
            // Each is committed, whatever became of the other.
            let committed = guard.commit(request).await;
            settled = settled.and_then(|_| committed.map(|_| true));
        }
        settled
    }

    /// Returns what nobody uses of the chunks, so that a call finds it that needs more than they have. Whether there was
    /// anything to return.
    pub(super) async fn return_rest(&self) -> bool {
        let idle = self.retire(|chunk| Arc::strong_count(chunk) == 1 && chunk.counter.left() > 0);
        Self::settle(idle).await.unwrap_or(false)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Holds nothing new from now on.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.refill.tell();
        self.bell.notify_one();
    }
}

impl Holder for Pool {
    fn let_go(&self, for_good: bool) {
        if for_good {
            self.close();
        }
        // Those that nobody uses end here, and the others with those who do.
        drop(self.retire(|_| true));
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.bell.notify_one();
    }
}
