//! Settlements that go on in the background.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::{self, AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Progress;
use super::claim::Claim;
use super::event::SettlementStep;
use crate::client::Shared;

/// The most background attempts at a time.
const MAX_IN_FLIGHT: usize = 8;

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

    /// Completes when the next settlement ends.
    pub(super) fn ended(&self) -> tokio::sync::futures::Notified<'_> {
        self.ended.notified()
    }

    /// Adds a claim that is wanted at a time, and sees to it that somebody works on it.
    pub(super) fn add(shared: &Arc<Shared>, claim: Claim, wanted: Instant, runtime: &Handle) {
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
    pub(super) fn park(shared: &Shared, claim: Claim) {
        tracing::error!(
            claim = claim.name(),
            spend = claim.spend().and_then(|spend| spend.actual.as_ref()).map(tracing::field::display),
            "settlement not confirmed; it waits for CyclesClient::flush, or for the next process where there is a journal"
        );
        shared.observer.tell(&claim, SettlementStep::Parked);
        shared.settlements.lock().parked.push(claim);
    }

    /// Makes everything due that the authority did not ask to wait for.
    pub(super) fn hurry(shared: &Arc<Shared>, runtime: &Handle) {
        let now = Instant::now();
        let mut state = shared.settlements.lock();
        let parked = std::mem::take(&mut state.parked);
        let waiting = std::mem::take(&mut state.waiting).into_iter().map(|waiting| waiting.claim);
        let claims = waiting.chain(parked).map(|claim| Waiting { due: claim.due(now), claim }).collect();
        state.waiting = claims;
        drop(state);
        Self::ensure_worker(shared, runtime);
        shared.settlements.added.notify_one();
    }

    /// Starts a worker where there is none and something waits.
    fn ensure_worker(shared: &Arc<Shared>, runtime: &Handle) {
        let mut state = shared.settlements.lock();
        if state.crew != Crew::Nobody || state.waiting.is_empty() {
            return;
        }
        state.crew = Crew::Worker;
        drop(state);
        runtime.spawn(Worker { shared: Arc::clone(shared), retired: false }.work());
    }
}

/// The task that makes background attempts. It ends when nothing waits; it holds the client, which lives until then.
struct Worker {
    shared: Arc<Shared>,
    retired: bool,
}

impl Worker {
    async fn work(mut self) {
        let mut in_flight = JoinSet::new();
        loop {
            let wake_at = loop {
                match self.take_due(in_flight.len()) {
                    Due::Claim(claim) => {
                        in_flight.spawn(Attempt { shared: Arc::clone(&self.shared), claim: Some(*claim) }.make());
                    }
                    Due::At(wake_at) => break wake_at,
                    Due::Abandon => in_flight.abort_all(),
                    Due::Nothing => return,
                }
            };
            let due = async {
                match wake_at {
                    Some(wake_at) => tokio::time::sleep_until(wake_at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // In this order, so that the same events lead to the same requests; whichever it is, all that is due follows.
                biased;
                () = due => {}
                () = self.shared.settlements.added.notified() => {}
                Some(_) = in_flight.join_next(), if !in_flight.is_empty() => {}
            }
        }
    }

    /// Takes a claim that is due, says when the next one will be, or retires.
    fn take_due(&mut self, in_flight: usize) -> Due {
        let mut state = self.shared.settlements.lock();
        if state.crew == Crew::Leaving {
            state.crew = Crew::Worker;
            return Due::Abandon;
        }
        let next = state.waiting.peek().map(|waiting| waiting.due);
        match next {
            None if in_flight == 0 => {
                state.crew = Crew::Nobody;
                self.retired = true;
                Due::Nothing
            }
            None => Due::At(None),
            Some(_) if in_flight >= MAX_IN_FLIGHT => Due::At(None),
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
}

enum Due {
    Claim(Box<Claim>),
    At(Option<Instant>),
    Abandon,
    Nothing,
}

impl Drop for Worker {
    /// The runtime ends with the task on it; the next claim or flush starts another elsewhere.
    fn drop(&mut self) {
        if !self.retired {
            self.shared.settlements.lock().crew = Crew::Nobody;
        }
    }
}

/// One background attempt. If its task is dropped, the claim goes back into the queue; if it panics, the claim waits for a
/// flush.
struct Attempt {
    shared: Arc<Shared>,
    claim: Option<Claim>,
}

impl Attempt {
    async fn make(mut self) {
        let progress = match &mut self.claim {
            Some(claim) => self.shared.advance(claim).await,
            None => return,
        };
        let Some(claim) = self.claim.take() else { return };
        let queue = &self.shared.settlements;
        let now = Instant::now();
        match progress {
            Progress::Ended(settlement) => {
                self.shared.report(&claim, &settlement);
                let mut state = queue.lock();
                state.in_flight -= 1;
                state.ended += 1;
                drop(state);
                queue.ended.notify_waiters();
                return;
            }
            Progress::Again => queue.lock().waiting.push(Waiting { due: now, claim }),
            Progress::Later(wait) if !queue.is_stopped() => {
                let due = claim.due(now + wait);
                queue.lock().waiting.push(Waiting { due, claim });
            }
            Progress::Later(_) | Progress::Parked => Queue::park(&self.shared, claim),
        }
        queue.lock().in_flight -= 1;
        queue.ended.notify_waiters();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(claim) = self.claim.take() else { return };
        let queue = &self.shared.settlements;
        if std::thread::panicking() {
            // The transport broke, and would again: asking at once would never end.
            Queue::park(&self.shared, claim);
        } else {
            let mut state = queue.lock();
            if state.stopped {
                state.parked.push(claim);
            } else {
                state.waiting.push(Waiting { due: claim.due(Instant::now()), claim });
            }
        }
        queue.lock().in_flight -= 1;
        queue.ended.notify_waiters();
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
