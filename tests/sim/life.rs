//! The life of a simulated process, which may end at any of its steps into the world.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The life of one process. Its steps are the operations on its disk and the halves of its exchanges with the network.
/// Clones are the same life.
#[derive(Clone)]
pub(crate) struct Life(Arc<State>);

struct State {
    ended: AtomicBool,
    steps: AtomicUsize,
    /// The step that the process does not survive.
    last: usize,
    end: Notify,
}

impl Life {
    /// A life that ends at a step; `usize::MAX` for one that does not.
    pub(crate) fn until(last: usize) -> Self {
        let (ended, steps) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self(Arc::new(State { ended, steps, last, end: Notify::new() }))
    }

    /// Takes a step. Says whether the process survives it; what a dead process does has no effect.
    pub(crate) fn step(&self) -> bool {
        if self.0.ended.load(Ordering::Relaxed) {
            return false;
        }
        let step = self.0.steps.fetch_add(1, Ordering::Relaxed);
        if step >= self.0.last {
            self.end();
        }
        step < self.0.last
    }

    /// Ends the process.
    pub(crate) fn end(&self) {
        self.0.ended.store(true, Ordering::Relaxed);
        self.0.end.notify_waiters();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn steps(&self) -> usize {
        self.0.steps.load(Ordering::Relaxed)
    }

    /// Completes when the process ends.
    pub(crate) async fn over(&self) {
        let end = self.0.end.notified();
        if !self.is_over() {
            end.await;
        }
    }
}
