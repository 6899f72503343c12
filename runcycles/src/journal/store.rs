//! One identity's directory: writing and removing records.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::desk::Origin;
use super::disk::{Disk, OpenFile};
use super::error::JournalError;
use super::file_name;
use super::reader;
use crate::client::Durability;

/// The largest record, which bounds what reading one takes.
pub(super) const LARGEST_RECORD: u64 = 16 * 1_024 * 1_024;

/// How often a file is tried to be made, where its name is taken or its directory missing.
const ATTEMPTS: usize = 8;

/// One identity's directory.
pub(super) struct Store {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) directory: PathBuf,
    pub(super) durability: Durability,
    process: u32,
}

/// A record that is written and not found yet. It becomes one by [`Store::publish`].
pub(super) struct Staged {
    unfinished: PathBuf,
    path: PathBuf,
    file: Box<dyn OpenFile>,
}

impl Staged {
    /// Brings what was written to the disk.
    pub(super) fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync().map_err(|error| JournalError::disk("synchronise", &self.path, error))
    }
}

impl Store {
    pub(super) fn new(disk: Arc<dyn Disk>, directory: PathBuf, durability: Durability) -> Self {
        Self { disk, directory, durability, process: std::process::id() }
    }

    /// Writes a record under a name that no reader takes for a record's, so that a crash leaves no half of one.
    pub(super) fn stage(&self, name: &str, text: &[u8]) -> Result<Staged, JournalError> {
        let found = text.len();
        if found as u64 > LARGEST_RECORD {
            return Err(JournalError::TooLarge { found, allowed: LARGEST_RECORD });
        }
        let (unfinished, file) = self.create_unfinished(name)?;
        let mut staged = Staged { unfinished, path: self.directory.join(name), file };
        match staged.file.write(text) {
            Ok(()) => Ok(staged),
            Err(error) => {
                let error = JournalError::disk("write", &staged.path, error);
                self.discard(staged);
                Err(error)
            }
        }
    }

    fn create_unfinished(&self, name: &str) -> Result<(PathBuf, Box<dyn OpenFile>), JournalError> {
        let mut attempts = 0;
        loop {
            let nonce = fastrand::u32(..);
            let path = self.directory.join(format!("{name}.{}.{nonce:08x}{}", self.process, file_name::UNFINISHED));
            let error = match self.disk.create_file(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) => error,
            };
            attempts += 1;
            match error.kind() {
                ErrorKind::AlreadyExists if attempts < ATTEMPTS => {}
                // The directory is made when it is missing, rather than looked for each time. It may go missing at any time.
                ErrorKind::NotFound if attempts < ATTEMPTS => self.create_directories(&self.directory)?,
                _ => return Err(JournalError::disk("create", &path, error)),
            }
        }
    }

    /// Gives a staged record its name, in place of an earlier one of the same reservation. For [`Durability::PowerLoss`] the
    /// name is on the disk after [`sync`](Self::sync).
    pub(super) fn publish(&self, staged: Staged) -> Result<(), JournalError> {
        let Staged { unfinished, path, file } = staged;
        drop(file);
        self.disk.rename(&unfinished, &path).map_err(|error| {
            self.clear(&unfinished);
            JournalError::disk("write", &path, error)
        })
    }

    /// Removes a write that failed.
    pub(super) fn discard(&self, staged: Staged) {
        let Staged { unfinished, file, .. } = staged;
        drop(file);
        self.clear(&unfinished);
    }

    /// Removes an unfinished record. Where that fails, a reader removes it an hour later.
    fn clear(&self, unfinished: &Path) {
        if let Err(error) = self.disk.remove(unfinished) {
            tracing::debug!(path = %unfinished.display(), %error, "an unfinished record stays for now");
        }
    }

    /// Makes a directory and those above it that are missing. Those that exist are left as they are.
    fn create_directories(&self, path: &Path) -> Result<(), JournalError> {
        let parent = path.parent();
        let mut created = self.disk.create_directory(path);
        if let (Err(error), Some(parent)) = (&created, parent) {
            if error.kind() == ErrorKind::NotFound {
                self.create_directories(parent)?;
                created = self.disk.create_directory(path);
            }
        }
        match created {
            Ok(()) => {}
            // Another process or thread was faster, or it is no directory, which the next step finds.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => return Err(JournalError::disk("create the directory", path, error)),
        }
        match parent {
            Some(parent) if self.durability == Durability::PowerLoss => self.sync_directory(parent),
            _ => Ok(()),
        }
    }

    /// Makes the names of all records that were written durable.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.sync_directory(&self.directory)
    }

    fn sync_directory(&self, path: &Path) -> Result<(), JournalError> {
        self.disk.sync_directory(path).map_err(|error| JournalError::disk("synchronise the directory", path, error))
    }

    /// Removes a reservation's record, where there is one; one that was found also from under a name that early versions gave it.
    pub(super) fn remove(&self, reservation_id: &str, origin: Origin) -> Result<(), JournalError> {
        self.remove_file(&self.directory.join(file_name::standard(reservation_id)))?;
        if origin == Origin::Written {
            return Ok(());
        }
        for name in file_name::legacy(reservation_id) {
            let path = self.directory.join(name);
            // The name may be another reservation's; what does not say that it is this one's stays.
            if self.holds(&path, reservation_id) {
                self.remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), JournalError> {
        match self.disk.remove(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(JournalError::disk("remove", path, error)),
            // Whoever settled the same reservation was faster.
            _ => Ok(()),
        }
    }

    /// Whether a file is a record of a reservation.
    fn holds(&self, path: &Path, reservation_id: &str) -> bool {
        self.disk.read(path, LARGEST_RECORD).is_ok_and(|text| reader::is_record_of(text, reservation_id))
    }
}
