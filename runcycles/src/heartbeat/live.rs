//! One reservation that is kept alive.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::extension::Extension;
use super::schedule::{BeatKey, Lease, Next, StopReason};
use super::status::{LeaseState, LeaseStatus};
use crate::planted::{Bug, planted};
use crate::reservation::Reservation;
use crate::telemetry::{self, LeaseStep};

/// A reservation that is kept alive.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) reservation: Arc<Reservation>,
    pub(super) lease: Lease,
    /// The extension to send; kept after a failure, so that the repetition carries the same key and bytes.
    pub(super) extension: Option<Box<Extension>>,
    health: Health,
    /// Whoever waits for the reservation to be lost.
    pub(super) watcher: Option<Arc<Notify>>,
    /// Counts it for as long as it is there.
    #[cfg(feature = "metrics")]
    _counted: telemetry::LiveLease,
}

/// How the latest extension went.
#[derive(Debug)]
enum Health {
    Good,
    Retrying,
    Stopped(StopReason),
}

impl Live {
    pub(super) fn new(reservation: Arc<Reservation>, lease: Lease) -> Self {
        Self {
            reservation,
            lease,
            extension: None,
            health: Health::Good,
            watcher: None,
            #[cfg(feature = "metrics")]
            _counted: telemetry::LiveLease::new(),
        }
    }

    /// Extends no more.
    pub(super) fn stop(&mut self, reason: StopReason) {
        self.health = Health::Stopped(reason);
        if let Some(watcher) = &self.watcher {
            watcher.notify_one();
        }
    }

    /// Takes note of what comes next. The extension stays for a repetition, so that it carries the same key and bytes.
    pub(super) fn follow(&mut self, next: &Next) {
        match next {
            Next::Stop(reason) => {
                let reservation_id = &self.reservation.id;
                tracing::warn!(%reservation_id, %reason, "heartbeat stopped; the action will be settled all the same");
                telemetry::lease(reservation_id.as_str(), LeaseStep::Stopped, None);
                self.stop(reason.clone());
            }
            Next::Beat { key: BeatKey::Same, .. } if !planted(Bug::NewKeyOnExtendRetry) => {
                self.health = Health::Retrying;
            }
            Next::Beat { .. } => {
                self.health = Health::Good;
                self.extension = None;
            }
        }
    }

    pub(super) fn status(&self, now: Duration) -> LeaseStatus {
        let left = self.lease.lead(now);
        let (state, reason) = match &self.health {
            Health::Good => (LeaseState::Kept, None),
            Health::Retrying => (LeaseState::Retrying, None),
            Health::Stopped(reason) if left.is_zero() || reason.is_the_end() => (LeaseState::Lost, Some(reason)),
            Health::Stopped(reason) => (LeaseState::Stopped, Some(reason)),
        };
        let left = if state == LeaseState::Lost { Duration::ZERO } else { left };
        LeaseStatus { left, state, stopped_because: reason.map(StopReason::to_string) }
    }
}
