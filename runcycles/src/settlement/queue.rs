//! Settlements that go on in the background.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Progress;
use super::claim::Claim;
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
}

#[derive(Default)]
struct State {
    waiting: BinaryHeap<Waiting>,
    /// Due when the authority's wait is over, but only if somebody flushes.
    parked: Vec<Waiting>,
    in_flight: usize,
    worker: bool,
    /// Whether records of earlier processes are still being read.
    loading: bool,
    /// How many have ended since the client was made.
    ended: u64,
}

/// A claim and when its next attempt is due.
struct Waiting {
    due: Instant,
    /// Whether the authority asked to wait until then, which a flush respects.
    is_floor: bool,
    claim: Claim,
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

    /// Adds a claim that is due at a time, and sees to it that somebody works on it.
    pub(super) fn add(shared: &Arc<Shared>, claim: Claim, due: Instant, is_floor: bool, runtime: &Handle) {
        let queue = &shared.settlements;
        queue.lock().waiting.push(Waiting { due, is_floor, claim });
        Self::ensure_worker(shared, runtime);
        queue.added.notify_one();
    }

    /// Leaves a claim until somebody flushes, and for the time that the authority asked to wait.
    pub(super) fn park(&self, claim: Claim, floor: Duration) {
        tracing::error!(
            claim = claim.name(),
            spend = claim.spend().and_then(|spend| spend.actual.as_ref()).map(tracing::field::display),
            "settlement not confirmed; it waits for CyclesClient::flush, or for the next process where there is a journal"
        );
        let due = Instant::now() + floor;
        self.lock().parked.push(Waiting { due, is_floor: !floor.is_zero(), claim });
    }

    /// Makes everything due that the authority did not ask to wait for.
    pub(super) fn hurry(shared: &Arc<Shared>, runtime: &Handle) {
        let now = Instant::now();
        let mut state = shared.settlements.lock();
        let parked = std::mem::take(&mut state.parked);
        let waiting = std::mem::take(&mut state.waiting);
        state.waiting.extend(
            waiting
                .into_iter()
                .chain(parked)
                .map(|waiting| if waiting.is_floor { waiting } else { Waiting { due: now, ..waiting } }),
        );
        drop(state);
        Self::ensure_worker(shared, runtime);
        shared.settlements.added.notify_one();
    }

    /// Starts a worker where there is none and something waits.
    fn ensure_worker(shared: &Arc<Shared>, runtime: &Handle) {
        let mut state = shared.settlements.lock();
        if state.worker || state.waiting.is_empty() {
            return;
        }
        state.worker = true;
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
        let next = state.waiting.peek().map(|waiting| waiting.due);
        match next {
            None if in_flight == 0 => {
                state.worker = false;
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
    Nothing,
}

impl Drop for Worker {
    /// The runtime ends with the task on it; the next claim or flush starts another elsewhere.
    fn drop(&mut self) {
        if !self.retired {
            self.shared.settlements.lock().worker = false;
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
                super::report(&claim, &settlement);
                let mut state = queue.lock();
                state.in_flight -= 1;
                state.ended += 1;
                drop(state);
                queue.ended.notify_waiters();
                return;
            }
            Progress::Again => queue.lock().waiting.push(Waiting { due: now, is_floor: false, claim }),
            Progress::Later { wait, is_floor } => {
                queue.lock().waiting.push(Waiting { due: now + wait, is_floor, claim });
            }
            Progress::Parked { floor } => queue.park(claim, floor),
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
            queue.park(claim, Duration::ZERO);
        } else {
            queue.lock().waiting.push(Waiting { due: Instant::now(), is_floor: false, claim });
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
