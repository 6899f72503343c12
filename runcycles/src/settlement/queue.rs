//! Settlements that go on in the background.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::{self, AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Notify;

use tokio::time::Instant;

use super::claim::Claim;
use super::plan::Plan;
use super::worker::Worker;
use crate::client::Shared;

/// Settlements that go on in the background: waiting, under way, or parked until a flush.
#[derive(Default)]
pub(crate) struct Queue {
    /// A synchronous lock: it is held for a few operations on the queue, and guards take it when they are dropped.
    state: Mutex<State>,
    /// Tells the worker that there is something earlier to do.
    added: Notify,
    /// Tells a flush that a settlement ended.
    ended: Notify,
    /// How many guards, and settlements in the futures of their callers, there are.
    owners: AtomicUsize,
    /// Whether the client is being shut down, or has been.
    shut_down: AtomicBool,
}

#[derive(Default)]
struct State {
    waiting: BinaryHeap<Waiting>,
    /// Waiting for somebody who flushes.
    parked: Vec<Claim>,
    in_flight: usize,
    crew: Crew,
    /// Whether waiting has come to an end: what is not settled by one more attempt is parked.
    stopped: bool,
    /// Whether records of earlier processes are still being read.
    loading: bool,
    /// How many have ended since the client was made.
    ended: u64,
}

/// Who works on the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Crew {
    #[default]
    Nobody,
    Worker,
    /// A worker that is to abandon what is under way.
    Leaving,
}

/// What a worker does next.
pub(super) enum Due {
    /// It tries this.
    Claim(Box<Claim>),
    /// It waits until then, or for something to happen.
    At(Option<Instant>),
    /// It abandons what is under way.
    Abandon,
    /// It ends.
    Nothing,
}

/// A claim and when its next attempt is due.
struct Waiting {
    due: Instant,
    claim: Claim,
}

