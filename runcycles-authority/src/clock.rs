//! Where the authority reads the time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) type Millis = u64;

/// Tells the authority the time.
///
/// Every lease, window and retention is computed from it when a request arrives; nothing waits for it. Where a clock goes
/// back, the authority stays at the latest time it has seen.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        whole_millis(since_epoch)
    }
}

/// A clock that moves only when it is told to: for tests.
///
/// Clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use runcycles_authority::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let start = clock.now_ms();
/// clock.advance(Duration::from_secs(61));
/// assert_eq!(clock.now_ms(), start + 61_000);
/// ```
#[derive(Clone)]
pub struct ManualClock {
    now_ms: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock that starts at the operating system's time.
    pub fn new() -> Self {
        Self::at_epoch_ms(SystemClock.now_ms())
    }

    /// A clock that starts at a number of milliseconds since 1970.
    pub fn at_epoch_ms(now_ms: u64) -> Self {
        Self { now_ms: Arc::new(AtomicU64::new(now_ms)) }
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        self.now_ms.fetch_add(whole_millis(by), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").field("now_ms", &self.now_ms()).finish()
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
