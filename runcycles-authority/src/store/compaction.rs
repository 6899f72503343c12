//! Replacing logs by a snapshot.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::ops::{ControlFlow, RangeInclusive};

use super::StoreError;
use super::disk::{Disk, DiskFile};
use super::files::{StoreFile, unfinished};
use super::frame::{FILE_HEAD, FRAME_HEAD, FileKind, FrameHead, file_head, seal};
use super::frames::{Frames, Next};
use super::rows::Entry;
use crate::clock::Millis;

/// Bytes of a snapshot's frame.
const FRAME_BYTES: usize = 1 << 18;

/// Copies the rows of a snapshot and of the logs after it into a new snapshot, each as the last entry about it says, and
/// removes the files it replaces. Returns the bytes of the new one.
///
/// Reads files that are not written any more and knows nothing of the state, so that requests go on meanwhile. Rows are not
/// decoded. Calls `proceed` between frames, and stops where that says so; nothing has happened then.
pub(super) fn compact(
    disk: &dyn Disk,
    snapshot: Option<u64>,
    logs: RangeInclusive<u64>,
    proceed: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<ControlFlow<(), u64>, StoreError> {
    let mut latest = Latest::default();
    let mut end = FrameHead { sequence: 0, synced: 0, time: 0 };
    for number in logs.clone() {
        let scanned = scan(disk, StoreFile::Log(number), proceed, &mut |head, entry| {
            end = head;
            if let Some(entry) = entry {
                latest.note(&entry);
            }
            Ok(())
        })?;
        if scanned.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    let number = logs.end() + 1;
    let name = StoreFile::Snapshot(number).name();
    let mut output = Output::create(disk, &name, number)?;
    if let Some(old) = snapshot {
        let scanned = scan(disk, StoreFile::Snapshot(old), proceed, &mut |head, entry| {
            // Where the logs had no frame, they end where the old snapshot does.
            end.sequence = end.sequence.max(head.synced);
            end.time = end.time.max(head.time);
            match entry {
                Some(entry) if !latest.has(&entry) => output.copy(&entry, end.time),
                _ => Ok(()),
            }
        })?;
        if scanned.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    latest.again();
    for number in logs.clone() {
        let scanned = scan(disk, StoreFile::Log(number), proceed, &mut |_, entry| match entry {
            Some(entry) if latest.is_it(&entry) && !entry.is_gone() => output.copy(&entry, end.time),
            _ => Ok(()),
        })?;
        if scanned.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    let bytes = output.finish(end)?;
    let replaced = snapshot.map(StoreFile::Snapshot).into_iter().chain(logs.map(StoreFile::Log));
    for file in replaced {
        // What stays here is removed when the store is opened.
        if let Err(error) = disk.remove(&file.name()) {
            tracing::warn!(%error, file = file.name(), "a file that a snapshot replaces could not be removed");
        }
    }
    Ok(ControlFlow::Continue(bytes))
}

/// Takes an entry and the head of its frame; no entry once those of the frame are through.
type Visit<'a> = dyn FnMut(FrameHead, Option<Entry<'_>>) -> Result<(), StoreError> + 'a;

/// Visits every frame of a file and every entry in it.
fn scan(
    disk: &dyn Disk,
    file: StoreFile,
    proceed: &mut dyn FnMut() -> ControlFlow<()>,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, StoreError> {
    let path = disk.path(&file.name());
    let damaged = |at: u64, problem: String| StoreError::Damaged {
        file: path.clone(),
        at,
        problem,
        remedy: StoreError::FROM_BACKUP.to_owned(),
    };
    let mut frames = Frames::open(disk, file)?;
    loop {
        let at = frames.position();
        match frames.next().map_err(|error| StoreError::io("read", &path)(error))? {
            Next::Frame(head, mut batch) => {
                while let Some(entry) = Entry::take(&mut batch).map_err(|error| damaged(at, error.to_string()))? {
                    visit(head, Some(entry))?;
                }
                visit(head, None)?;
            }
            Next::End => return Ok(ControlFlow::Continue(())),
            Next::Broken(problem) => return Err(damaged(at, problem)),
        }
        if proceed().is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

/// Which entry about each row is the last one.
#[derive(Debug, Default)]
struct Latest {
    /// By 128 bits of a keyed hash of the row's name, which no two rows share in practice.
    entries: HashMap<u128, u64>,
    keys: (RandomState, RandomState),
    /// The number of the entry at hand.
    entry: u64,
}

impl Latest {
    fn note(&mut self, entry: &Entry<'_>) {
        let hash = self.hash(entry);
        self.entry += 1;
        self.entries.insert(hash, self.entry);
    }

    fn has(&self, entry: &Entry<'_>) -> bool {
        self.entries.contains_key(&self.hash(entry))
    }

    /// Goes through the entries once more, in the same order.
    fn again(&mut self) {
        self.entry = 0;
    }

    fn is_it(&mut self, entry: &Entry<'_>) -> bool {
        self.entry += 1;
        self.entries.get(&self.hash(entry)) == Some(&self.entry)
    }

    fn hash(&self, entry: &Entry<'_>) -> u128 {
        let (high, low) = (self.keys.0.hash_one(entry.name), self.keys.1.hash_one(entry.name));
        (u128::from(high) << 64) | u128::from(low)
    }
}

/// A snapshot that is being written. It has its name once it is complete.
struct Output<'a> {
    disk: &'a dyn Disk,
    name: &'a str,
    file: std::sync::Arc<dyn DiskFile>,
    frame: Vec<u8>,
    sequence: u64,
    bytes: u64,
}

impl<'a> Output<'a> {
    fn create(disk: &'a dyn Disk, name: &'a str, number: u64) -> Result<Self, StoreError> {
        let make = || {
            let file = disk.create(&unfinished(name))?;
            file.write(&file_head(FileKind::Snapshot, number))?;
            Ok(file)
        };
        let file = make().map_err(StoreError::io("make", &disk.path(name)))?;
        let frame = vec![0; FRAME_HEAD];
        Ok(Self { disk, name, file, frame, sequence: 0, bytes: FILE_HEAD as u64 })
    }

    fn copy(&mut self, entry: &Entry<'_>, time: Millis) -> Result<(), StoreError> {
        self.frame.extend_from_slice(entry.bytes);
        if self.frame.len() < FRAME_BYTES {
            return Ok(());
        }
        self.write_frame(0, time)
    }

    fn write_frame(&mut self, synced: u64, time: Millis) -> Result<(), StoreError> {
        self.sequence += 1;
        seal(&mut self.frame, FrameHead { sequence: self.sequence, synced, time });
        self.file.write(&self.frame).map_err(StoreError::io("write", &self.disk.path(self.name)))?;
        self.bytes += self.frame.len() as u64;
        self.frame.truncate(FRAME_HEAD);
        Ok(())
    }

    /// Ends with an empty frame, whose `synced` is the last frame of the logs that the snapshot has.
    fn finish(mut self, end: FrameHead) -> Result<u64, StoreError> {
        if self.frame.len() > FRAME_HEAD {
            self.write_frame(0, end.time)?;
        }
        self.write_frame(end.sequence, end.time)?;
        let publish = || {
            self.file.sync()?;
            self.disk.rename(&unfinished(self.name), self.name)?;
            self.disk.sync_names()
        };
        publish().map_err(StoreError::io("make", &self.disk.path(self.name)))?;
        Ok(self.bytes)
    }
}
