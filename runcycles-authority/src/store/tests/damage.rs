//! Files that are not as they were written.

use std::collections::BTreeMap;

use super::Random;
use super::compaction::replace_logs;
use super::session::{Digest, Session};
use super::simulated::SimulatedDisk;
use crate::clock::ManualClock;
use crate::store::files::{NOTE, StoreFile};
use crate::store::frame::{Claim, FILE_HEAD, FRAME_HEAD, seal};
use crate::store::{Durability, StoreError};

const COMPACT_AT: u64 = 8_000;

/// A store that was in use and closed, with a snapshot and a log, and the state after each command.
fn used_store() -> (BTreeMap<String, Vec<u8>>, Vec<Digest>, ManualClock) {
    let random = &mut Random::new(23);
    let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
    let disk = SimulatedDisk::new();
    let mut session = Session::open(&disk, Durability::PowerLoss, COMPACT_AT, &clock).expect("a good store");
    replace_logs(&mut session, &disk, random);
    // More than a few frames, and too little to be replaced again.
    while log(&disk.files()).1.len() < 1_500 {
        session.act(random);
        session.wait().expect("a disk that works");
    }
    let digests = std::mem::take(&mut session.digests);
    drop(session);
    (disk.files(), digests, clock)
}

fn file(files: &BTreeMap<String, Vec<u8>>, wanted: fn(&StoreFile) -> bool) -> (String, Vec<u8>) {
    let found = files.iter().rfind(|(name, _)| StoreFile::parse(name).as_ref().is_some_and(wanted));
    let (name, bytes) = found.expect("such a file");
    (name.clone(), bytes.clone())
}

fn log(files: &BTreeMap<String, Vec<u8>>) -> (String, Vec<u8>) {
    file(files, |file| matches!(file, StoreFile::Log(_)))
}

fn snapshot(files: &BTreeMap<String, Vec<u8>>) -> (String, Vec<u8>) {
    file(files, |file| matches!(file, StoreFile::Snapshot(_)))
}

fn open(files: &BTreeMap<String, Vec<u8>>, clock: &ManualClock) -> Result<Digest, StoreError> {
    let disk = SimulatedDisk::with(files.clone());
    let session = Session::open(&disk, Durability::PowerLoss, COMPACT_AT, clock)?;
    Ok(session.digests[0])
}

fn with(files: &BTreeMap<String, Vec<u8>>, name: &str, bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut files = files.clone();
    files.insert(name.to_owned(), bytes);
    files
}

/// The places in a file that are tried: all of them near its ends, some between.
fn places(length: usize) -> impl Iterator<Item = usize> {
    (0..length).filter(move |at| *at < 80 || length - at < 80 || at % 37 == 0)
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let (files, digests, clock) = used_store();
    let last = digests.last().expect("a state");
    for (name, bytes) in [log(&files), snapshot(&files)] {
        let is_log = name.ends_with("log");
        for at in places(bytes.len()) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            match open(&with(&files, &name, flipped), &clock) {
                Err(StoreError::Damaged { file, .. } | StoreError::Format { file, .. }) => {
                    assert!(file.ends_with(&name), "{at} of {name}: {}", file.display());
                }
                Err(other) => panic!("{at} of {name}: {other}"),
                // The empty frame that closes a log holds nothing.
                Ok(found) => {
                    let is_end = is_log && bytes.len() - at <= FRAME_HEAD;
                    assert!(is_end && found == *last, "{at} of {name} was read");
                }
            }
        }
    }
}

#[test]
fn a_log_that_ends_early_is_read_up_to_a_moment() {
    let (files, digests, clock) = used_store();
    let (name, bytes) = log(&files);
    let mut moments = Vec::new();
    for length in places(bytes.len()) {
        match open(&with(&files, &name, bytes[..length].to_vec()), &clock) {
            Ok(found) => {
                let moment = digests.iter().position(|digest| *digest == found);
                moments.push(moment.unwrap_or_else(|| panic!("a log of {length} bytes was read as parts")));
            }
            Err(StoreError::Damaged { at: 0, .. }) if length < 24 => {}
            Err(error) => panic!("a log of {length} bytes: {error}"),
        }
    }
    assert!(moments.is_sorted(), "{moments:?}");
}

