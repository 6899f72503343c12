//! The task that reserves chunks, replaces them in time, and keeps their notes on disk fresh.

use std::pin::pin;
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
            let note = self.write_notes();
            if rotation.is_none() && note.is_none() {
                return;
            }
            let wake_at = rotation.flatten().into_iter().chain(note).min();
            tokio::select! {
                // In this order, so that the same events lead to the same requests.
                biased;
                () = at(wake_at) => {}
                () = self.bell.notified() => {}
            }
        }
    }

    /// Has the chunks written down whose time has come, and says when the next one's does. The disk is not waited for.
    fn write_notes(&self) -> Option<Instant> {
        let mut next = None::<Instant>;
        for chunk in self.chunks.living() {
            if chunk.note_due().is_some_and(|due| due <= Instant::now()) {
                drop(chunk.note());
            }
            next = next.into_iter().chain(chunk.note_due()).min();
        }
        next
    }
}

/// Does what a lease needs now, and says when it needs something next. No chunk is held while this waits, so that chunks end where
/// they are let go of meanwhile.
async fn tend(pool: &Arc<Pool>) -> Option<Instant> {
    let is_due = |chunk: &Arc<Chunk>| chunk.rotate_at <= Instant::now();
    let current = pool.current_chunk().filter(is_due);
    let in_use = current.as_ref().is_some_and(|chunk| chunk.is_used());
    let current = current.map(|chunk| Arc::downgrade(&chunk));
    if pool.is_wanted() || (in_use && pool.next_chunk().is_none_or(|next| is_due(&next))) {
        ask(pool).await;
    }
    if let Some(current) = current {
        pool.turn_to_next(current.upgrade().as_ref());
    }
    // A chunk that nobody took from, or that has no successor, goes back: whoever needs one next asks for it.
    drop(pool.retire(is_due));
    pool.here().map(|chunk| chunk.rotate_at).min()
}

/// Asks for another chunk. Those that are there are taken out meanwhile when their time is over.
async fn ask(pool: &Arc<Pool>) {
    let mut reserved = pin!(pool.reserve_chunk());
    loop {
        let retire_at = pool.here().map(|chunk| chunk.retire_at).min();
        tokio::select! {
            biased;
            // What is refused has been told, and those who wait know.
            _ = &mut reserved => return,
            () = at(retire_at) => drop(pool.retire(|chunk| chunk.retire_at <= Instant::now())),
        }
    }
}

/// Completes at an instant, if there is one.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.lose_keeper();
        }
    }
}
