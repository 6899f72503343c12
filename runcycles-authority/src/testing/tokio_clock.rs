//! The time of tokio.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{Clock, SystemClock};

/// A clock that goes with tokio's: while that is paused, leases lapse when timers jump, and not before. It starts at the operating
/// system's time, and is read on the thread of the runtime, so it fits clients in process.
///
/// ```
/// use std::time::Duration;
///
/// use runcycles::{Reserve, usd};
/// use runcycles_authority::Authority;
/// use runcycles_authority::testing::TokioClock;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
/// let authority = Authority::builder().budget("tenant:acme", usd!(5)).clock(TokioClock::new()).start().await?;
/// let client = authority.client("acme");
/// let request = Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02)).ttl(Duration::from_secs(60)).build();
/// client.create_reservation(&request).await?; // nobody keeps it alive
///
/// tokio::time::sleep(Duration::from_secs(3_600)).await; // takes no time
/// authority.assert_settled();
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: Instant,
    epoch: Duration,
}

impl TokioClock {
    /// A clock that starts now.
    pub fn new() -> Self {
        Self::at_epoch_ms(SystemClock.now_ms())
    }

    /// A clock that starts at a number of milliseconds since 1970.
    pub fn at_epoch_ms(now_ms: u64) -> Self {
        Self { start: Instant::now(), epoch: Duration::from_millis(now_ms) }
    }

    fn since_epoch(&self) -> Duration {
        self.epoch.saturating_add(self.start.elapsed())
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioClock {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.since_epoch().as_millis()).unwrap_or(u64::MAX)
    }
}
