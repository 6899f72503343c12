//! Answers to requests that succeed.

use super::string_enum::string_enum;
use super::wire_object::{Extra, wire_object};
use super::{
    Action, Amount, Balance, Caps, Decision, DenyDetail, EventId, EvidenceRef, IdempotencyKey, ReasonCode,
    ReservationEvidence, ReservationId, Subject,
};

string_enum! {
    /// The state a commit leaves a reservation in.
    pub enum CommitStatus {
        /// The spend is in the ledger.
        Committed = "COMMITTED",
    }
}

string_enum! {
    /// The state a release leaves a reservation in.
    pub enum ReleaseStatus {
        /// The hold was returned.
        Released = "RELEASED",
    }
}

string_enum! {
    /// The state an extension leaves a reservation in.
    pub enum ExtendStatus {
        /// The reservation is live.
        Active = "ACTIVE",
    }
}

string_enum! {
    /// What became of an event.
    pub enum EventStatus {
        /// The spend is in the ledger.
        Applied = "APPLIED",
    }
}

string_enum! {
    /// The state of a reservation (protocol: `ReservationStatus`).
    pub enum ReservationStatus {
        /// It holds budget.
        Active = "ACTIVE",
        /// Its spend is in the ledger.
        Committed = "COMMITTED",
        /// Its hold was returned on request.
        Released = "RELEASED",
        /// Its time ran out and its hold was returned.
        Expired = "EXPIRED",
    }
}

wire_object! {
    /// The answer to a reservation (protocol: `ReservationCreateResponse`).
    pub struct ReservationCreateResponse {
        required {
            /// Whether the action may go ahead.
            decision: Decision,
            /// Every scope derived from the subject, outermost first, whether or not it has a budget.
            affected_scopes: Vec<String>,
        }
        optional {
            /// The reservation; absent on a dry run, a denial, and for tenants in observe mode.
            reservation_id: ReservationId,
            /// What is held.
            reserved: Amount,
            /// When the reservation lapses, in milliseconds since 1970 by the server's clock.
            expires_at_ms: u64,
            /// How long it lives, measured as the answer was made.
            remaining_ttl_ms: u64,
            /// The innermost scope.
            scope_path: String,
            /// Limits on the action.
            caps: Caps,
            /// Why it was denied.
            reason_code: ReasonCode,
            /// When to ask again.
            retry_after_ms: u64,
            /// Signed evidence of the answer.
            cycles_evidence: EvidenceRef,
        }
        list {
            /// The budgets that were checked, after the reservation.
            balances: Balance,
        }
    }
}

impl ReservationCreateResponse {
    /// Why it was denied, in detail (protocol v0.1.26), where the server told.
    pub fn deny_detail(&self) -> Option<DenyDetail> {
        DenyDetail::among(&self.extra)
    }
}

wire_object! {
    /// The answer to a commit (protocol: `CommitResponse`).
    pub struct CommitResponse {
        required {
            /// Always committed.
            status: CommitStatus,
            /// What was charged; less than the actual amount where the overage policy capped it.
            charged: Amount,
        }
        optional {
            /// What was returned of the hold; absent means nothing.
            released: Amount,
            /// Signed evidence of the answer.
            cycles_evidence: EvidenceRef,
        }
        list {
            /// The budgets that were charged.
            balances: Balance,
        }
    }
}

wire_object! {
    /// The answer to a release (protocol: `ReleaseResponse`).
    pub struct ReleaseResponse {
        required {
            /// Always released.
            status: ReleaseStatus,
            /// What was returned.
            released: Amount,
        }
        optional {
            /// Signed evidence of the answer.
            cycles_evidence: EvidenceRef,
        }
        list {
            /// The budgets the hold went back to.
            balances: Balance,
        }
    }
}

wire_object! {
    /// The answer to an extension (protocol: `ReservationExtendResponse`).
    pub struct ExtendResponse {
        required {
            /// Always active.
            status: ExtendStatus,
            /// The new expiry, in milliseconds since 1970 by the server's clock.
            expires_at_ms: u64,
        }
        optional {
            /// How long the reservation lives, measured as the answer was made.
            remaining_ttl_ms: u64,
        }
        list {
            /// The budgets that hold it.
            balances: Balance,
        }
    }
}

wire_object! {
    /// The answer to a decision request (protocol: `DecisionResponse`).
    pub struct DecisionResponse {
        required {
            /// Whether the action would be allowed now.
            decision: Decision,
        }
        optional {
            /// Limits on the action.
            caps: Caps,
            /// Why it would be denied.
            reason_code: ReasonCode,
            /// When to ask again.
            retry_after_ms: u64,
            /// Signed evidence of the answer.
            cycles_evidence: EvidenceRef,
        }
        list {
            /// Every scope derived from the subject, outermost first.
            affected_scopes: String,
        }
    }
}

impl DecisionResponse {
    /// Why it would be denied, in detail (protocol v0.1.26), where the server told.
    pub fn deny_detail(&self) -> Option<DenyDetail> {
        DenyDetail::among(&self.extra)
    }
}

wire_object! {
    /// The answer to an event (protocol: `EventCreateResponse`).
    pub struct EventCreateResponse {
        required {
            /// Always applied.
            status: EventStatus,
            /// The event's id.
            event_id: EventId,
        }
        optional {
            /// What was charged, where that differs from the actual amount.
            charged: Amount,
        }
        list {
            /// The budgets that were charged.
            balances: Balance,
        }
    }
}

wire_object! {
    /// A reservation as it stands (protocol: `ReservationDetail` and `ReservationSummary`, which have the same members; a list
    /// carries the metadata only where [`ListReservationsParams::include`](super::ListReservationsParams::include) asks for it).
    pub struct ReservationDetail {
        required {
            /// Its id.
            reservation_id: ReservationId,
            /// Its state.
            status: ReservationStatus,
            /// Who acts.
            subject: Subject,
            /// What is done.
            action: Action,
            /// What is or was held.
            reserved: Amount,
            /// When it was made, in milliseconds since 1970 by the server's clock.
            created_at_ms: u64,
            /// When it lapses or lapsed.
            expires_at_ms: u64,
            /// The innermost scope.
            scope_path: String,
            /// Every scope derived from the subject, outermost first.
            affected_scopes: Vec<String>,
        }
        optional {
            /// The key it was made with.
            idempotency_key: IdempotencyKey,
            /// What was charged; committed reservations only.
            committed: Amount,
            /// When it was committed or released.
            finalized_at_ms: u64,
            /// Metadata of the reservation.
            metadata: Extra,
            /// Metadata of the commit.
            committed_metadata: Extra,
            /// Signed evidence by operation.
            evidence: ReservationEvidence,
        }
        list {}
    }
}

/// A row of a list of reservations (protocol: `ReservationSummary`).
pub type ReservationSummary = ReservationDetail;

wire_object! {
    /// A page of reservations (protocol: `ReservationListResponse`).
    pub struct ReservationListResponse {
        required {
            /// The reservations.
            reservations: Vec<ReservationSummary>,
        }
        optional {
            /// Where the next page starts.
            next_cursor: String,
            /// Whether there is a next page.
            has_more: bool,
        }
        list {}
    }
}
