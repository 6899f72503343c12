//! Opening a store: what its files come to.

use std::hash::RandomState;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use super::StoreError;
use super::decoder::Malformed;
use super::disk::{Disk, DiskFile};
use super::files::{NOTE, NOTE_TEXT, StoreFile, is_unfinished};
use super::log::{create_log, publish};
use super::reading::{Chunk, Found, Reading};
use super::rows::Entry;
use super::upkeep::Holdings;
use crate::state::{Restoration, State};

/// Chunks of rows that wait to be put in their tables, at most.
const CHUNKS_AHEAD: usize = 8;

/// What a store held, and where it goes on.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) state: State,
    pub(super) holdings: Holdings,
    /// The log to go on with, all of whose frames are synchronised.
    pub(super) log: Arc<dyn DiskFile>,
    pub(super) log_number: u64,
    /// The number of its last frame.
    pub(super) sequence: u64,
}

/// Reads a store, or makes one where there is none.
///
/// A log may end in a write that was cut off, by the end of the process or by a power cut. Such an end is removed: nothing
/// in it was ever answered. It is told from damage by the frames after it, which say what had been synchronised when they
/// were written. Nothing is changed where anything is damaged.
pub(super) fn recover(disk: &dyn Disk) -> Result<Recovered, StoreError> {
    let mut names = disk.names().map_err(StoreError::io("read", &disk.path("")))?;
    let has_note = names.iter().any(|name| name == NOTE);
    if !names.iter().any(|name| StoreFile::parse(name).is_some()) {
        let first = StoreFile::Log(1);
        if has_note {
            return Err(missing(disk, first, format!("{NOTE} says that a store was made here")));
        }
        create_log(disk, 1)?;
        names.push(first.name());
    }
    let files: Vec<StoreFile> = names.iter().filter_map(|name| StoreFile::parse(name)).collect();
    let snapshot = files.iter().filter(|file| matches!(file, StoreFile::Snapshot(_))).map(|file| file.number()).max();
    let logs = consecutive_logs(disk, &files, snapshot)?;

    let (rows, found) = read(disk, snapshot, &logs)?;
    let Found { sequence, time, snapshot_bytes, log_bytes, end, cut_off } = found;
    let file = disk.path(&StoreFile::Log(end.log).name());
    let state = rows.finish(time).map_err(|error| StoreError::Damaged {
        file: file.clone(),
        at: end.at,
        problem: format!("the rows up to here cannot be one state: {error}"),
        remedy: StoreError::FROM_BACKUP.to_owned(),
    })?;

    if let Some(problem) = cut_off {
        let file = file.display();
        tracing::warn!(%file, at = end.at, problem, "the last write was cut off and is removed; it was not answered");
    }
    let first_log = logs[0];
    tidy(disk, &names, first_log, end.log)?;
    if !has_note {
        publish(disk, NOTE, |file| file.write(NOTE_TEXT.as_bytes()))?;
    }
    for number in first_log..end.log {
        reopen(disk, number, None)?;
    }
    let log = reopen(disk, end.log, Some(end.at))?;
    let holdings = Holdings { snapshot, snapshot_bytes, first_log, log_bytes };
    Ok(Recovered { state, holdings, log, log_number: end.log, sequence })
}

/// The numbers of the logs that a snapshot does not have, one at least, if none of them is missing.
fn consecutive_logs(disk: &dyn Disk, files: &[StoreFile], snapshot: Option<u64>) -> Result<Vec<u64>, StoreError> {
    let first = snapshot.unwrap_or(1);
    let logs = files.iter().filter(|file| matches!(file, StoreFile::Log(_))).map(|file| file.number());
    let mut logs: Vec<u64> = logs.filter(|number| *number >= first).collect();
    logs.sort_unstable();
    let last = logs.last().copied();
    match (first..=last.unwrap_or(first)).find(|number| !logs.contains(number)) {
        None => Ok(logs),
        Some(number) => {
            let later = last.map(StoreFile::Log).or(snapshot.map(StoreFile::Snapshot));
            let because = later.map(|file| format!("{} is there and goes on from it", file.name())).unwrap_or_default();
            Err(missing(disk, StoreFile::Log(number), because))
        }
    }
}

