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
#[derive(Default)]
pub(super) struct Kept {
    record: Option<crate::journal::Record>,
    /// The latest write, until it is known how it went. No request leaves before: a future that is dropped while it waits leaves
    /// the waiting to whoever goes on.
    writing: Option<crate::transport::BoxFuture<'static, Result<(), crate::journal::JournalError>>>,
    origin: crate::journal::Origin,
}

#[cfg(feature = "journal")]
impl Kept {
    /// A record that an earlier process left.
    pub(super) fn on_disk(record: crate::journal::Record) -> Self {
        Self { record: Some(record), writing: None, origin: crate::journal::Origin::Found }
    }
}

#[cfg(feature = "journal")]
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("record", &self.record).finish_non_exhaustive()
    }
}

/// Without a journal, nothing.
#[cfg(not(feature = "journal"))]
pub(super) type Kept = Option<std::convert::Infallible>;

#[cfg(feature = "journal")]
impl Shared {
    /// Gives the order to put known spend on disk, once. The journal carries it out whether or not anybody waits.
    pub(super) fn start_keeping(&self, claim: &mut Claim) {
        use super::claim::Work;
        use crate::journal::{Body, Record, now};

        let (Some(journal), None) = (&self.journal, &claim.kept.record) else { return };
        if claim.observed || (claim.attempts == 0 && planted(Bug::JournalAfterSend)) {
            return;
        }
        let (spend, is_by_event) = match &mut claim.work {
            Work::Commit(spend) => (spend, false),
            Work::Event(spend) if spend.is_without_authority() => (spend, true),
            Work::Event(_) | Work::Release { .. } | Work::Lookup { .. } => return,
        };
        let id = spend.id.to_string();
        let Ok((commit, event)) = spend.make() else { return };
        let event = Body::made(event);
        let record = if is_by_event {
            Record::event(id, event, now())
        } else {
            Record::commit(id, Body::made(commit), Some(event), now())
        };
        claim.kept.writing = Some(Box::pin(journal.write(&record)));
        claim.kept.record = Some(record);
    }

    /// Waits until what was ordered is on disk, or has failed.
    pub(super) async fn finish_keeping(&self, claim: &mut Claim) {
        let Some(writing) = &mut claim.kept.writing else { return };
        let written = writing.await;
        claim.kept.writing = None;
        if let Err(error) = written {
            // Operators have been told by the journal; the spend is settled all the same.
            self.observer.tell(claim, super::event::SettlementStep::NotKept(&error));
        }
    }

    /// Puts on disk that a claim is settled by an event from now on, before the event is sent.
    pub(super) async fn keep_event(&self, claim: &mut Claim) {
        let (Some(journal), Some(record)) = (&self.journal, &mut claim.kept.record) else { return };
        if record.switch_to_event(crate::journal::now()) && !planted(Bug::EventModeNotPersisted) {
            claim.kept.writing = Some(Box::pin(journal.write(record)));
            self.finish_keeping(claim).await;
        }
    }

    /// Puts on disk how long the authority asked to wait, so that another process waits as long.
    pub(super) async fn keep_floor(&self, claim: &mut Claim, floor: Duration) {
        let (Some(journal), Some(record)) = (&self.journal, &mut claim.kept.record) else { return };
        record.wait(floor, crate::journal::now());
        if !planted(Bug::FloorNotPersisted) {
            claim.kept.writing = Some(Box::pin(journal.write(record)));
            self.finish_keeping(claim).await;
        }
    }

    /// Removes what is on disk of a claim that is settled or finally refused.
    pub(super) fn forget(&self, claim: &mut Claim) {
        if let (Some(journal), Some(record)) = (&self.journal, claim.kept.record.take()) {
            journal.remove(&record.reservation_id, claim.kept.origin);
        }
    }
}

#[cfg(not(feature = "journal"))]
#[allow(clippy::unused_async, clippy::unused_self, reason = "the same calls as with the journal")]
impl Shared {
    pub(super) fn start_keeping(&self, _claim: &mut Claim) {}

    pub(super) async fn finish_keeping(&self, _claim: &mut Claim) {}

    pub(super) async fn keep_event(&self, _claim: &mut Claim) {}

    pub(super) async fn keep_floor(&self, _claim: &mut Claim, _floor: Duration) {}

    pub(super) fn forget(&self, _claim: &mut Claim) {}
}
