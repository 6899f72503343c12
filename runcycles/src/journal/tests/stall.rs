//! A disk that does not answer.

use std::future::Future as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::task::Poll;
use std::time::Duration;

use super::memory_disk::MemoryDisk;
use super::{all, amounts, identity, journal_on, load, record};
use crate::client::{Durability, JournalConfig};
use crate::journal::{Journal, JournalError, LONGEST_WAIT, Origin, Place};

/// What a stalled disk waits for.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum GateState {
    #[default]
    Closed,
    /// Closed, and the disk is being asked for something.
    Awaited,
    Open,
}

impl Gate {
    fn release(&self) {
        self.set(GateState::Open);
    }

    /// Waits until the disk is being asked for something.
    fn until_awaited(&self) {
        self.until(|state| state != GateState::Closed);
    }

    fn pass(&self) {
        if *self.state.lock().expect("no panic under the lock") == GateState::Closed {
            self.set(GateState::Awaited);
        }
        self.until(|state| state == GateState::Open);
    }

    fn set(&self, to: GateState) {
        *self.state.lock().expect("no panic under the lock") = to;
        self.changed.notify_all();
    }

    fn until(&self, reached: impl Fn(GateState) -> bool) {
        let state = self.state.lock().expect("no panic under the lock");
        let waited = self.changed.wait_while(state, |state| !reached(*state));
        drop(waited.expect("no panic under the lock"));
    }
}

fn on_thread(disk: &MemoryDisk, durability: Durability, patience: Duration) -> Journal {
    let config = JournalConfig::in_directory(&disk.base).durability(durability);
    Journal::with_patience(patience, Arc::new(disk.clone()), Place::Thread, &config, identity())
}

fn stalled() -> (Journal, MemoryDisk, Arc<Gate>) {
    stalled_with(Durability::ProcessCrash, LONGEST_WAIT)
}

fn stalled_with(durability: Durability, patience: Duration) -> (Journal, MemoryDisk, Arc<Gate>) {
    let gate = Arc::<Gate>::default();
    let passing = Arc::clone(&gate);
    let disk = MemoryDisk::before_create(move || passing.pass());
    (on_thread(&disk, durability, patience), disk, gate)
}

#[tokio::test]
async fn on_one_thread_others_go_on_while_a_disk_stalls() {
    let (journal, _disk, gate) = stalled();
    let written = tokio::spawn(journal.write(&record("rsv_1", 1)));
    let others = tokio::spawn(async move {
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        gate.release();
    });
    others.await.expect("the others end");
    written.await.expect("no panic").expect("written");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_stalled_disk_ends_and_the_record_is_written_when_the_disk_answers() {
    let (journal, _disk, gate) = stalled();
    let error = journal.write(&record("rsv_1", 1)).await.expect_err("stalled");
    assert!(matches!(error, JournalError::Stalled { .. }), "{error:?}");
    gate.release();
    journal.drained().await.expect("drained");
    assert_eq!(load(&journal).await.len(), 1);
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_takes_place() {
    let (journal, disk, gate) = stalled();
    drop(journal.write(&record("rsv_1", 1)));
    drop(journal.write(&record("rsv_2", 2)));
    journal.remove("rsv_1", Origin::Written);
    gate.release();
    journal.drained().await.expect("drained");
    assert_eq!(disk.file_names().len(), 1);
}

#[tokio::test]
async fn what_was_ordered_takes_place_after_the_journal_is_gone() {
    let (journal, disk, gate) = stalled();
    let written = journal.write(&record("rsv_1", 1));
    drop(journal);
    gate.release();
    written.await.expect("written");
    assert_eq!(disk.file_names().len(), 1);
}

#[tokio::test]
async fn a_stalled_disk_is_given_a_bounded_number_of_records() {
    let (journal, disk, gate) = stalled();
    let mut refused = 0;
    for n in 0..20_000 {
        let written = journal.write(&record(&format!("rsv_{n}"), n));
        if n >= 19_000 {
            refused += usize::from(matches!(written.await, Err(JournalError::Stalled { .. })));
        }
    }
    assert_eq!(refused, 1_000);
    gate.release();
    while journal.drained().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!((16_384..16_500).contains(&disk.file_names().len()), "{}", disk.file_names().len());
}

#[tokio::test]
async fn behind_a_stalled_disk_nobody_waits() {
    let (journal, _disk, gate) = stalled_with(Durability::ProcessCrash, Duration::ZERO);
    drop(journal.write(&record("rsv_1", 1)));
    gate.until_awaited();
    let mut second = Box::pin(journal.write(&record("rsv_2", 2)));
    let error = std::future::poll_fn(|context| Poll::Ready(second.as_mut().poll(context))).await;
    assert!(matches!(error, Poll::Ready(Err(JournalError::Stalled { .. }))), "{error:?}");
    gate.release();
    journal.drained().await.expect("drained");
    assert_eq!(load(&journal).await.len(), 2);
}

#[tokio::test]
async fn records_that_wait_together_become_durable_together() {
    let (journal, disk, gate) = stalled_with(Durability::PowerLoss, LONGEST_WAIT);
    let first = journal.write(&record("rsv_0", 0));
    gate.until_awaited();
    let others: Vec<_> = (1..=50).map(|n| journal.write(&record(&format!("rsv_{n}"), n))).collect();
    // In its turn: after the record it removes.
    journal.remove("rsv_50", Origin::Written);
    gate.release();
    first.await.expect("written");
    for other in others {
        other.await.expect("written");
    }
    journal.drained().await.expect("drained");
    // Three for the directories that were made, one for the first record, one for the others.
    assert_eq!(disk.directory_syncs(), 5);
    drop(journal);
    disk.lose_power();
    // A removal is not made durable, so all are found.
    assert_eq!(load(&journal_on(&disk, Durability::PowerLoss)).await.len(), 51);
}

#[tokio::test]
async fn a_panic_on_the_thread_fails_one_write_and_the_thread_goes_on() {
    let panicked = AtomicBool::new(false);
    let disk = MemoryDisk::before_create(move || {
        assert!(panicked.swap(true, Ordering::Relaxed), "a panic that this test expects");
    });
    let journal = on_thread(&disk, Durability::ProcessCrash, LONGEST_WAIT);
    let first = journal.write(&record("rsv_1", 1));
    // The panic comes before anybody waits.
    journal.drained().await.expect("drained");
    let error = first.await.expect_err("a panic");
    assert!(matches!(error, JournalError::Panicked), "{error:?}");
    journal.write(&record("rsv_2", 2)).await.expect("written");
    assert_eq!(amounts(&load(&journal).await), [("rsv_2", 2)]);
}

#[tokio::test]
async fn a_replay_goes_on_after_its_journal_is_gone() {
    let disk = MemoryDisk::new();
    journal_on(&disk, Durability::ProcessCrash).write(&record("rsv_1", 1)).await.expect("written");
    let journal = on_thread(&disk, Durability::ProcessCrash, LONGEST_WAIT);
    let replay = journal.load().await.expect("a list").expect("the right to replay");
    drop(journal);
    assert_eq!(all(replay).await.len(), 1);
}
