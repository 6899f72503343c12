//! Frames: how batches stand in a file.
//!
//! A file begins with a head, and goes on with frames:
//!
//! | bytes | head |
//! |---|---|
//! | 8 | what kind of file it is |
//! | 4 | the format's version |
//! | 8 | the file's number |
//! | 4 | the CRC-32 of the head before it |
//!
//! | bytes | frame |
//! |---|---|
//! | 4 | the CRC-32 of everything in the frame after it |
//! | 4 | the payload's length |
//! | 8 | the frame's number; the next frame has the next one |
//! | 8 | the last frame that was known to be synchronised when this one was written |
//! | 8 | the time that the state had reached |
//! | | the payload: a batch of rows |
//!
//! Numbers stand lowest byte first.

use crate::clock::Millis;

/// The version of the format that this code writes, and the latest that it reads.
pub(super) const FORMAT: u32 = 1;

pub(super) const FILE_HEAD: usize = 24;
pub(super) const FRAME_HEAD: usize = 32;

/// The kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Log,
    Snapshot,
}

impl FileKind {
    fn magic(self) -> [u8; 8] {
        match self {
            Self::Log => *b"cycles/L",
            Self::Snapshot => *b"cycles/S",
        }
    }
}

/// What the head of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileHead {
    Good,
    /// It is of another version.
    Version(u32),
    /// It is not the head of such a file.
    Bad(&'static str),
}

/// The head of a file.
pub(super) fn file_head(kind: FileKind, number: u64) -> [u8; FILE_HEAD] {
    let mut head = [0; FILE_HEAD];
    head[..8].copy_from_slice(&kind.magic());
    head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    head[12..20].copy_from_slice(&number.to_le_bytes());
    let checksum = crc32fast::hash(&head[..20]);
    head[20..].copy_from_slice(&checksum.to_le_bytes());
    head
}

/// Compares the head of a file with what its name says.
pub(super) fn check_file_head(head: &[u8], kind: FileKind, number: u64) -> FileHead {
    let expected = file_head(kind, number);
    if head == expected {
        return FileHead::Good;
    }
    let Some(head) = head.first_chunk::<FILE_HEAD>() else { return FileHead::Bad("the file ends within its head") };
    if head[..8] != expected[..8] {
        return FileHead::Bad("it does not begin as such a file does");
    }
    if crc32fast::hash(&head[..20]).to_le_bytes() != head[20..] {
        return FileHead::Bad("the checksum of its head does not match");
    }
    match u32::from_le_bytes([head[8], head[9], head[10], head[11]]) {
        FORMAT => FileHead::Bad("its head has another number than its name"),
        other => FileHead::Version(other),
    }
}

/// What stands before a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    pub(super) sequence: u64,
    pub(super) synced: u64,
    pub(super) time: Millis,
}

/// Makes a frame of a buffer that has the payload after [`FRAME_HEAD`] bytes of room.
pub(super) fn seal(buffer: &mut [u8], head: FrameHead) {
    let length = u32::try_from(buffer.len() - FRAME_HEAD).unwrap_or(u32::MAX);
    buffer[4..8].copy_from_slice(&length.to_le_bytes());
    buffer[8..16].copy_from_slice(&head.sequence.to_le_bytes());
    buffer[16..24].copy_from_slice(&head.synced.to_le_bytes());
    buffer[24..FRAME_HEAD].copy_from_slice(&head.time.to_le_bytes());
    let checksum = crc32fast::hash(&buffer[4..]);
    buffer[..4].copy_from_slice(&checksum.to_le_bytes());
}

/// A frame's head before the frame is checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    checksum: u32,
    pub(super) length: usize,
    pub(super) head: FrameHead,
}

impl Claim {
    pub(super) fn read(bytes: &[u8; FRAME_HEAD]) -> Self {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(number)
        };
        let short = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self {
            checksum: short(0),
            length: usize::try_from(short(4)).unwrap_or(usize::MAX),
            head: FrameHead { sequence: number(8), synced: number(16), time: number(24) },
        }
    }

    /// Whether the bytes of the head and the payload are those that were sealed.
    pub(super) fn holds(&self, head: &[u8; FRAME_HEAD], payload: &[u8]) -> bool {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&head[4..]);
        hasher.update(payload);
        hasher.finalize() == self.checksum
    }
}
