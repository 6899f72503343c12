//! All chunks of a lease that have not ended.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::chunk::Chunk;

/// All chunks of a lease that have not ended, those among them that only calls still use.
///
/// A lock because chunks end on any thread; held for one look.
#[derive(Default)]
pub(super) struct Chunks(Mutex<Vec<Weak<Chunk>>>);

impl Chunks {
    pub(super) fn add(&self, chunk: &Arc<Chunk>) {
        // The list is whole between any two operations on it.
        let mut chunks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.retain(|chunk| chunk.strong_count() > 0);
        chunks.push(Arc::downgrade(chunk));
    }

    pub(super) fn living(&self) -> Vec<Arc<Chunk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }
}
