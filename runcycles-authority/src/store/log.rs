//! The log that changes are appended to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::{Disk, DiskFile};
use super::files::{StoreFile, unfinished};
use super::frame::{FileKind, FrameHead, file_head, seal};
use super::queue::Batch;
use super::{Durability, StoreError};

/// The log that is written now.
#[derive(Debug)]
pub(super) struct Log {
    disk: Arc<dyn Disk>,
    file: Arc<dyn DiskFile>,
    number: u64,
    /// The number of the last frame.
    sequence: u64,
    sync: Arc<Synchronisation>,
}

impl Log {
    /// Goes on with a log whose frames are all synchronised.
    pub(super) fn new(disk: Arc<dyn Disk>, file: Arc<dyn DiskFile>, number: u64, sequence: u64) -> Self {
        let sync = Arc::new(Synchronisation { behind: Mutex::default(), synced: AtomicU64::new(sequence) });
        Self { disk, file, number, sequence, sync }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn synchronisation(&self) -> Arc<Synchronisation> {
        self.sync.clone()
    }

    /// Writes a batch as one frame.
    ///
    /// # Errors
    ///
    /// Where any part of it may not be kept. Nothing may be written after that.
    pub(super) fn write(&mut self, batch: &mut Batch, durability: Durability) -> Result<(), StoreError> {
        batch.complete();
        let sequence = self.sequence + 1;
        let head = FrameHead { sequence, synced: self.sync.synced.load(Ordering::Acquire), time: batch.time };
        seal(&mut batch.bytes, head);
        let path = || self.disk.path(&StoreFile::Log(self.number).name());
        self.file.write(&batch.bytes).map_err(|error| StoreError::io("write", &path())(error))?;
        match durability {
            Durability::ProcessCrash => self.sync.is_behind(&self.file, sequence),
            Durability::PowerLoss => {
                self.file.sync().map_err(|error| StoreError::io("synchronise", &path())(error))?;
                self.sync.synced.store(sequence, Ordering::Release);
            }
        }
        self.sequence = sequence;
        Ok(())
    }

    /// Goes on in the next log.
    pub(super) fn switch(&mut self, next: Arc<dyn DiskFile>) {
        self.file = next;
        self.number += 1;
    }

    /// Synchronises everything.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let path = || self.disk.path(&StoreFile::Log(self.number).name());
        self.sync.catch_up().map_err(|error| StoreError::io("synchronise", &path())(error))
    }
}

/// Makes an empty log, complete with its name.
pub(super) fn create_log(disk: &dyn Disk, number: u64) -> Result<Arc<dyn DiskFile>, StoreError> {
    publish(disk, &StoreFile::Log(number).name(), |file| file.write(&file_head(FileKind::Log, number)))
}

/// Makes a file that is complete as soon as it has its name, whatever happens meanwhile.
pub(super) fn publish(
    disk: &dyn Disk,
    name: &str,
    write: impl FnOnce(&dyn DiskFile) -> std::io::Result<()>,
) -> Result<Arc<dyn DiskFile>, StoreError> {
    let path = disk.path(name);
    let temporary = unfinished(name);
    let make = || {
        let file = disk.create(&temporary)?;
        write(&*file)?;
        file.sync()?;
        disk.rename(&temporary, name)?;
        disk.sync_names()?;
        Ok(file)
    };
    make().map_err(StoreError::io("make", &path))
}

/// Which frames are synchronised, and which files have others.
#[derive(Debug)]
pub(super) struct Synchronisation {
    /// Files with frames that may not be, oldest first, each with the number of its last one. Held to look at the list or
    /// change it, not while anything is synchronised.
    behind: Mutex<Vec<(Arc<dyn DiskFile>, u64)>>,
    /// The last frame that is, with all before it.
    synced: AtomicU64,
}

impl Synchronisation {
    fn is_behind(&self, file: &Arc<dyn DiskFile>, sequence: u64) {
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        match behind.last_mut() {
            Some((last, frame)) if Arc::ptr_eq(last, file) => *frame = sequence,
            _ => behind.push((file.clone(), sequence)),
        }
    }

    /// Synchronises every frame that was written before.
    pub(super) fn catch_up(&self) -> std::io::Result<()> {
        let behind = std::mem::take(&mut *self.behind.lock().unwrap_or_else(PoisonError::into_inner));
        for (file, sequence) in behind {
            file.sync()?;
            self.synced.fetch_max(sequence, Ordering::AcqRel);
        }
        Ok(())
    }
}
