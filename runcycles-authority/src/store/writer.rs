//! The thread that writes.

use std::sync::Arc;

use tokio::sync::watch;

use super::log::Log;
use super::progress::Progress;
use super::queue::{Batch, Queue, Task};
use super::upkeep::Upkeep;
use super::{Durability, StoreError};

/// Writes what the queue has, one batch after another, and says so.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) log: Log,
    pub(super) durability: Durability,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) upkeep: Upkeep,
}

impl Writer {
    /// Writes until the queue is closed or something fails.
    pub(super) fn run(mut self) {
        let end = match self.write_all() {
            Ok(()) => {
                self.upkeep.stop();
                self.finish()
            }
            Err(error) => {
                self.upkeep.stop();
                Err(error)
            }
        };
        let end = end.err().unwrap_or(StoreError::Closed);
        if !matches!(end, StoreError::Closed) {
            let source = std::error::Error::source(&end).map(ToString::to_string);
            tracing::error!(error = %end, source, "the store does not write any more: no request is answered until the authority is started again");
        }
        self.queue.fail(end.clone());
        // The directory is given back before anybody learns of it.
        let Self { progress, log, .. } = self;
        drop(log);
        progress.send_modify(|progress| progress.end = Some(end));
    }

    fn write_all(&mut self) -> Result<(), StoreError> {
        let mut emptied = Batch::default();
        loop {
            match self.queue.take(emptied) {
                Task::Write(mut batch) => {
                    self.log.write(&mut batch, self.durability)?;
                    self.progress.send_modify(|progress| progress.written = batch.last);
                    self.upkeep.wrote(&mut self.log, batch.bytes.len());
                    emptied = batch;
                }
                Task::Close => return Ok(()),
                Task::Fail(error) => return Err(error),
            }
        }
    }

    /// Ends the log with an empty frame: what is damaged before it is then known not to be a write that was cut off.
    fn finish(&mut self) -> Result<(), StoreError> {
        self.log.sync()?;
        let mut nothing = Batch::default();
        nothing.clear();
        self.log.write(&mut nothing, Durability::PowerLoss)
    }
}
