//! Records that an earlier process left.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::error::JournalError;
use super::inventory::Found;
use super::lane::Lane;
use super::record::Record;
use super::store::Store;
use super::{Identity, ask};
use crate::planted::{Bug, planted};

/// The most records that are in memory at a time.
const BATCH_RECORDS: usize = 32;

/// After how many bytes a batch ends.
const BATCH_BYTES: usize = 1_024 * 1_024;

/// The directories that a living client of this process replays, or has replayed. A lock because clients start on any thread.
static CLAIMED: Mutex<Vec<Weak<Path>>> = Mutex::new(Vec::new());

/// The right to replay a directory, which one client of a process has as long as it lives.
pub(super) type Claim = Arc<Path>;

/// Takes the right to replay a directory, unless another living client has it.
pub(super) fn claim(directory: &Path) -> Option<Claim> {
    // The list is whole between any two operations on it.
    let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
    claimed.retain(|claim| claim.strong_count() > 0);
    if claimed.iter().filter_map(Weak::upgrade).any(|claim| *claim == *directory) && !planted(Bug::DoubleReplay) {
        return None;
    }
    let claim: Claim = directory.into();
    claimed.push(Arc::downgrade(&claim));
    Some(claim)
}

/// The records that earlier processes left, a few at a time.
pub(crate) struct Replay {
    lane: Arc<Lane>,
    identity: Arc<Identity>,
    /// What was there when the replay began. Records of this process are not among them.
    names: Arc<[String]>,
    position: usize,
    summary: ReplaySummary,
    _claim: Claim,
}

/// What a replay has found so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplaySummary {
    /// Records to settle.
    pub(crate) records: u64,
    /// Records of another authority, left for its client.
    pub(crate) foreign: u64,
    /// Files that were no records, put aside under a name that ends in `.corrupt`.
    pub(crate) quarantined: u64,
    /// Files that could not be read, and stay.
    pub(crate) unreadable: u64,
}

impl Replay {
    pub(super) fn new(lane: Arc<Lane>, identity: Arc<Identity>, names: Vec<String>, claim: Claim) -> Self {
        Self { lane, identity, names: names.into(), position: 0, summary: ReplaySummary::default(), _claim: claim }
    }

    /// The next records, none at the end. Those whose authority asked to wait say so in
    /// [`Record::wait_left`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future skips nothing: the same records come again.
    pub(crate) async fn next(&mut self) -> Result<Vec<Record>, JournalError> {
        while self.position < self.names.len() {
            let names = Arc::clone(&self.names);
            let identity = Arc::clone(&self.identity);
            let start = self.position;
            let read = move |store: Result<&Store, _>| Ok(Batch::read(store?, identity.base_url(), &names, start));
            let batch = ask(&self.lane, read).await??;
            self.position = batch.end;
            self.summary.add(&batch.summary);
            if !batch.records.is_empty() {
                return Ok(batch.records);
            }
        }
        Ok(Vec::new())
    }

    /// What was found so far.
    pub(crate) fn summary(&self) -> ReplaySummary {
        self.summary
    }
}

impl ReplaySummary {
    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.foreign += other.foreign;
        self.quarantined += other.quarantined;
        self.unreadable += other.unreadable;
    }
}

/// Some records, and where the next begin.
struct Batch {
    records: Vec<Record>,
    end: usize,
    summary: ReplaySummary,
}

impl Batch {
    /// Reads the next names. A batch is short, since records of this process wait meanwhile.
    fn read(store: &Store, base_url: &str, names: &[String], start: usize) -> Self {
        let mut batch = Self { records: Vec::new(), end: start, summary: ReplaySummary::default() };
        let mut bytes = 0;
        for name in names.iter().skip(start).take(BATCH_RECORDS) {
            if bytes >= BATCH_BYTES {
                break;
            }
            batch.end += 1;
            match store.take(name, base_url) {
                Found::Record(record, size) => {
                    bytes += size;
                    batch.summary.records += 1;
                    batch.records.push(record);
                }
                Found::Foreign => batch.summary.foreign += 1,
                Found::Gone => {}
                Found::Quarantined => batch.summary.quarantined += 1,
                Found::Unreadable => batch.summary.unreadable += 1,
            }
        }
        batch
    }
}
