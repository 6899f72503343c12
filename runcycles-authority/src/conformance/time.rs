//! How a server's time passes.

use std::time::Duration;

use runcycles::BoxFuture;

use crate::{Clock, ManualClock, SystemClock};

/// Lets a server's time pass, for checks of leases and their ends.
pub trait Time: Send + Sync + 'static {
    /// The server's time in milliseconds since 1970, as well as it is known here.
    fn now_ms(&self) -> u64;

    /// Returns when this much of the server's time has passed.
    fn pass(&self, by: Duration) -> BoxFuture<'_, ()>;

    /// Whether [`pass`](Self::pass) moves the server's time on for every check at once. The checks that call it then run one
    /// after the other.
    fn is_moved(&self) -> bool {
        false
    }
}

/// Time that passes by itself; the server's clock is taken to show what this machine's does, give or take a few seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wall;

impl Time for Wall {
    fn now_ms(&self) -> u64 {
        SystemClock.now_ms()
    }

    fn pass(&self, by: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(by))
    }
}

/// The clock of an authority in this process, which is moved rather than waited for.
impl Time for ManualClock {
    fn now_ms(&self) -> u64 {
        Clock::now_ms(self)
    }

    fn pass(&self, by: Duration) -> BoxFuture<'_, ()> {
        self.advance(by);
        Box::pin(std::future::ready(()))
    }

    fn is_moved(&self) -> bool {
        true
    }
}
