//! The task that makes background attempts.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Progress;
use super::claim::Claim;
use super::queue::Due;
use crate::client::Shared;

/// The most background attempts at a time.
const MAX_IN_FLIGHT: usize = 8;

/// The task that makes background attempts. It ends when nothing waits; it holds the client, which lives until then.
pub(super) struct Worker {
    shared: Arc<Shared>,
    retired: bool,
}

impl Worker {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), retired: false }
    }

    pub(super) async fn work(mut self) {
        let mut in_flight = JoinSet::new();
        loop {
            let wake_at = loop {
                match self.shared.settlements.take_due(in_flight.len(), MAX_IN_FLIGHT) {
                    Due::Claim(claim) => {
                        in_flight.spawn(Attempt { shared: Arc::clone(&self.shared), claim: Some(*claim) }.make());
                    }
                    Due::At(wake_at) => break wake_at,
                    Due::Abandon => in_flight.abort_all(),
                    Due::Nothing => {
                        self.retired = true;
                        return;
                    }
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
                () = self.shared.settlements.added() => {}
                Some(_) = in_flight.join_next(), if !in_flight.is_empty() => {}
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.retired {
            self.shared.settlements.lose_worker();
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
        match progress {
            Progress::Ended(settlement) => {
                self.shared.report(&claim, &settlement);
                queue.count_as_ended();
            }
            Progress::Again => queue.take_back(claim, Instant::now()),
            Progress::Later(wait) if !queue.is_stopped() => queue.take_back(claim, Instant::now() + wait),
            Progress::Later(_) | Progress::Parked => {
                self.shared.tell_of_parking(&claim);
                queue.leave(claim);
            }
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(claim) = self.claim.take() else { return };
        let queue = &self.shared.settlements;
        if std::thread::panicking() {
            // The transport broke, and would again: asking at once would never end.
            self.shared.tell_of_parking(&claim);
            queue.leave(claim);
        } else if queue.is_stopped() {
            queue.leave(claim);
        } else {
            queue.take_back(claim, Instant::now());
        }
    }
}