/// Somebody who will settle: a guard, or the future of its settlement. A shutdown waits for it.
pub(crate) struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        let queue = &self.0.settlements;
        queue.owners.fetch_sub(1, atomic::Ordering::SeqCst);
        if queue.is_shut_down() {
            queue.ended.notify_waiters();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The queue is whole between any two operations on it, so a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many settlements have not ended.
    pub(super) fn remaining(&self) -> usize {
        let state = self.lock();
        state.waiting.len() + state.parked.len() + state.in_flight
    }

    /// Whether nothing is waiting or under way; what is parked counts as nothing.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty() && state.in_flight == 0 && !state.loading
    }

    /// Lets somebody in who will settle, unless the client is shut down.
    pub(crate) fn let_in(shared: &Arc<Shared>) -> Option<Owner> {
        let queue = &shared.settlements;
        queue.owners.fetch_add(1, atomic::Ordering::SeqCst);
        let owner = Owner(Arc::clone(shared));
        // Looked at after the owner is counted, so that a shutdown sees one of the two.
        (!queue.is_shut_down()).then_some(owner)
    }

    /// Lets nobody in from now on.
    pub(crate) fn shut_down(&self) {
        self.shut_down.store(true, atomic::Ordering::SeqCst);
    }

    fn is_shut_down(&self) -> bool {
        self.shut_down.load(atomic::Ordering::SeqCst)
    }

    /// How many guards, and settlements in the futures of their callers, there are.
    pub(crate) fn owners(&self) -> usize {
        self.owners.load(atomic::Ordering::SeqCst)
    }

    /// Whether waiting has come to an end.
    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Ends all waiting in the background, and what is under way; what comes later gets an attempt, and no wait.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        if state.crew == Crew::Worker {
            state.crew = Crew::Leaving;
        }
        let waiting = std::mem::take(&mut state.waiting);
        state.parked.extend(waiting.into_iter().map(|waiting| waiting.claim));
        drop(state);
        self.added.notify_one();
    }

    /// How many have ended since the client was made.
    pub(super) fn ended_count(&self) -> u64 {
        self.lock().ended
    }

    /// Says whether records of earlier processes are being read.
    #[cfg(feature = "journal")]
    pub(super) fn set_loading(&self, loading: bool) {
        self.lock().loading = loading;
        self.ended.notify_waiters();
    }

    /// Completes when there is something earlier to do.
    pub(super) fn added(&self) -> tokio::sync::futures::Notified<'_> {
        self.added.notified()
    }

    /// Completes when the next settlement ends.
    pub(super) fn ended(&self) -> tokio::sync::futures::Notified<'_> {
        self.ended.notified()
    }

    /// Adds a claim that is wanted at a time, and sees to it that somebody works on it.
    pub(super) fn add(shared: &Arc<Shared>, mut claim: Claim, wanted: Instant, runtime: &Handle) {
        claim.enter_background();
        let queue = &shared.settlements;
        let due = claim.due(wanted);
        let mut state = queue.lock();
        if state.stopped && due > Instant::now() {
            drop(state);
            return Self::park(shared, claim);
        }
        state.waiting.push(Waiting { due, claim });
        drop(state);
        Self::ensure_worker(shared, runtime);
        queue.added.notify_one();
    }

    /// Leaves a claim until somebody flushes.
    pub(super) fn park(shared: &Shared, mut claim: Claim) {
        claim.enter_background();
        shared.tell_of_parking(&claim);
        shared.settlements.lock().parked.push(claim);
    }

    /// Makes everything due that the authority did not ask to wait for.
    pub(super) fn hurry(shared: &Arc<Shared>, runtime: &Handle) {
        let now = Instant::now();
        Self::reschedule(shared, runtime, |claim, _| claim.due(now));
    }

    /// Makes everything due anew, as if nothing of it had been tried, unless the client is shut down. What the authority asked to
    /// wait for waits, and so does a hold that somebody may ask for again.
    pub(super) fn resume(shared: &Arc<Shared>, runtime: &Handle) {
        if shared.settlements.is_stopped() {
            return;
        }
        let now = Instant::now();
        Self::reschedule(shared, runtime, |claim, due| {
            claim.plan = Plan::default();
            let is_wanted_later = claim.orphan_key().is_some() && claim.attempts == 0;
            claim.due(due.filter(|_| is_wanted_later).unwrap_or(now))
        });
    }

    /// Gives everything that waits or is parked another time: `due` gets the one that it has, if it waits.
    fn reschedule(shared: &Arc<Shared>, runtime: &Handle, mut due: impl FnMut(&mut Claim, Option<Instant>) -> Instant) {
        let mut state = shared.settlements.lock();
        let parked = std::mem::take(&mut state.parked).into_iter().map(|claim| (None, claim));
        let waiting = std::mem::take(&mut state.waiting).into_iter().map(|waiting| (Some(waiting.due), waiting.claim));
        let again = waiting.chain(parked).map(|(was_due, mut claim)| Waiting { due: due(&mut claim, was_due), claim });
        state.waiting = again.collect();
        drop(state);
        Self::ensure_worker(shared, runtime);
        shared.settlements.added.notify_one();
    }

    /// Takes a claim that is due, says when the next one will be, or lets the worker go. `at_most` is how many it can take.
    pub(super) fn take_due(&self, in_flight: usize, at_most: usize) -> Due {
        let mut state = self.lock();
        if state.crew == Crew::Leaving {
            state.crew = Crew::Worker;
            return Due::Abandon;
        }
        let next = state.waiting.peek().map(|waiting| waiting.due);
        match next {
            None if in_flight == 0 => {
                state.crew = Crew::Nobody;
                Due::Nothing
            }
            None => Due::At(None),
            Some(_) if in_flight >= at_most => Due::At(None),
            Some(due) if due > Instant::now() => Due::At(Some(due)),
            Some(_) => match state.waiting.pop() {
                Some(waiting) => {
                    state.in_flight += 1;
                    Due::Claim(Box::new(waiting.claim))
                }
                None => Due::At(None),
            },
        }
    }

    /// Takes back a claim that was under way, for an attempt that is wanted at a time.
    pub(super) fn take_back(&self, claim: Claim, wanted: Instant) {
        let due = claim.due(wanted);
        let mut state = self.lock();
        state.in_flight -= 1;
        // Looked at under the lock, so that nothing waits on when waiting has come to an end.
        if state.stopped && due > Instant::now() {
            state.parked.push(claim);
        } else {
            state.waiting.push(Waiting { due, claim });
        }
        drop(state);
        self.ended.notify_waiters();
    }

    /// Leaves a claim that was under way until somebody flushes.
    pub(super) fn leave(&self, claim: Claim) {
        let mut state = self.lock();
        state.in_flight -= 1;
        state.parked.push(claim);
        drop(state);
        self.ended.notify_waiters();
    }

    /// Counts a claim that was under way as ended.
    pub(super) fn count_as_ended(&self) {
        let mut state = self.lock();
        state.in_flight -= 1;
        state.ended += 1;
        drop(state);
        self.ended.notify_waiters();
    }

    /// Makes it known that the worker is gone, its runtime with it: the next claim or flush starts another elsewhere.
    pub(super) fn lose_worker(&self) {
        self.lock().crew = Crew::Nobody;
    }

    /// Starts a worker where there is none and something waits.
    fn ensure_worker(shared: &Arc<Shared>, runtime: &Handle) {
        let mut state = shared.settlements.lock();
        if state.crew != Crew::Nobody || state.waiting.is_empty() {
            return;
        }
        state.crew = Crew::Worker;
        drop(state);
        runtime.spawn(Worker::new(shared).work());
    }
}

/// The earliest is the greatest, since the heap gives the greatest first.
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.cmp(&self.due)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}
