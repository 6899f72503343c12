//! A part of a chunk.

use std::fmt;
use std::sync::Arc;

use super::chunk::Chunk;
use crate::reservation::{Share, ShareEnd};

/// A part of a chunk. Dropping it returns it.
pub(super) struct Part {
    chunk: Arc<Chunk>,
    amount: i64,
    /// Where the chunk counts it.
    row: u32,
    is_settled: bool,
}

impl Part {
    pub(super) fn new(chunk: Arc<Chunk>, amount: i64, row: usize) -> Self {
        Self { chunk, amount, row: u32::try_from(row).unwrap_or(u32::MAX), is_settled: false }
    }

    pub(super) fn chunk(&self) -> &Arc<Chunk> {
        &self.chunk
    }

    pub(super) fn amount(&self) -> u64 {
        self.amount.unsigned_abs()
    }

    /// Whether budget is held for it.
    pub(super) fn is_held(&self) -> bool {
        self.chunk.reservation().is_held()
    }

    /// Puts it back as if it had not been taken.
    pub(super) fn undo(mut self) {
        self.is_settled = true;
        self.chunk.counter.add(self.amount);
    }

    pub(super) fn spend(mut self, spent: u64) {
        self.is_settled = true;
        self.chunk.settle(self.amount, spent, self.row as usize);
    }
}

impl Share for Part {
    fn settle(mut self: Box<Self>, end: ShareEnd) {
        match end {
            ShareEnd::Spent(spent) => self.spend(spent),
            ShareEnd::Returned => {}
            ShareEnd::Withheld => {
                self.is_settled = true;
                self.chunk.withhold(self.amount);
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_settled {
            self.chunk.give_back(self.amount);
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("amount", &self.amount).finish_non_exhaustive()
    }
}
