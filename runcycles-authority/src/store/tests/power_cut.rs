//! Kills and power cuts at every step.

use super::Random;
use super::session::Session;
use super::simulated::SimulatedDisk;
use crate::clock::ManualClock;
use crate::store::{Durability, StoreError};

/// Logs are replaced by snapshots all the time.
const COMPACT_AT: u64 = 6_000;

/// How a run of the store ends, and what the next one finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Kill,
    PowerCut,
}

/// What became of the commands of many runs.
#[derive(Debug, Default)]
struct Tally {
    endings: usize,
    /// Endings that left a snapshot.
    snapshots: usize,
    kept: usize,
    lost: usize,
    mixed: usize,
    unreadable: usize,
}

/// Uses a store until the power goes, several times over on the same disk, and looks at what is found each time.
fn run(seed: u64, durability: Durability, ending: Ending, forgets_to_sync: bool, tally: &mut Tally) {
    let random = &mut Random::new(seed);
    let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
    let mut disk = SimulatedDisk::new();
    let mut before: Option<Session> = None;
    for _ in 0..4 {
        if forgets_to_sync {
            disk.forget_to_sync();
        }
        disk.cut_after(1 + random.below(160) as u64, random);
        let opened = Session::open(&disk, durability, COMPACT_AT, &clock);
        if opened.as_ref().is_err_and(|error| !matches!(error, StoreError::Io { .. })) {
            tally.unreadable += 1;
        }
        let session = opened.ok().map(|mut session| {
            if let Some(before) = before.take() {
                check(&session.digests[0], &before, durability, ending, tally);
            }
            while session.digests.len() < 120 {
                for _ in 0..=random.below(4) {
                    session.act(random);
                }
                if session.wait().is_err() {
                    break;
                }
            }
            session
        });
        tally.endings += 1;
        disk = match ending {
            Ending::Kill => disk.after_kill(),
            Ending::PowerCut => disk.after_power_cut(random),
        };
        tally.snapshots += usize::from(disk.files().keys().any(|name| name.ends_with(".snapshot")));
        before = session.or(before);
    }
    if let Some(before) = before {
        match Session::open(&disk, durability, COMPACT_AT, &clock) {
            Ok(session) => check(&session.digests[0], &before, durability, ending, tally),
            Err(_) => tally.unreadable += 1,
        }
    }
}

/// Looks for what was found among what was there.
fn check(found: &super::session::Digest, before: &Session, durability: Durability, ending: Ending, tally: &mut Tally) {
    let Some(at) = before.digests.iter().rposition(|digest| digest == found) else {
        tally.mixed += 1;
        return;
    };
    if at >= before.kept {
        tally.kept += before.kept;
    } else if durability == Durability::ProcessCrash && ending == Ending::PowerCut {
        // More than was promised.
        tally.kept += at;
    } else {
        tally.lost += before.kept - at;
    }
}

fn runs(durability: Durability, ending: Ending) {
    let mut tally = Tally::default();
    let runs = std::env::var("CYCLES_POWER_CUT_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(16);
    for seed in 0..runs {
        run(seed, durability, ending, false, &mut tally);
    }
    assert_eq!((tally.lost, tally.mixed, tally.unreadable), (0, 0, 0), "{tally:?}");
    assert!(tally.kept > 0 && tally.snapshots > 0, "{tally:?}");
    println!("{tally:?}");
}

#[test]
fn what_was_acknowledged_survives_power_cuts() {
    runs(Durability::PowerLoss, Ending::PowerCut);
}

#[test]
fn what_was_acknowledged_survives_kills() {
    runs(Durability::ProcessCrash, Ending::Kill);
}

#[test]
fn a_power_cut_leaves_the_state_at_one_moment_even_where_it_is_not_promised_to_keep_all() {
    runs(Durability::ProcessCrash, Ending::PowerCut);
}

#[test]
fn a_disk_that_does_not_synchronise_is_noticed() {
    let mut tally = Tally::default();
    for seed in 0..8 {
        run(seed, Durability::PowerLoss, Ending::PowerCut, true, &mut tally);
    }
    assert!(tally.lost + tally.mixed + tally.unreadable > 0, "{tally:?}");
}
