//! Waiting for the background, for a bounded time.

use std::time::Duration;

use tokio::runtime::Handle;

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
    /// is up. Settlements that the authority asked to wait for are waited for.
    ///
    /// Call it before the process ends: what the background has not settled by then is lost to the ledger, and holds lapse
    /// with their time to live.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting; the settlements go on.
    pub async fn flush(&self, deadline: Duration) -> FlushReport {
        let settlements = &self.shared.settlements;
        let before = settlements.ended_count();
        Queue::hurry(&self.shared, &Handle::current());
        let all_ended = async {
            loop {
                let ended = settlements.ended();
                if settlements.is_idle() {
                    return;
                }
                ended.await;
            }
        };
        // Running out of time is one of the outcomes that the report tells.
        let _ = tokio::time::timeout(deadline, all_ended).await;
        FlushReport { settled: settlements.ended_count() - before, remaining: settlements.remaining() }
    }
}
