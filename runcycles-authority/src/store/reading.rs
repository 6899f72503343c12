//! Reading a store's files from the first to the last.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::StoreError;
use super::disk::Disk;
use super::files::StoreFile;
use super::frame::{FILE_HEAD, FrameHead};
use super::frames::{Frames, Next, find_frame};
use crate::clock::Millis;

/// Bytes of rows that are handed over together.
const CHUNK_BYTES: usize = 1 << 18;

/// Rows as they stand in a file.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) file: StoreFile,
    /// Where the first of them stands.
    pub(super) at: u64,
    pub(super) rows: Vec<u8>,
}

/// What the files come to, beside their rows.
#[derive(Debug)]
pub(super) struct Found {
    /// The last frame.
    pub(super) sequence: u64,
    pub(super) time: Millis,
    pub(super) snapshot_bytes: u64,
    pub(super) log_bytes: u64,
    /// Where the frames end.
    pub(super) end: End,
    /// What is wrong with what follows them, where something does.
    pub(super) cut_off: Option<String>,
}

/// A place in a log.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) log: u64,
    pub(super) at: u64,
}

/// Files as they are read, one after another.
pub(super) struct Reading<'a> {
    disk: &'a dyn Disk,
    takers: Vec<SyncSender<Arc<Chunk>>>,
    chunk: Chunk,
    sequence: u64,
    time: Millis,
}

impl<'a> Reading<'a> {
    /// Hands rows over as they are read, all of them to each of the takers.
    pub(super) fn new(disk: &'a dyn Disk, takers: Vec<SyncSender<Arc<Chunk>>>) -> Self {
        let chunk = Chunk { file: StoreFile::Log(1), at: 0, rows: Vec::new() };
        Self { disk, takers, chunk, sequence: 0, time: 0 }
    }

    /// Reads a snapshot and the logs after it.
    pub(super) fn read(mut self, snapshot: Option<u64>, logs: &[u64]) -> Result<Found, StoreError> {
        let snapshot_bytes = snapshot.map_or(Ok(0), |number| self.read_snapshot(number))?;
        let mut log_bytes = 0;
        let mut end = End { log: 0, at: 0 };
        let mut cut_off = None;
        for number in logs {
            let (at, problem) = self.read_log(*number)?;
            log_bytes += at;
            end = End { log: *number, at };
            if let Some(problem) = problem {
                self.check_cut_off(end, logs, &problem)?;
                cut_off = Some(problem);
                break;
            }
        }
        self.hand_over();
        Ok(Found { sequence: self.sequence, time: self.time, snapshot_bytes, log_bytes, end, cut_off })
    }

    /// Reads a snapshot, which is whole or damaged, and returns its length.
    fn read_snapshot(&mut self, number: u64) -> Result<u64, StoreError> {
        let file = StoreFile::Snapshot(number);
        let mut frames = Frames::open(self.disk, file)?;
        let mut read = 0;
        loop {
            let at = frames.position();
            let broken = match frames.next().map_err(|error| self.cannot_read(file, error))? {
                Next::Frame(head, _) if head.sequence != read + 1 => wrong_number(head.sequence, read + 1),
                Next::Frame(head, []) => {
                    self.sequence = head.synced;
                    self.time = head.time;
                    break;
                }
                Next::Frame(_, batch) => {
                    self.take_rows(file, at, batch);
                    read += 1;
                    continue;
                }
                Next::End => "the file ends before its last frame".to_owned(),
                Next::Broken(problem) => problem,
            };
            return Err(self.damaged(file, at, broken));
        }
        let end = frames.position();
        match frames.next().map_err(|error| self.cannot_read(file, error))? {
            Next::End => Ok(end),
            _ => Err(self.damaged(file, end, "the file goes on after its last frame".to_owned())),
        }
    }

    /// Reads a log as far as its frames follow one another. Returns where that ends, and what is wrong with what follows.
    fn read_log(&mut self, number: u64) -> Result<(u64, Option<String>), StoreError> {
        let file = StoreFile::Log(number);
        let mut frames = Frames::open(self.disk, file)?;
        loop {
            let at = frames.position();
            match frames.next().map_err(|error| self.cannot_read(file, error))? {
                Next::Frame(head, batch) if head.sequence == self.sequence + 1 => {
                    self.take_rows(file, at, batch);
                    self.sequence = head.sequence;
                    self.time = self.time.max(head.time);
                }
                Next::Frame(head, _) => return Ok((at, Some(wrong_number(head.sequence, self.sequence + 1)))),
                Next::End => return Ok((at, None)),
                Next::Broken(problem) => return Ok((at, Some(problem))),
            }
        }
    }

    fn take_rows(&mut self, file: StoreFile, at: u64, batch: &[u8]) {
        if self.chunk.rows.is_empty() {
            self.chunk = Chunk { file, at, rows: Vec::with_capacity(CHUNK_BYTES + batch.len()) };
        }
        self.chunk.rows.extend_from_slice(batch);
        if self.chunk.rows.len() >= CHUNK_BYTES {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let next = Chunk { file: self.chunk.file, at: self.chunk.at, rows: Vec::new() };
        let chunk = Arc::new(std::mem::replace(&mut self.chunk, next));
        for taker in &self.takers {
            // One that is gone has found something wrong, and says so.
            let _ = taker.send(chunk.clone());
        }
    }

    /// Tells a write that was cut off from damage: of the frames after it, none was written when it was known to be
    /// synchronised.
    fn check_cut_off(&self, end: End, logs: &[u64], problem: &str) -> Result<(), StoreError> {
        let expected = self.sequence + 1;
        for later in logs.iter().filter(|later| **later >= end.log) {
            let file = StoreFile::Log(*later);
            let from = if *later == end.log { end.at } else { FILE_HEAD as u64 };
            let mut bytes = Vec::new();
            let read = self.disk.read(&file.name(), from).and_then(|mut input| input.read_to_end(&mut bytes));
            read.map_err(|error| self.cannot_read(file, error))?;
            let mut rest = 0;
            while let Some((found, FrameHead { sequence, synced, .. })) = find_frame(&bytes[rest..], self.sequence) {
                if synced >= expected {
                    let name = file.name();
                    let problem =
                        format!("{problem}, and frame {sequence} in {name}, which was written later, is whole");
                    return Err(self.damaged(StoreFile::Log(end.log), end.at, problem));
                }
                rest += found + 1;
            }
        }
        Ok(())
    }

    fn cannot_read(&self, file: StoreFile, error: std::io::Error) -> StoreError {
        StoreError::io("read", &self.disk.path(&file.name()))(error)
    }

    fn damaged(&self, file: StoreFile, at: u64, problem: String) -> StoreError {
        let remedy = match file {
            StoreFile::Snapshot(_) => StoreError::FROM_BACKUP.to_owned(),
            StoreFile::Log(_) => format!(
                "{}; or, to give up everything from that point on, cut the file to {at} bytes and delete the logs with higher numbers",
                StoreError::FROM_BACKUP
            ),
        };
        StoreError::Damaged { file: self.disk.path(&file.name()), at, problem, remedy }
    }
}

fn wrong_number(found: u64, expected: u64) -> String {
    format!("expected frame {expected}, found frame {found}")
}
