//! References to signed evidence.

use super::wire_object::wire_object;

wire_object! {
    /// Where the signed evidence of an answer can be fetched (protocol: `CyclesEvidenceRef`).
    pub struct EvidenceRef {
        required {
            /// The SHA-256 of the envelope: 64 lower-case hexadecimal digits.
            evidence_id: String,
            /// The envelope's address.
            cycles_evidence_url: String,
        }
        optional {}
        list {}
    }
}

wire_object! {
    /// The evidence of a reservation, by operation (protocol: `ReservationEvidence`).
    pub struct ReservationEvidence {
        required {}
        optional {
            /// Of the reservation itself.
            reserve: EvidenceRef,
            /// Of the commit.
            commit: EvidenceRef,
            /// Of the release.
            release: EvidenceRef,
        }
        list {}
    }
}
