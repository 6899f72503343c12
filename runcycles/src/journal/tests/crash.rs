//! Disks that fail, processes that end and machines that lose power, at every step.

use std::io::ErrorKind;

use super::memory_disk::{Fault, MemoryDisk};
use super::{FINGERPRINT, amounts, journal_on, load, record};
use crate::client::Durability;
use crate::journal::Origin;
use crate::journal::replay::ReplaySummary;

const BOTH: [Durability; 2] = [Durability::ProcessCrash, Durability::PowerLoss];

/// What a process that starts on a disk finds.
async fn found_on(disk: &MemoryDisk, durability: Durability) -> Vec<(String, u64)> {
    let records = load(&journal_on(disk, durability)).await;
    amounts(&records).into_iter().map(|(id, amount)| (id.to_owned(), amount)).collect()
}

fn found(all: &[(&str, u64)]) -> Vec<(String, u64)> {
    all.iter().map(|(id, amount)| ((*id).to_owned(), *amount)).collect()
}

#[tokio::test]
async fn a_step_that_fails_is_told_and_leaves_nothing_behind_and_the_next_write_works() {
    for durability in BOTH {
        for kind in [ErrorKind::StorageFull, ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
            for step in 0.. {
                let disk = MemoryDisk::new();
                disk.plan(Fault::At(step, kind));
                let journal = journal_on(&disk, durability);
                let written = journal.write(&record("rsv_1", 1)).await;
                assert_eq!(written.is_err(), disk.has_failed(), "step {step}: {written:?}");
                if !disk.has_failed() {
                    break;
                }
                let files = disk.file_names();
                assert!(!files.iter().any(|name| name.contains(".tmp")), "step {step} leaves {files:?}");
                journal.write(&record("rsv_1", 2)).await.expect("the fault is over");
                drop(journal);
                assert_eq!(found_on(&disk, durability).await, found(&[("rsv_1", 2)]), "step {step}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_system_that_loses_the_directory_gets_another() {
    let disk = MemoryDisk::new();
    let journal = journal_on(&disk, Durability::ProcessCrash);
    journal.write(&record("rsv_1", 1)).await.expect("written");
    disk.lose_power();
    journal.write(&record("rsv_2", 2)).await.expect("written");
    drop(journal);
    assert_eq!(found_on(&disk, Durability::ProcessCrash).await, found(&[("rsv_2", 2)]));
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_write_leaves_the_earlier_record_or_the_later_one() {
    for step in 0.. {
        let disk = MemoryDisk::new();
        let journal = journal_on(&disk, Durability::ProcessCrash);
        journal.write(&record("rsv_1", 1)).await.expect("written");
        disk.plan(Fault::CrashAt(step));
        let confirmed = journal.write(&record("rsv_1", 2)).await.is_ok();
        let crashed = disk.has_failed();
        drop(journal);
        disk.recover();
        let found_now = found_on(&disk, Durability::ProcessCrash).await;
        let expected = if confirmed { 2 } else { 1 };
        assert_eq!(found_now, found(&[("rsv_1", expected)]), "step {step}");
        if !crashed {
            break;
        }
    }
}

#[tokio::test]
async fn a_confirmed_record_survives_a_loss_of_power_where_that_is_configured() {
    for step in 0.. {
        let disk = MemoryDisk::new();
        let journal = journal_on(&disk, Durability::PowerLoss);
        disk.plan(Fault::CrashAt(step));
        let first = journal.write(&record("rsv_1", 1)).await.is_ok();
        let second = journal.write(&record("rsv_1", 2)).await.is_ok();
        let other = journal.write(&record("rsv_2", 3)).await.is_ok();
        let crashed = disk.has_failed();
        drop(journal);
        disk.lose_power();
        let found_now = found_on(&disk, Durability::PowerLoss).await;
        let of = |id| found_now.iter().find(|(found, _)| found == id).map(|(_, amount)| *amount);
        if first {
            assert!(of("rsv_1") >= Some(1), "step {step}: {found_now:?}");
        }
        if second {
            assert_eq!(of("rsv_1"), Some(2), "step {step}");
        }
        assert!(!other || of("rsv_2") == Some(3), "step {step}");
        assert!(!disk.file_names().iter().any(|name| name.contains(".corrupt")), "step {step}: half a record");
        if !crashed {
            break;
        }
    }
}

#[tokio::test]
async fn what_a_process_did_not_live_to_synchronise_is_durable_once_another_has_found_it() {
    for step in 0.. {
        let disk = MemoryDisk::new();
        let journal = journal_on(&disk, Durability::PowerLoss);
        disk.plan(Fault::CrashAt(step));
        let _ = journal.write(&record("rsv_1", 1)).await;
        let crashed = disk.has_failed();
        drop(journal);
        disk.recover();

        let journal = journal_on(&disk, Durability::PowerLoss);
        let records = load(&journal).await;
        let mut expected = amounts(&records);
        journal.write(&record("rsv_2", 2)).await.expect("written");
        expected.push(("rsv_2", 2));
        drop(journal);
        disk.lose_power();
        let mut found_now = found_on(&disk, Durability::PowerLoss).await;
        found_now.sort();
        assert_eq!(found_now, found(&expected), "step {step}");
        if !crashed {
            break;
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_replay_loses_no_record() {
    let early = |id: &str| {
        format!(
            r#"{{"version":1,"reservation_id":"{id}","base_url":"http://localhost","commit_body":{{"actual":{{"amount":7}}}}}}"#
        )
    };
    for step in 0.. {
        let disk = MemoryDisk::new();
        let directory = disk.base.join(FINGERPRINT);
        disk.put(&directory.join("rsv_a.json"), &early("rsv/a"));
        disk.put(&directory.join("copy.json"), &early("rsv/a"));
        disk.put(&directory.join("rsv_b.json"), &early("rsv_b"));
        disk.put(&directory.join("broken.json"), "{");
        disk.plan(Fault::CrashAt(step));
        let journal = journal_on(&disk, Durability::ProcessCrash);
        if let Ok(Some(mut replay)) = journal.load().await {
            let _ = replay.next().await;
        }
        let crashed = disk.has_failed();
        drop(journal);
        disk.recover();
        let mut found_now = found_on(&disk, Durability::ProcessCrash).await;
        found_now.sort();
        assert_eq!(found_now, found(&[("rsv/a", 7), ("rsv_b", 7)]), "step {step}");
        assert!(disk.file_names().contains(&"broken.corrupt".to_owned()), "step {step}");
        if !crashed {
            break;
        }
    }
}

#[tokio::test]
async fn a_crash_at_any_step_of_a_removal_leaves_the_record_or_nothing() {
    for step in 0.. {
        let disk = MemoryDisk::new();
        let journal = journal_on(&disk, Durability::PowerLoss);
        journal.write(&record("rsv_1", 1)).await.expect("written");
        journal.write(&record("rsv_2", 2)).await.expect("written");
        disk.plan(Fault::CrashAt(step));
        journal.remove("rsv_1", Origin::Written);
        let crashed = disk.has_failed();
        drop(journal);
        disk.lose_power();
        let found_now = found_on(&disk, Durability::PowerLoss).await;
        assert!(found_now.contains(&("rsv_2".to_owned(), 2)), "step {step}");
        if !crashed {
            break;
        }
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_for_a_moment_stays_for_the_next_process() {
    for kind in [ErrorKind::PermissionDenied, ErrorKind::OutOfMemory, ErrorKind::Other] {
        let disk = MemoryDisk::new();
        let journal = journal_on(&disk, Durability::ProcessCrash);
        journal.write(&record("rsv_1", 1)).await.expect("written");
        drop(journal);
        let journal = journal_on(&disk, Durability::ProcessCrash);
        let mut replay = journal.load().await.expect("a list").expect("the right to replay");
        disk.plan(Fault::At(0, kind));
        assert!(replay.next().await.expect("a batch").is_empty());
        assert_eq!(replay.summary(), ReplaySummary { unreadable: 1, ..ReplaySummary::default() });
        drop((journal, replay));
        assert_eq!(found_on(&disk, Durability::ProcessCrash).await, found(&[("rsv_1", 1)]));
    }
}
