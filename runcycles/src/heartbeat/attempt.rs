//! What an attempt of an extension came to, and what its lease makes of it.

use tokio::time::Instant;

use super::extension::Extension;
use super::schedule::{Failure, Lease, Next};
use super::scheduler::Heartbeat;
use crate::error::Error;
use crate::planted::{Bug, planted};
use crate::reservation::Reservation;
use crate::telemetry::{self, LeaseStep};

/// What an attempt came to.
pub(super) struct Attempt {
    pub(super) extension: Box<Extension>,
    pub(super) finished_at: Instant,
    pub(super) outcome: Outcome,
}

/// How an attempt of an extension ended.
pub(super) enum Outcome {
    Granted { sent_at: Instant, received_at: Instant, expires_at_ms: u64, remaining_ttl_ms: Option<u64> },
    Failed { at: Instant, failure: Failure, error: Error },
}

impl Outcome {
    /// What the lease makes of it. Failures are told: silence here would show as an expired reservation later.
    pub(super) fn apply(&self, lease: &mut Lease, heartbeat: &Heartbeat, reservation: &Reservation) -> Next {
        match self {
            Self::Granted { sent_at, received_at, expires_at_ms, remaining_ttl_ms } => {
                telemetry::lease(reservation.id.as_str(), LeaseStep::Extended, None);
                let was_clamped = lease.seems_clamped();
                let next = lease.on_success(heartbeat.granted(
                    *sent_at,
                    *received_at,
                    Some(*expires_at_ms),
                    *remaining_ttl_ms,
                ));
                if lease.seems_clamped() && !was_clamped {
                    let reservation_id = &reservation.id;
                    tracing::warn!(%reservation_id, "extensions do not lengthen the lease; their number may run out");
                }
                next
            }
            Self::Failed { at, failure, error } => {
                let next = lease.on_failure(heartbeat.since_epoch(*at), failure.clone());
                let will_retry = matches!(next, Next::Beat { .. });
                if will_retry {
                    telemetry::lease(reservation.id.as_str(), LeaseStep::Retrying, Some(error));
                }
                if !planted(Bug::HeartbeatFailsSilently) {
                    tracing::warn!(reservation_id = %reservation.id, %error, will_retry, "a reservation was not extended");
                }
                next
            }
        }
    }
}
