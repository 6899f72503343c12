//! One identity's directory: finding the records that an earlier process left.

use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use super::error::JournalError;
use super::file_name;
use super::reader;
use super::record::Record;
use super::store::{LARGEST_RECORD, Store};
use crate::client::Durability;

/// How old a write must be to be taken for one that a crash cut short.
const ABANDONED_AFTER: Duration = Duration::from_secs(3_600);

/// What a name turned out to be.
#[derive(Debug)]
pub(super) enum Found {
    /// A record of this identity, and its size in bytes.
    Record(Record, usize),
    /// A record of another authority, which stays for a client of that authority.
    Foreign,
    /// Nothing any more: another worker settled it, or it was a copy of a record under its standard name.
    Gone,
    /// No record. It stays under a name that ends in `.corrupt`.
    Quarantined,
    /// Not known: it could not be read, and stays.
    Unreadable,
}

impl Store {
    /// The names of what may be records, in order. Writes that a crash cut short are removed. A directory that does not exist
    /// holds nothing.
    pub(super) fn list(&self, now: SystemTime) -> Result<Vec<String>, JournalError> {
        if self.durability == Durability::PowerLoss {
            self.anchor();
        }
        let entries = match self.disk.entries(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(JournalError::disk("list", &self.directory, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let Ok(name) = entry.name.into_string() else { continue };
            if name.ends_with(file_name::UNFINISHED) {
                if entry.is_file {
                    self.remove_abandoned(&name, now);
                }
            } else if name.ends_with(file_name::RECORD) {
                if entry.is_file {
                    names.push(name);
                } else {
                    tracing::warn!(
                        directory = %self.directory.display(),
                        name,
                        "left alone in the commit journal: it has a record's name and is no file"
                    );
                }
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Makes durable what an earlier process made and did not live to synchronise, since requests for its records are about to
    /// leave, and records of this process go into its directories.
    fn anchor(&self) {
        for directory in self.directory.ancestors() {
            match self.disk.sync_directory(directory) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::debug!(directory = %directory.display(), %error, "not synchronised: others keep what is in it");
                }
                _ => {}
            }
        }
    }

    /// Removes an unfinished write, if it is old. One from the future stays: clocks differ.
    fn remove_abandoned(&self, name: &str, now: SystemTime) {
        let path = self.directory.join(name);
        let is_old = |modified| now.duration_since(modified).is_ok_and(|age| age > ABANDONED_AFTER);
        if self.disk.modified(&path).is_ok_and(is_old) {
            if let Err(error) = self.disk.remove(&path) {
                tracing::debug!(path = %path.display(), %error, "an unfinished record stays for now");
            }
        }
    }

    /// Reads what is under a name, and puts it in order: a record goes under its standard name, what is no record aside.
    pub(super) fn take(&self, name: &str, base_url: &str) -> Found {
        let path = self.directory.join(name);
        let text = match self.disk.read(&path, LARGEST_RECORD) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Found::Gone,
            Err(error) => {
                tracing::error!(
                    path = %path.display(),
                    %error,
                    "cannot read a record of known spend; it stays, and is tried again when a client starts"
                );
                return Found::Unreadable;
            }
        };
        let size = text.len();
        let filed = match reader::read(&text.into()) {
            Ok(filed) => filed,
            Err(invalid) => return self.quarantine(name, &invalid),
        };
        if !self.standardize(name, &filed.record.reservation_id) {
            return Found::Gone;
        }
        if filed.base_url == base_url { Found::Record(filed.record, size) } else { Found::Foreign }
    }

    /// Puts aside what is no record: never replayed, never removed.
    fn quarantine(&self, name: &str, invalid: &reader::Invalid) -> Found {
        let path = self.directory.join(name);
        let aside = self.directory.join(format!("{}.corrupt", name.strip_suffix(file_name::RECORD).unwrap_or(name)));
        if let Err(error) = self.disk.rename(&path, &aside) {
            tracing::error!(path = %path.display(), %invalid, %error, "left alone: this is no record, and cannot be put aside");
            return Found::Unreadable;
        }
        tracing::error!(
            path = %aside.display(),
            %invalid,
            "put aside what is no record of a settlement; its spend, if any, is in no ledger"
        );
        Found::Quarantined
    }

    /// Gives a record its standard name. Says whether it is to be replayed: a second copy of a record is not.
    fn standardize(&self, name: &str, reservation_id: &str) -> bool {
        let standard = file_name::standard(reservation_id);
        if name == standard {
            return true;
        }
        let (path, standard) = (self.directory.join(name), self.directory.join(standard));
        let taken = self.disk.read(&standard, LARGEST_RECORD);
        if taken.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            if let Err(error) = self.disk.rename(&path, &standard) {
                tracing::warn!(reservation_id, path = %path.display(), %error, "a record keeps its early name");
            }
            return true;
        }
        if taken.is_ok_and(|text| reader::is_record_of(text, reservation_id)) {
            if let Err(error) = self.disk.remove(&path) {
                tracing::warn!(reservation_id, path = %path.display(), %error, "a copy of a record stays");
            }
            return false;
        }
        tracing::warn!(
            reservation_id,
            path = %path.display(),
            "a record keeps its early name: what has its standard name is not its copy"
        );
        true
    }
}
