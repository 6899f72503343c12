//! Virtual time, in tests that start with the clock paused.

use std::future::Future;
use std::time::Duration;

use runcycles_authority::Clock;
use tokio::time::Instant;

/// A clock of an authority that goes with the virtual one.
pub(crate) struct VirtualClock(Instant);

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> u64 {
        1_763_775_000_000 + u64::try_from(self.0.elapsed().as_millis()).expect("a time within reach")
    }
}

/// Lets virtual time pass, with everything that is due on the way.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep_until(Instant::now() + time).await;
}

/// Lets tasks run until all of them wait for a time or for each other. Virtual time moves by a millisecond at most.
pub(crate) async fn settle() {
    pass(Duration::from_millis(1)).await;
}

/// Waits for something that happens within a day of virtual time, or fails the test.
pub(crate) async fn within_a_day<F: Future>(future: F) -> Option<F::Output> {
    tokio::time::timeout(Duration::from_secs(86_400), future).await.ok()
}
