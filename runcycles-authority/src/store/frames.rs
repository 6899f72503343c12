//! Frames as they stand in files.

use std::io::{self, Read};

use super::StoreError;
use super::disk::Disk;
use super::files::StoreFile;
use super::frame::{Claim, FILE_HEAD, FORMAT, FRAME_HEAD, FileHead, FileKind, FrameHead, check_file_head};

/// Bytes asked of the operating system at a time.
const READ_AT_ONCE: usize = 1 << 18;

/// The frames of a file, one after another.
pub(super) struct Frames {
    input: io::BufReader<Box<dyn Read + Send>>,
    position: u64,
    payload: Vec<u8>,
}

/// What comes next in a file.
#[derive(Debug)]
pub(super) enum Next<'a> {
    Frame(FrameHead, &'a [u8]),
    /// The file ends after a frame.
    End,
    /// What stands here is not a frame.
    Broken(String),
}

impl Frames {
    /// Opens a file whose head is good.
    pub(super) fn open(disk: &dyn Disk, file: StoreFile) -> Result<Self, StoreError> {
        let name = file.name();
        let path = disk.path(&name);
        let failed = |source| StoreError::io("read", &path)(source);
        let input = disk.read(&name, 0).map_err(failed)?;
        let mut input = io::BufReader::with_capacity(READ_AT_ONCE, input);
        let mut head = Vec::with_capacity(FILE_HEAD);
        input.by_ref().take(FILE_HEAD as u64).read_to_end(&mut head).map_err(failed)?;
        let (kind, number) = match file {
            StoreFile::Log(number) => (FileKind::Log, number),
            StoreFile::Snapshot(number) => (FileKind::Snapshot, number),
        };
        match check_file_head(&head, kind, number) {
            FileHead::Good => Ok(Self { input, position: FILE_HEAD as u64, payload: Vec::new() }),
            FileHead::Version(found) => Err(StoreError::Format { file: path, found, expected: FORMAT }),
            FileHead::Bad(problem) => Err(StoreError::Damaged {
                file: path,
                at: 0,
                problem: problem.to_owned(),
                remedy: StoreError::FROM_BACKUP.to_owned(),
            }),
        }
    }

    /// Where the next frame begins.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Reads on. A broken frame is not passed over.
    pub(super) fn next(&mut self) -> io::Result<Next<'_>> {
        let mut head = [0; FRAME_HEAD];
        let found = read_up_to(&mut self.input, &mut head)?;
        match found {
            0 => return Ok(Next::End),
            FRAME_HEAD => {}
            _ => return Ok(Next::Broken(format!("expected a frame, found the first {found} bytes of one"))),
        }
        let claim = Claim::read(&head);
        self.payload.clear();
        // Grows with what is there, not with what a damaged length says.
        let found = self.input.by_ref().take(claim.length as u64).read_to_end(&mut self.payload)?;
        if found < claim.length {
            return Ok(Next::Broken(format!("expected a frame of {} bytes, found {found} of them", claim.length)));
        }
        if !claim.holds(&head, &self.payload) {
            return Ok(Next::Broken("the checksum of a frame does not match".to_owned()));
        }
        self.position += (FRAME_HEAD + claim.length) as u64;
        Ok(Next::Frame(claim.head, &self.payload))
    }
}

/// Fills a buffer as far as there is something to fill it with.
fn read_up_to(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Finds a whole frame with a number above `sequence` anywhere in bytes, and returns where it stands and what it says.
pub(super) fn find_frame(bytes: &[u8], sequence: u64) -> Option<(usize, FrameHead)> {
    // Every frame takes the room of a head at least, so more cannot lie between.
    let highest = sequence.saturating_add((bytes.len() / FRAME_HEAD) as u64 + 1);
    (0..bytes.len().saturating_sub(FRAME_HEAD - 1)).find_map(|at| {
        let head = bytes[at..].first_chunk::<FRAME_HEAD>()?;
        let claim = Claim::read(head);
        let plausible = claim.head.sequence > sequence && claim.head.sequence <= highest;
        let end = (at + FRAME_HEAD).saturating_add(claim.length);
        let payload = plausible.then(|| bytes.get(at + FRAME_HEAD..end)).flatten()?;
        claim.holds(head, payload).then_some((at, claim.head))
    })
}
