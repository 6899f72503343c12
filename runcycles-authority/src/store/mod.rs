//! The state on disk.
//!
//! A store is a directory with a log of changes and a snapshot of what older logs came to. A command changes the state in
//! memory, and the rows that it changed go to a queue; one thread takes what has come together there and writes it as one
//! frame of the log, whole or not at all. An answer waits until the frame with everything it was made from is kept. Reads
//! are answered from memory. Once the log is longer than the snapshot, another thread replaces both by a new snapshot,
//! from the files alone, while requests go on.
//!
//! # Implementation rationale
//!
//! The state is in memory and nobody looks anything up on disk, so an index there would be written and never read. redb 4.5
//! was measured first, with the rows of a reservation at three levels of budgets in transactions of 64: 24 µs of CPU a
//! change into an empty file, 55 µs into one with a million finished reservations, whose leaves are spread by their random
//! ids, 11 to 15 write calls a transaction, and 2.9 s to open and scan that file without building anything from it. The log
//! takes 0.3 µs a change whatever it holds. What an engine would have brought is here instead, and tested as such: torn
//! ends, damage, the order of synchronisation, replacing files, power cuts at every step.

mod compaction;
mod decoder;
mod directory;
mod disk;
mod durability;
mod encoder;
mod error;
mod files;
mod frame;
mod frames;
mod log;
mod progress;
mod queue;
mod reading;
mod recovery;
mod rows;
#[cfg(test)]
mod tests;
mod upkeep;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{oneshot, watch};

use self::directory::Directory;
use self::disk::Disk;
use self::log::Log;
use self::progress::{Progress, block_on};
use self::queue::Queue;
use self::recovery::{Recovered, recover};
use self::upkeep::Upkeep;
use self::writer::Writer;
use crate::state::State;

pub use self::durability::Durability;
pub use self::error::StoreError;
pub(crate) use self::progress::Unwritten;

/// Where changes go. Dropping it waits until everything is written and the directory is given back.
#[derive(Debug)]
pub(crate) struct Store {
    queue: Arc<Queue>,
    progress: watch::Receiver<Progress>,
    writer: Option<JoinHandle<()>>,
}

impl Store {
    /// Bytes of log that are worth a snapshot.
    pub(crate) const COMPACT_AT: u64 = 64 << 20;

    /// Opens a directory, and returns the state that it holds. Reads it on threads of its own.
    pub(crate) async fn open(
        dir: PathBuf,
        durability: Durability,
        compact_at: u64,
    ) -> Result<(State, Self), StoreError> {
        let (sender, opened) = oneshot::channel();
        let no_thread = StoreError::io("start the threads of", &dir);
        let open = move || {
            let opened = Directory::open(&dir).and_then(|disk| Self::on(Arc::new(disk), durability, compact_at));
            // Where nobody waits any more, the store is closed again.
            drop(sender.send(opened));
        };
        thread::Builder::new().name("cycles-open".to_owned()).spawn(open).map_err(no_thread)?;
        // The thread ends without a word only where it panics.
        opened.await.unwrap_or(Err(StoreError::Closed))
    }

    fn on(disk: Arc<dyn Disk>, durability: Durability, compact_at: u64) -> Result<(State, Self), StoreError> {
        let Recovered { state, holdings, log, log_number, sequence } = recover(&*disk)?;
        let dir = disk.path("");
        let queue = Arc::new(Queue::new());
        let log = Log::new(disk.clone(), log, log_number, sequence);
        let no_thread = StoreError::io("start the threads of", &dir);
        let upkeep = Upkeep::start(disk, queue.clone(), &log, holdings, compact_at, durability);
        let (sender, progress) = watch::channel(Progress::default());
        let started = upkeep.and_then(|upkeep| {
            let writer = Writer { queue: queue.clone(), log, durability, progress: sender, upkeep };
            thread::Builder::new().name("cycles-store".to_owned()).spawn(move || writer.run())
        });
        let writer = started.map_err(no_thread)?;
        Ok((state, Self { queue, progress, writer: Some(writer) }))
    }

    /// Takes over what changed in the state. The caller holds the state.
    pub(crate) fn put(&self, state: &mut State) {
        if state.has_changes() {
            self.queue.put(state);
        }
    }

    /// What was put here and is not kept yet, if anything.
    pub(crate) fn unwritten(&self) -> Option<Unwritten> {
        Unwritten::up_to(self.queue.last(), &self.progress)
    }

    /// Writes what is waiting and gives the directory back. What comes later is not written.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.queue.close();
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|progress| progress.end.is_some()).await;
        match ended.map(|progress| progress.end.clone()) {
            Ok(Some(StoreError::Closed) | None) | Err(_) => Ok(()),
            Ok(Some(error)) => Err(error),
        }
    }
}

#[cfg(test)]
impl Store {
    /// Why the store does not write any more, once it does not.
    async fn end(&self) -> StoreError {
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|progress| progress.end.is_some()).await;
        ended.ok().and_then(|progress| progress.end.clone()).unwrap_or(StoreError::Closed)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // A failure was reported when it happened, and to everyone who waited.
        let _ = block_on(self.close());
        let _ = self.writer.take().map(JoinHandle::join);
    }
}
