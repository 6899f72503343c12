//! One time for everything that is simulated: it passes while a machine runs, and jumps while it is down.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The time of the simulated world, in milliseconds since 1970. Clones show the same time.
#[derive(Clone)]
pub(crate) struct WorldClock(Arc<Mutex<Reading>>);

struct Reading {
    /// The time when the machine was started last.
    start_ms: u64,
    /// When that was by the virtual time of its runtime, while it runs.
    running_since: Option<Instant>,
}

impl WorldClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Reading { start_ms: 1_763_775_000_000, running_since: None })))
    }

    /// Goes with the virtual time of the runtime that this is called on.
    pub(crate) fn start(&self) {
        self.reading().running_since = Some(Instant::now());
    }

    /// Stands still, and jumps over the time until the next start.
    pub(crate) fn stop(&self, down: Duration) {
        let now_ms = self.now_ms();
        let mut reading = self.reading();
        reading.start_ms = now_ms + whole_millis(down);
        reading.running_since = None;
    }

    pub(crate) fn now_ms(&self) -> u64 {
        let reading = self.reading();
        reading.start_ms + reading.running_since.map_or(0, |since| whole_millis(since.elapsed()))
    }

    pub(crate) fn time_of_day(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.now_ms())
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl runcycles_authority::Clock for WorldClock {
    fn now_ms(&self) -> u64 {
        Self::now_ms(self)
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
