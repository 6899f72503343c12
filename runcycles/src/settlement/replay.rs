//! Settling what earlier processes left in the journal.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::claim::{Claim, Spend, Work};
use super::event::SettlementStep;
use super::keep::Kept;
use super::queue::Queue;
use crate::client::{CyclesConfig, Shared};
use crate::journal::{Identity, Journal, JournalError, Look, Record, Replay, Step, now};
use crate::planted::{Bug, planted};
use crate::protocol::ReservationId;

/// How many settlements may be under way before more records are read.
const MAX_UNDER_WAY: usize = 64;

/// The shortest time between two looks at what other processes have written ahead.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A client's journal, and whether what earlier processes left in it has been taken up.
pub(crate) struct KeptJournal {
    journal: Journal,
    taken_up: AtomicBool,
    /// The task that watches over records of processes that may live. A lock because clients end on any thread.
    watching: Mutex<Option<AbortHandle>>,
}

impl KeptJournal {
    /// The journal of a client, unless it is switched off. Touches nothing.
    pub(crate) fn new(config: &CyclesConfig) -> Option<Self> {
        let identity = || Identity::new(&config.base_url, config.subject.tenant.as_deref(), config.api_key.expose());
        config.journal.enabled.then(|| Self {
            journal: Journal::new(&config.journal, identity()),
            taken_up: AtomicBool::new(false),
            watching: Mutex::default(),
        })
    }

    /// Watches over no record any more.
    pub(crate) fn stop_watching(&self) {
        let watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(watching) = watching {
            watching.abort();
        }
    }
}

impl Drop for KeptJournal {
    fn drop(&mut self) {
        self.stop_watching();
    }
}

impl Deref for KeptJournal {
    type Target = Journal;

    fn deref(&self) -> &Journal {
        &self.journal
    }
}

impl Shared {
    /// Takes up what earlier processes left, the first time this is called.
    pub(crate) fn take_up_journal(self: &Arc<Self>, runtime: &Handle) {
        let Some(journal) = &self.journal else { return };
        if !journal.taken_up.swap(true, Ordering::Relaxed) || planted(Bug::DoubleReplay) {
            // Listed before this process writes anything.
            let listed = journal.load();
            let (loading, handle) = (Loading::new(self), runtime.clone());
            runtime.spawn(async move { replay(&loading.0, listed.await, &handle).await });
        }
    }
}

/// Records of earlier processes are being read, until this is dropped.
struct Loading(Arc<Shared>);

impl Loading {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.settlements.set_loading(true);
        Self(Arc::clone(shared))
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.0.settlements.set_loading(false);
    }
}

/// Settles the records that earlier processes left, a bounded number at a time.
async fn replay(shared: &Arc<Shared>, listed: Result<Option<Replay>, JournalError>, runtime: &Handle) {
    let mut replay = match listed {
        Ok(Some(replay)) => replay,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(%error, "the journal cannot be read; what earlier processes left in it stays there");
            return;
        }
    };
    let mut ahead = Vec::new();
    loop {
        match replay.next().await {
            Ok(records) if records.is_empty() => break,
            Ok(records) => {
                for record in records {
                    if record.is_ahead {
                        ahead.push(record);
                    } else {
                        take_up(shared, record, runtime);
                    }
                }
            }
            Err(error) => {
                tracing::error!(%error, "the journal cannot be read on; the rest of it stays there");
                break;
            }
        }
        loop {
            let ended = shared.settlements.ended();
            if shared.settlements.remaining() <= MAX_UNDER_WAY {
                break;
            }
            ended.await;
        }
    }
    let summary = replay.summary();
    if summary.records > 0 || summary.quarantined > 0 || summary.unreadable > 0 {
        tracing::warn!(?summary, "took up what earlier processes left in the journal");
    }
    // What is due already counts as taken up now, before anybody is told that the journal has been read.
    ahead.retain(|record| {
        let may_live = !record.wait_left(now()).is_zero();
        if !may_live {
            settle_ahead(shared, record, runtime);
        }
        may_live
    });
    if let (Some(journal), false) = (&shared.journal, ahead.is_empty() || shared.settlements.is_stopped()) {
        let watching = runtime.spawn(watch(Arc::downgrade(shared), ahead, runtime.clone())).abort_handle();
        *journal.watching.lock().unwrap_or_else(PoisonError::into_inner) = Some(watching);
    }
}

/// Watches over records that were written ahead, each by a process that may live: one that does settles by itself, or has written
/// a later time by the time that the record says. It holds no client.
async fn watch(shared: Weak<Shared>, mut ahead: Vec<Record>, runtime: Handle) {
    while let Some(wait) = ahead.iter().map(|record| record.wait_left(now())).min() {
        tokio::time::sleep(wait.max(LOOK_AGAIN)).await;
        for record in std::mem::take(&mut ahead) {
            let Some(shared) = shared.upgrade().filter(|shared| !shared.settlements.is_stopped()) else { return };
            let Some(journal) = &shared.journal else { return };
            if !record.wait_left(now()).is_zero() {
                ahead.push(record);
                continue;
            }
            match journal.look(&record.reservation_id).await {
                Look::Gone => {}
                Look::Record(found) if !found.is_ahead => take_up(&shared, *found, &runtime),
                Look::Record(found) if found.wait_left(now()).is_zero() => settle_ahead(&shared, &found, &runtime),
                Look::Record(found) => ahead.push(*found),
                Look::Unknown => ahead.push(record),
            }
        }
    }
}

/// Settles what a process left that ended before it knew.
fn settle_ahead(shared: &Arc<Shared>, record: &Record, runtime: &Handle) {
    tracing::warn!(
        reservation_id = record.reservation_id,
        "a process ended with a lease open; all that it held there is settled as spent, since less cannot be shown"
    );
    take_up(shared, Record { is_ahead: false, ..record.clone() }, runtime);
}

/// Settles a record in the background, no earlier than the authority asked for.
fn take_up(shared: &Arc<Shared>, record: Record, runtime: &Handle) {
    let Ok(id) = ReservationId::new(record.reservation_id.as_str()) else {
        tracing::error!(claim = record.reservation_id, "a record's reservation has no id of the protocol; it stays");
        return;
    };
    let wait = record.wait_left(now());
    let work = match &record.step {
        Step::Commit { commit, event } => {
            let event = event.as_ref().map_or_else(Bytes::new, |event| event.bytes().clone());
            Work::Commit(Spend::made(id, commit.bytes().clone(), event))
        }
        Step::Event { event, .. } => Work::Event(Spend::made(id, Bytes::new(), event.bytes().clone())),
    };
    let mut claim = Claim::new(work);
    claim.kept = Kept::on_disk(record);
    claim.wait(wait);
    shared.observer.tell(&claim, SettlementStep::TakenUp);
    Queue::add(shared, claim, Instant::now(), runtime);
}
