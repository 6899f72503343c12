//! The event that records spend which no commit can settle.

use serde::{Serialize, Serializer};

use crate::protocol::{
    Action, Amount, CommitOveragePolicy, CommitRequest, CyclesMetrics, IdempotencyKey, Metadata, Subject,
};
use crate::reservation::{Hold, Reservation};

/// Why there is an event although there was a reservation.
const RECOVERY_REASON: &str = "commit_after_reservation_expired";

/// The event that records a commit's spend, with the commit's key: the body of an
/// [`EventCreateRequest`](crate::protocol::EventCreateRequest). It borrows, since the journal keeps one of each commit and hardly
/// ever needs it.
///
/// Where the spend was reserved, it names no overage policy, so that the tenant's applies; where it was not, it names that of
/// the call.
#[derive(Debug, Serialize)]
pub(super) struct SpendEvent<'a> {
    idempotency_key: &'a IdempotencyKey,
    subject: &'a Subject,
    action: &'a Action,
    actual: &'a Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    overage_policy: Option<&'a CommitOveragePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<&'a CyclesMetrics>,
    #[serde(skip_serializing_if = "Notes::is_empty")]
    metadata: Notes<'a>,
}

/// The commit's metadata, and which reservation the spend belonged to.
#[derive(Debug)]
struct Notes<'a> {
    metadata: &'a Metadata,
    recovered: Option<&'a str>,
}

impl<'a> SpendEvent<'a> {
    pub(super) fn new(reservation: &'a Reservation, request: &'a CommitRequest) -> Self {
        let (overage_policy, recovered) = match &reservation.hold {
            Hold::Budget | Hold::Nothing | Hold::Share(_) => (None, Some(reservation.id.as_str())),
            // What no budget covers is what a report is after: neither refused, nor a debt that outlives the trial.
            Hold::Shadow { .. } => (Some(&CommitOveragePolicy::AllowIfAvailable), None),
            Hold::Allowance(_) => (reservation.overage_policy.as_ref(), None),
        };
        Self {
            idempotency_key: &request.idempotency_key,
            subject: &reservation.subject,
            action: &reservation.action,
            actual: &request.actual,
            overage_policy,
            metrics: request.metrics.as_ref(),
            metadata: Notes { metadata: &request.metadata, recovered },
        }
    }
}

impl Notes<'_> {
    fn is_empty(&self) -> bool {
        self.metadata.is_empty() && self.recovered.is_none()
    }

    /// What is said of the recovery, which nothing in the metadata replaces.
    fn recovery(&self) -> impl Iterator<Item = (&str, &str)> {
        let recovered = self.recovered.into_iter();
        recovered.flat_map(|id| [("recovered_reservation_id", id), ("recovery_reason", RECOVERY_REASON)])
    }
}

impl Serialize for Notes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;

        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.metadata {
            if self.recovery().all(|(other, _)| other != name) {
                map.serialize_entry(name, value)?;
            }
        }
        for (name, value) in self.recovery() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
