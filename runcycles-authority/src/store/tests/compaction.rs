//! Logs replaced by snapshots.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex};

use super::Random;
use super::session::Session;
use super::simulated::SimulatedDisk;
use crate::clock::ManualClock;
use crate::store::Durability;

const COMPACT_AT: u64 = 4_000;

fn act_and_wait(session: &mut Session, random: &mut Random, times: usize) {
    for _ in 0..times {
        session.act(random);
        session.wait().expect("a disk that works");
    }
}

/// Acts until the logs are replaced by a snapshot, and returns its name and length.
pub(super) fn replace_logs(session: &mut Session, disk: &SimulatedDisk, random: &mut Random) -> (String, usize) {
    let before = disk.files();
    let log = disk.last_log();
    while disk.last_log() == log {
        act_and_wait(session, random, 1);
    }
    // Every command sees to what is due, and the other thread does it.
    loop {
        session.fund();
        session.wait().expect("a disk that works");
        let files = disk.files();
        let (name, bytes) = files.iter().rfind(|(name, _)| name.ends_with(".snapshot")).unzip();
        // The log, the snapshot and the note.
        if let (Some(name), Some(bytes)) = (name, bytes)
            && files.len() == 3
            && !before.contains_key(name)
        {
            return (name.clone(), bytes.len());
        }
    }
}

#[test]
fn a_snapshot_and_the_logs_after_it_come_to_the_state() {
    let random = &mut Random::new(7);
    let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
    let disk = SimulatedDisk::new();
    let mut snapshots = BTreeSet::new();
    for _ in 0..4 {
        let mut session = Session::open(&disk, Durability::ProcessCrash, COMPACT_AT, &clock).expect("a good store");
        let (snapshot, _) = replace_logs(&mut session, &disk, random);
        assert!(snapshots.insert(snapshot.clone()), "{snapshot} was there before");
        act_and_wait(&mut session, random, 5);
        let digest = session.digest();
        drop(session);
        let session = Session::open(&disk, Durability::ProcessCrash, COMPACT_AT, &clock).expect("a good store");
        assert_eq!(session.digest(), digest);
    }
}

#[test]
fn rows_that_are_forgotten_leave_the_disk() {
    let random = &mut Random::new(11);
    let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
    let disk = SimulatedDisk::new();
    let mut session = Session::open(&disk, Durability::ProcessCrash, COMPACT_AT, &clock).expect("a good store");
    act_and_wait(&mut session, random, 100);
    let full = replace_logs(&mut session, &disk, random).1;

    // Every reservation ends, and its time passes. Commands remove a few rows each.
    for _ in 0..2 {
        clock.advance(std::time::Duration::from_secs(31 * 24 * 3_600));
        for _ in 0..40 {
            session.fund();
        }
        session.wait().expect("a disk that works");
    }
    let sparse = replace_logs(&mut session, &disk, random).1;
    assert!(sparse * 2 < full, "{full} bytes became {sparse}");
}

/// Lets nobody write a snapshot before it is opened.
#[derive(Debug, Default)]
pub(super) struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(super) fn open(&self) {
        *self.is_open.lock().expect("a gate") = true;
        self.opened.notify_all();
    }

    pub(super) fn pass(&self) {
        let closed = self.opened.wait_while(self.is_open.lock().expect("a gate"), |is_open| !*is_open);
        drop(closed.expect("a gate"));
    }
}

#[test]
fn requests_go_on_while_logs_are_replaced() {
    let random = &mut Random::new(3);
    let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
    let disk = SimulatedDisk::new();
    let gate = Arc::new(Gate::default());
    disk.hold_snapshots_at(gate.clone());
    let mut session = Session::open(&disk, Durability::PowerLoss, COMPACT_AT, &clock).expect("a good store");
    act_and_wait(&mut session, random, 200);
    assert_eq!(disk.last_log().as_deref(), Some("0000000002.log"));
    assert!(disk.files().keys().all(|name| !name.ends_with(".snapshot")));
    let digest = session.digest();
    gate.open();
    drop(session);
    let session = Session::open(&disk, Durability::PowerLoss, COMPACT_AT, &clock).expect("a good store");
    assert_eq!(session.digest(), digest);
}
