//! Known spend on disk, from before the first request that settles it until it is settled.
//!
//! A failing disk never keeps spend from being settled: the journal tells operators, and settling goes on.

use std::time::Duration;

use super::claim::Claim;
use crate::client::Shared;
#[cfg(feature = "journal")]
use crate::planted::{Bug, planted};

/// What the journal has of a claim.
#[cfg(feature = "journal")]
pub(super) type Kept = Option<crate::journal::Record>;

/// Without a journal, nothing.
#[cfg(not(feature = "journal"))]
pub(super) type Kept = Option<std::convert::Infallible>;

#[cfg(feature = "journal")]
impl Shared {
    /// Puts known spend on disk, once, before its first request leaves.
    pub(super) async fn keep(&self, claim: &mut Claim) {
        use super::claim::Work;
        use crate::journal::{Body, Record, now};

        let (Some(journal), None) = (&self.journal, &claim.kept) else { return };
        let Work::Commit(spend) = &mut claim.work else { return };
        let id = spend.id.to_string();
        let Ok((commit, event)) = spend.make() else { return };
        let Some(commit) = Body::new(commit) else { return };
        let record = Record::commit(id, commit, Body::new(event), now());
        let written = journal.write(&record);
        claim.kept = Some(record);
        // A failure has been told; the spend is settled all the same.
        let _ = written.await;
    }

    /// Puts on disk that a claim is settled by an event from now on, before the event is sent.
    pub(super) async fn keep_event(&self, claim: &mut Claim) {
        let (Some(journal), Some(record)) = (&self.journal, &mut claim.kept) else { return };
        if record.switch_to_event(crate::journal::now()) && !planted(Bug::EventModeNotPersisted) {
            let _ = journal.write(record).await;
        }
    }

    /// Puts on disk how long the authority asked to wait, so that another process waits as long.
    pub(super) async fn keep_floor(&self, claim: &mut Claim, floor: Duration) {
        let (Some(journal), Some(record)) = (&self.journal, &mut claim.kept) else { return };
        record.wait(floor, crate::journal::now());
        if !planted(Bug::FloorNotPersisted) {
            let _ = journal.write(record).await;
        }
    }

    /// Removes what is on disk of a claim that is settled or finally refused.
    pub(super) fn forget(&self, claim: &mut Claim) {
        if let (Some(journal), Some(record)) = (&self.journal, claim.kept.take()) {
            journal.remove(&record.reservation_id);
        }
    }
}

#[cfg(not(feature = "journal"))]
#[allow(clippy::unused_async, clippy::unused_self, reason = "the same calls as with the journal")]
impl Shared {
    pub(super) async fn keep(&self, _claim: &mut Claim) {}

    pub(super) async fn keep_event(&self, _claim: &mut Claim) {}

    pub(super) async fn keep_floor(&self, _claim: &mut Claim, _floor: Duration) {}

    pub(super) fn forget(&self, _claim: &mut Claim) {}
}
