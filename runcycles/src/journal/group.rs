//! Records that are made durable together.

use std::sync::{Mutex, PoisonError};
use std::thread;

use super::desk::{Answer, give};
use super::error::JournalError;
use super::store::{Staged, Store};
use crate::planted::{Bug, planted};

/// How many files are synchronised at a time. File systems gather what waits for them into one operation on the disk, so that
/// a few dozen files take little longer than one.
const SYNCED_AT_A_TIME: usize = 8;

/// Records that are made durable together: their files at the same time, their names by one synchronisation of the directory.
#[derive(Default)]
pub(super) struct Group {
    writes: Vec<Write>,
}

struct Write {
    reservation_id: Box<str>,
    staged: Staged,
    synced: Result<(), JournalError>,
    answer: Answer,
}

impl Group {
    pub(super) fn add(&mut self, reservation_id: Box<str>, staged: Staged, answer: Answer) {
        self.writes.push(Write { reservation_id, staged, synced: Ok(()), answer });
    }

    pub(super) fn has(&self, reservation_id: &str) -> bool {
        self.writes.iter().any(|write| *write.reservation_id == *reservation_id)
    }

    /// Makes the records durable and gives the writers their results. The group is empty afterwards.
    pub(super) fn finish(&mut self, store: &Result<&Store, JournalError>) {
        if self.writes.is_empty() {
            return;
        }
        if !planted(Bug::FileNotSynced) {
            self.sync_files();
        }
        // A group that has members has a directory.
        let Ok(store) = store else { return };
        let mut published = Vec::with_capacity(self.writes.len());
        for Write { reservation_id, staged, synced, answer } in self.writes.drain(..) {
            let result = match synced {
                Ok(()) => store.publish(staged),
                Err(error) => {
                    store.discard(staged);
                    Err(error)
                }
            };
            match result {
                Ok(()) => published.push((reservation_id, answer)),
                Err(error) => give(answer, &reservation_id, Err(error)),
            }
        }
        if !published.is_empty() {
            let synced = store.sync();
            for (reservation_id, answer) in published {
                give(answer, &reservation_id, synced.clone());
            }
        }
    }

    fn sync_files(&mut self) {
        let threads = self.writes.len().min(SYNCED_AT_A_TIME);
        let waiting = Mutex::new(self.writes.iter_mut());
        let sync_some = || {
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some(write) = next() {
                write.synced = write.staged.sync();
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                // Where the system gives no thread, those there are do more.
                let _ = thread::Builder::new().spawn_scoped(scope, sync_some);
            }
            sync_some();
        });
    }
}
