//! How a lease gets another chunk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::chunk::Chunk;
use super::keeper::Keeper;
use super::pool::Pool;
use crate::error::Error;
use crate::protocol::IdempotencyKey;

/// How long no other chunk is asked for once one was refused.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether another chunk is asked for, and who waits for it.
#[derive(Default)]
pub(super) struct Refill {
    /// A lock because any thread asks; held for a few assignments.
    state: Mutex<State>,
    /// Tells those who wait that a chunk was granted or refused.
    done: Notify,
}

#[derive(Default)]
struct State {
    /// Whether another chunk is wanted, or is being asked for.
    wanted: bool,
    /// Until when nobody asks, since one was refused.
    refused_until: Option<Instant>,
    /// Whether there is a keeper.
    is_kept: bool,
}

impl Refill {
    /// Completes when a chunk is granted or refused; what happens from this call on counts.
    pub(super) fn done(&self) -> Notified<'_> {
        self.done.notified()
    }

    /// Tells those who wait that they need not wait any more.
    pub(super) fn tell(&self) {
        self.done.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each assignment is whole, so a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Has another chunk asked for; whether one is being asked for.
    pub(super) fn want(self: &Arc<Self>) -> bool {
        let mut refill = self.refill.lock();
        if self.is_closed() || refill.refused_until.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        refill.wanted = true;
        let start = !refill.is_kept;
        let runtime = if start { Handle::try_current().ok() } else { None };
        if start && runtime.is_none() {
            // Somewhere without a runtime; the next one who waits has one.
            return false;
        }
        refill.is_kept = true;
        drop(refill);
        match runtime {
            Some(runtime) => drop(runtime.spawn(Keeper::new(self, Arc::clone(&self.chunks)).keep())),
            None => self.bell.notify_one(),
        }
        true
    }

    /// Starts the keeper.
    pub(super) fn start(self: &Arc<Self>) {
        let is_kept = std::mem::replace(&mut self.refill.lock().is_kept, true);
        if !is_kept {
            tokio::spawn(Keeper::new(self, Arc::clone(&self.chunks)).keep());
        }
    }

    /// The keeper has ended: the next one who wants a chunk starts another.
    pub(super) fn lose_keeper(&self) {
        let mut refill = self.refill.lock();
        (refill.is_kept, refill.wanted) = (false, false);
        drop(refill);
        self.refill.tell();
    }

    /// Whether another chunk is to be asked for now.
    pub(super) fn is_wanted(&self) -> bool {
        let has_next = self.next_chunk().is_some();
        let mut refill = self.refill.lock();
        if has_next {
            refill.wanted = false;
            drop(refill);
            self.refill.tell();
            return false;
        }
        refill.wanted
    }

    /// Reserves another chunk, and puts it where it is taken from.
    ///
    /// # Errors
    ///
    /// What [`reserve`](crate::CyclesClient::reserve) says; nobody asks again for a while.
    pub(super) async fn reserve_chunk(self: &Arc<Self>) -> Result<(), Error> {
        let mut request = self.request.clone();
        request.idempotency_key = IdempotencyKey::random();
        let reserved = self.client.reserve_as_it_is(request).await;
        let reserved = match reserved {
            Ok(guard) => {
                let chunk = Arc::new(Chunk::new(guard, self));
                self.chunks.add(&chunk);
                // Nothing is spent of it before the disk knows of it.
                if let Some(written) = chunk.note() {
                    written.await;
                }
                self.totals.count_chunk();
                self.put(chunk);
                Ok(())
            }
            Err(error) => {
                self.totals.count_refusal();
                tracing::info!(chunk = %self.chunk(), %error, "no chunk for a lease; its calls reserve by themselves");
                Err(error)
            }
        };
        let mut refill = self.refill.lock();
        refill.wanted = false;
        refill.refused_until = reserved.is_err().then(|| Instant::now() + PAUSE);
        drop(refill);
        self.refill.tell();
        reserved
    }
}