#[test]
fn a_snapshot_that_ends_early_is_refused() {
    let (files, _, clock) = used_store();
    let (name, bytes) = snapshot(&files);
    for length in places(bytes.len()) {
        let opened = open(&with(&files, &name, bytes[..length].to_vec()), &clock);
        assert!(matches!(opened, Err(StoreError::Damaged { .. })), "a snapshot of {length} bytes was read");
    }
}

#[test]
fn what_a_write_that_was_cut_off_left_is_removed() {
    let (files, digests, clock) = used_store();
    let (name, bytes) = log(&files);
    let last = digests.last().expect("a state");
    for rest in [&[0; 700][..], &[0xff; 33], &bytes[24..24 + 40], b"x"] {
        let found = open(&with(&files, &name, [&*bytes, rest].concat()), &clock);
        assert_eq!(found.ok().as_ref(), Some(last), "{} bytes", rest.len());
    }
}

#[test]
fn rows_that_cannot_be_are_refused_or_read_and_nothing_panics() {
    let (files, _, clock) = used_store();
    let random = &mut Random::new(41);
    let mut refused = 0;
    for _ in 0..400 {
        let (name, bytes) = if random.below(2) == 0 { log(&files) } else { snapshot(&files) };
        let changed = with(&files, &name, with_changed_rows(bytes, random));
        let disk = SimulatedDisk::with(changed);
        match Session::open(&disk, Durability::PowerLoss, COMPACT_AT, &clock) {
            Ok(mut session) => (0..10).for_each(|_| session.act(random)),
            Err(StoreError::Damaged { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 100, "{refused} were refused");
}

/// Changes rows in a frame, whose checksum says that this is how they were written.
fn with_changed_rows(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut at = FILE_HEAD;
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<FRAME_HEAD>()) {
        let Claim { length, head, .. } = Claim::read(head);
        frames.push((at, length, head));
        at += FRAME_HEAD + length;
    }
    let filled: Vec<_> = frames.into_iter().filter(|(_, length, _)| *length > 0).collect();
    let (at, length, head) = *random.pick(&filled).expect("a frame with rows");
    for _ in 0..=random.below(3) {
        let place = at + FRAME_HEAD + random.below(length);
        bytes[place] = *random.pick(&[0, 1, 0x7f, 0xf8, 0xff, bytes[place] ^ 1]).expect("a byte");
    }
    seal(&mut bytes[at..at + FRAME_HEAD + length], head);
    bytes
}

#[test]
fn a_file_that_is_missing_is_named() {
    let (files, _, clock) = used_store();
    for (name, _) in [log(&files), snapshot(&files)] {
        let mut fewer = files.clone();
        fewer.remove(&name);
        let error = open(&fewer, &clock).expect_err("a file is missing");
        assert!(matches!(error, StoreError::Missing { .. }), "without {name}: {error}");
    }
    let note_alone = files.into_iter().filter(|(name, _)| name == NOTE).collect();
    let error = open(&note_alone, &clock).expect_err("all files are missing");
    assert_eq!(
        error.to_string(),
        "/simulated/0000000001.log is missing: README says that a store was made here; restore the directory from a backup"
    );
}

#[test]
fn damage_is_reported_with_its_place_and_what_to_do() {
    let (files, _, clock) = used_store();
    let (name, mut bytes) = log(&files);
    bytes[24 + 3] ^= 0x40;
    let error = open(&with(&files, &name, bytes), &clock).expect_err("a damaged log").to_string();
    assert!(
        error.starts_with(&format!("/simulated/{name} is damaged at byte 24: the checksum of a frame does not match"))
    );
    assert!(error.contains(
        "restore the directory from a backup; or, to give up everything from that point on, cut the file to 24 bytes"
    ));
}

#[test]
fn a_later_format_is_refused_with_its_number() {
    let (files, _, clock) = used_store();
    let (name, mut bytes) = log(&files);
    bytes[8..12].copy_from_slice(&9_u32.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..20]);
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    let error = open(&with(&files, &name, bytes), &clock).expect_err("a later format").to_string();
    assert!(error.contains("has format 9, expected 1: open it with the version of runcycles-authority that wrote it"));
}
