//! What has been written, and waiting for it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::sync::watch;

use super::StoreError;

/// How far the writer has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// The number of the last change that is kept.
    pub(super) written: u64,
    /// Why nothing more will be.
    pub(super) end: Option<StoreError>,
}

/// Changes that are not kept yet. Nothing that follows from them may be answered before they are.
#[derive(Debug)]
pub(crate) struct Unwritten {
    last: u64,
    progress: watch::Receiver<Progress>,
}

impl Unwritten {
    /// The changes up to a number, if not all of them are kept.
    pub(super) fn up_to(last: u64, progress: &watch::Receiver<Progress>) -> Option<Self> {
        let is_written = progress.borrow().written >= last;
        (!is_written).then(|| Self { last, progress: progress.clone() })
    }

    /// Waits until they are kept.
    ///
    /// # Errors
    ///
    /// Where they may not be, now or ever.
    ///
    /// # Cancel safety
    ///
    /// They are written whether or not somebody waits.
    pub(crate) async fn written(mut self) -> Result<(), StoreError> {
        let reached = self.progress.wait_for(|progress| progress.written >= self.last || progress.end.is_some()).await;
        match reached {
            Ok(progress) if progress.written >= self.last => Ok(()),
            Ok(progress) => Err(progress.end.clone().unwrap_or(StoreError::Closed)),
            // The writer is gone without a word.
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Waits on this thread, with or without a runtime on it.
    pub(crate) fn wait(self) -> Result<(), StoreError> {
        block_on(self.written())
    }
}

/// Drives a future that somebody on another thread completes.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
