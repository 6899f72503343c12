//! The task that reserves chunks, replaces them in time, and keeps their notes on disk fresh.

use std::sync::{Arc, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::chunk::Chunk;
use super::chunks::Chunks;
use super::pool::Pool;

/// The task of a lease. It holds no lease: it ends with the lease and the chunks that are in use.
pub(super) struct Keeper {
    pool: Weak<Pool>,
    bell: Arc<Notify>,
    chunks: Arc<Chunks>,
}

impl Keeper {
    pub(super) fn new(pool: &Arc<Pool>, chunks: Arc<Chunks>) -> Self {
        Self { pool: Arc::downgrade(pool), bell: Arc::clone(&pool.bell), chunks }
    }

    pub(super) async fn keep(self) {
        loop {
            // Held while there is something to do, and not while there is nothing.
            let rotation = match self.pool.upgrade().filter(|pool| !pool.is_closed()) {
                Some(pool) => Some(tend(&pool).await),
                None => None,
            };
            let note = self.write_notes().await;
            if rotation.is_none() && note.is_none() {
                return;
            }
            let wake_at = rotation.flatten().into_iter().chain(note).min();
            let due = async {
                match wake_at {
                    Some(wake_at) => tokio::time::sleep_until(wake_at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // In this order, so that the same events lead to the same requests.
                biased;
                () = due => {}
                () = self.bell.notified() => {}
            }
        }
    }

    /// Writes down the chunks whose time has come, and says when the next one's does.
    async fn write_notes(&self) -> Option<Instant> {
        let mut next = None::<Instant>;
        for chunk in self.chunks.living() {
            if chunk.note_due().is_some_and(|due| due <= Instant::now()) {
                if let Some(written) = chunk.note() {
                    written.await;
                }
            }
            next = next.into_iter().chain(chunk.note_due()).min();
        }
        next
    }
}

/// Does what a lease needs now, and says when it needs something next.
async fn tend(pool: &Arc<Pool>) -> Option<Instant> {
    let is_due = |chunk: &Arc<Chunk>| chunk.rotate_at <= Instant::now();
    let current = pool.current_chunk().filter(is_due);
    let in_use = current.as_ref().is_some_and(|chunk| chunk.is_used());
    if pool.is_wanted() || (in_use && pool.next_chunk().is_none_or(|next| is_due(&next))) {
        // What is refused has been told, and those who wait know.
        drop(pool.reserve_chunk().await);
    }
    if current.is_some() {
        pool.turn_to_next(current.as_ref());
    }
    // A chunk that nobody took from, or that has no successor, goes back: whoever needs one next asks for it.
    drop(current);
    drop(pool.retire(is_due));
    let [current, next] = [pool.current_chunk(), pool.next_chunk()];
    [current, next].into_iter().flatten().map(|chunk| chunk.rotate_at).min()
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.lose_keeper();
        }
    }
}
