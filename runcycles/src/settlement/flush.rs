//! Waiting for the background, for a bounded time.

use std::time::Duration;

use tokio::runtime::Handle;
#[cfg(feature = "journal")]
use tokio::time::Instant;

use super::queue::Queue;
use crate::client::CyclesClient;

/// What a flush came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlushReport {
    /// How many settlements ended while it ran.
    pub settled: u64,
    /// How many are left.
    pub remaining: usize,
}

impl CyclesClient {
    /// Tries all settlements of this client that are under way in the background, and waits until they have ended or the time
    /// is up. Settlements that the authority asked to wait for are waited for. [Leases](crate::Lease) settle what was spent of them
    /// so far.
    ///
    /// Call it before the process ends: what the background has not settled by then waits in the journal for the next process,
    /// or is lost to the ledger where there is no journal; holds lapse with their time to live.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting; the settlements go on.
    pub async fn flush(&self, deadline: Duration) -> FlushReport {
        self.drain(deadline, || true).await
    }

    /// Tries everything that is under way, and waits until it has ended and `also` is so. `also` is looked at again whenever a
    /// settlement has ended.
    pub(crate) async fn drain(&self, deadline: Duration, also: impl Fn() -> bool) -> FlushReport {
        self.shared.holders.let_go(false);
        let settlements = &self.shared.settlements;
        #[cfg(feature = "journal")]
        self.shared.take_up_journal(&Handle::current());
        #[cfg(feature = "journal")]
        let started = Instant::now();
        let before = settlements.ended_count();
        Queue::hurry(&self.shared, &Handle::current());
        let all_ended = async {
            loop {
                let ended = settlements.ended();
                if settlements.is_idle() && also() {
                    return;
                }
                ended.await;
            }
        };
        // Running out of time is one of the outcomes that the report tells.
        let _ = tokio::time::timeout(deadline, all_ended).await;
        #[cfg(feature = "journal")]
        if let Some(journal) = &self.shared.journal {
            // What fails here has been told to operators; the records that stay take no effect a second time.
            let left = deadline.saturating_sub(started.elapsed());
            let _ = tokio::time::timeout(left, journal.drained()).await;
        }
        let report = FlushReport { settled: settlements.ended_count() - before, remaining: settlements.remaining() };
        if settlements.is_stopped() {
            // After a shutdown nothing waits on.
            settlements.stop();
        }
        report
    }
}
