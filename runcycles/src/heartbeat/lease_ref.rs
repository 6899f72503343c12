//! Looking at a lease from outside of the heartbeat.

use std::future::pending;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::live::Live;
use super::scheduler::Heartbeat;
use super::status::LeaseStatus;

/// Where a reservation's lease is kept.
#[derive(Clone, Debug)]
pub(crate) struct LeaseRef {
    heartbeat: Weak<Heartbeat>,
    number: u64,
}

impl LeaseRef {
    pub(super) fn new(heartbeat: &Arc<Heartbeat>, number: u64) -> Self {
        Self { heartbeat: Arc::downgrade(heartbeat), number }
    }

    /// How long the reservation lives at least; zero once its heartbeat has ended.
    pub(crate) fn left(&self) -> Duration {
        self.look(|live, now| live.lease.lead(now)).unwrap_or_default()
    }

    /// How the lease stands.
    pub(crate) fn status(&self) -> LeaseStatus {
        self.look(|live, now| live.status(now)).unwrap_or_else(LeaseStatus::ended)
    }

    /// How long the reservation can live at most, with as many extensions as authorities allow unless set otherwise; `None`
    /// once its heartbeat has ended.
    pub(crate) fn longest(&self) -> Option<Duration> {
        self.look(|live, _| live.lease.longest())
    }

    /// Completes when the reservation is lost, and says why. It has one waiter at a time.
    pub(crate) async fn lost(&self) -> String {
        loop {
            let seen = self.look(|live, now| (live.status(now), Arc::clone(live.watcher.get_or_insert_default())));
            let Some((status, watcher)) = seen else { return pending().await };
            if status.is_lost() {
                return status.stopped_because.unwrap_or_default();
            }
            match status.stopped_because {
                // Nothing lengthens the lease any more.
                Some(_) => tokio::time::sleep(status.left).await,
                None => watcher.notified().await,
            }
        }
    }

    fn look<T>(&self, at: impl FnOnce(&mut Live, Duration) -> T) -> Option<T> {
        let heartbeat = self.heartbeat.upgrade()?;
        let now = heartbeat.since_epoch(Instant::now());
        let mut beats = heartbeat.lock();
        beats.live(self.number).map(|live| at(live, now))
    }
}
