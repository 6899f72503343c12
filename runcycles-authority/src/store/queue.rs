//! Changes on their way to the writer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::StoreError;
use super::frame::FRAME_HEAD;
use super::rows;
use crate::clock::Millis;
use crate::state::{Figures, LedgerMap, RowKey, State};

/// Bytes after which a batch takes no more changes, so that a frame's length stays far from its limit.
const BATCH_BYTES: usize = 16 << 20;

/// Changes that are written together: they are all kept, or none of them is.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Rows, after room for a frame's head.
    pub(super) bytes: Vec<u8>,
    /// The figures of ledgers, which most changes touch: of a ledger's only the last ones are written.
    figures: LedgerMap<Figures>,
    /// The number of the last change in it.
    pub(super) last: u64,
    /// The time that the state had reached.
    pub(super) time: Millis,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.resize(FRAME_HEAD, 0);
    }

    /// Adds a row as it is in the state.
    fn add(&mut self, state: &State, key: &RowKey) {
        match key {
            RowKey::Figures(id) => drop(self.figures.insert(*id, state.ledgers().get(*id).figures)),
            key => rows::append(state, key, &mut self.bytes),
        }
    }

    /// Completes the bytes.
    pub(super) fn complete(&mut self) {
        for (id, figures) in self.figures.drain() {
            rows::append_figures(id, figures, &mut self.bytes);
        }
    }

    fn is_empty(&self) -> bool {
        self.bytes.len() <= FRAME_HEAD && self.figures.is_empty()
    }
}

/// Where changes wait while the writer is busy with those before them. What comes together is written together.
#[derive(Debug)]
pub(super) struct Queue {
    /// Held for as long as it takes to encode the rows of one command, or to swap two buffers; never while something is
    /// written.
    waiting: Mutex<Waiting>,
    filled: Condvar,
    /// The number of the last change that was put here.
    last: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    full: VecDeque<Batch>,
    open: Batch,
    closed: bool,
    failed: Option<StoreError>,
}

/// What the writer is to do next.
#[derive(Debug)]
pub(super) enum Task {
    Write(Batch),
    /// Nothing more will come.
    Close,
    /// Something else failed.
    Fail(StoreError),
}

impl Queue {
    pub(super) fn new() -> Self {
        let mut waiting = Waiting::default();
        waiting.open.clear();
        Self { waiting: Mutex::new(waiting), filled: Condvar::new(), last: AtomicU64::new(0) }
    }

    /// Takes over what changed in the state. The caller holds the state, so that changes come here in their order.
    pub(super) fn put(&self, state: &mut State) {
        let mut waiting = self.lock();
        let last = self.last.load(Ordering::Relaxed) + 1;
        self.last.store(last, Ordering::Release);
        if waiting.closed || waiting.failed.is_some() {
            // Numbered, so that whoever waits for it is told that it was not written.
            state.drain_changes(|_, _| ());
            return;
        }
        if waiting.open.bytes.len() > BATCH_BYTES {
            let full = std::mem::take(&mut waiting.open);
            waiting.full.push_back(full);
            waiting.open.clear();
        }
        let was_empty = waiting.open.is_empty() && waiting.full.is_empty();
        let batch = &mut waiting.open;
        state.drain_changes(|state, key| batch.add(state, key));
        batch.last = last;
        batch.time = state.now();
        drop(waiting);
        if was_empty {
            self.filled.notify_one();
        }
    }

    /// The number of the last change that was put here.
    pub(super) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Waits for something to do. `emptied` serves for what comes next.
    pub(super) fn take(&self, mut emptied: Batch) -> Task {
        emptied.clear();
        let mut waiting = self.lock();
        loop {
            if let Some(error) = waiting.failed.clone() {
                return Task::Fail(error);
            }
            if let Some(batch) = waiting.full.pop_front() {
                return Task::Write(batch);
            }
            if !waiting.open.is_empty() {
                return Task::Write(std::mem::replace(&mut waiting.open, emptied));
            }
            if waiting.closed {
                return Task::Close;
            }
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more changes. Those that wait are still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Takes no more changes, and gives up those that wait.
    pub(super) fn fail(&self, error: StoreError) {
        self.lock().failed.get_or_insert(error);
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