/// Which rows a thread puts into their tables. Reservations take about two thirds of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// Reservations, those with even ids or those with odd ones.
    Reservations {
        odd: bool,
    },
    Others,
}

impl Share {
    fn of(entry: &Entry<'_>) -> Self {
        match entry.reservation_id() {
            Some(id) => Self::Reservations { odd: id.last().is_some_and(|last| last % 2 == 1) },
            None => Self::Others,
        }
    }
}

/// Reads all files, on several threads.
fn read(disk: &dyn Disk, snapshot: Option<u64>, logs: &[u64]) -> Result<(Restoration, Found), StoreError> {
    let shares = [Share::Reservations { odd: false }, Share::Reservations { odd: true }, Share::Others];
    let mut takers = Vec::new();
    let given = shares.map(|share| {
        let (taker, chunks) = sync_channel(CHUNKS_AHEAD);
        takers.push(taker);
        (share, chunks)
    });
    let (found, shares) = thread::scope(|scope| {
        let reader = scope.spawn(|| Reading::new(disk, takers).read(snapshot, logs));
        let keys = RandomState::new();
        let restore = |(share, chunks)| {
            let rows = Restoration::new(keys.clone());
            scope.spawn(move || restore(disk, rows, share, chunks))
        };
        let restored = given.map(restore);
        (join(reader), restored.map(join))
    });
    // What the reader finds comes first: rows of a file that is damaged mean nothing.
    let found = found?;
    let [even, odd, others] = shares;
    Ok((even?.and(odd?).and(others?), found))
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// Puts a share of the rows into their tables.
fn restore(
    disk: &dyn Disk,
    mut rows: Restoration,
    share: Share,
    chunks: Receiver<Arc<Chunk>>,
) -> Result<Restoration, StoreError> {
    for chunk in chunks {
        let malformed = |error: Malformed| StoreError::Damaged {
            file: disk.path(&chunk.file.name()),
            at: chunk.at,
            problem: format!("a row from here on is malformed: {error}"),
            remedy: StoreError::FROM_BACKUP.to_owned(),
        };
        let mut batch = &chunk.rows[..];
        while let Some(entry) = Entry::take(&mut batch).map_err(malformed)? {
            if Share::of(&entry) == share {
                rows.put(entry.read().map_err(malformed)?);
            }
        }
    }
    rows.sort();
    Ok(rows)
}

/// Removes what a crash left over: files that are not complete, files that a snapshot replaces, logs after the end.
fn tidy(disk: &dyn Disk, names: &[String], first_log: u64, last_log: u64) -> Result<(), StoreError> {
    let is_left_over = |name: &&String| match StoreFile::parse(name) {
        Some(StoreFile::Log(number)) => !(first_log..=last_log).contains(&number),
        Some(StoreFile::Snapshot(number)) => number < first_log,
        None => is_unfinished(name),
    };
    for name in names.iter().filter(is_left_over) {
        disk.remove(name).map_err(StoreError::io("remove", &disk.path(name)))?;
    }
    disk.sync_names().map_err(StoreError::io("synchronise", &disk.path("")))
}

/// Opens a log to write on, cut to a length where one is given, and synchronises what is in it.
fn reopen(disk: &dyn Disk, number: u64, length: Option<u64>) -> Result<Arc<dyn DiskFile>, StoreError> {
    let name = StoreFile::Log(number).name();
    let path = disk.path(&name);
    let log = disk.append(&name, length).map_err(StoreError::io("open", &path))?;
    log.sync().map_err(StoreError::io("synchronise", &path))?;
    Ok(log)
}

fn missing(disk: &dyn Disk, file: StoreFile, because: String) -> StoreError {
    StoreError::Missing { file: disk.path(&file.name()), because }
}
