//! Envelopes that are not looked at any further, and envelopes that could not be had.

use crate::error::TransportError;

/// Why a document is no evidence of what it was taken for. It has no [`Disposition`](super::Disposition) then: nothing was asked
/// of its signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The document is larger than any envelope.
    #[error("the document has {bytes} bytes: expected at most {limit}")]
    TooLarge {
        /// What was given.
        bytes: usize,
        /// What is taken.
        limit: usize,
    },
    /// The document is no JSON that has one meaning: members stand in it twice, numbers are beyond a double, it is too deep.
    #[error("the document is no JSON that could be signed")]
    Json(#[source] serde_json::Error),
    /// The envelope is of a version that is not known, so what it must look like is not known either.
    #[error("the envelope is of version {found:?}: expected cycles-evidence/v0.1")]
    UnknownVersion {
        /// What it says.
        found: String,
    },
    /// The envelope does not look as one must.
    #[error("the envelope is malformed at {path:?}: {problem}")]
    Malformed {
        /// The member, such as `payload.commit.request`; empty for the envelope itself.
        path: String,
        /// What was found and what was expected.
        problem: String,
    },
    /// The id is not the one of the content.
    #[error("the envelope's id is {found}: expected {computed}, the digest of its content")]
    WrongId {
        /// What the envelope says.
        found: String,
        /// What its content comes to.
        computed: String,
    },
    /// The envelope is sound, and another than the one that was asked for.
    #[error("the envelope is {found}: expected {expected}")]
    OtherEvidence {
        /// Its id.
        found: String,
        /// The id that was asked for.
        expected: String,
    },
    /// The envelope is of another server than the one whose evidence is looked at.
    #[error("the envelope is of {found:?}: expected {expected:?}")]
    OtherServer {
        /// The server it names.
        found: String,
        /// The server that was expected.
        expected: String,
    },
}

/// Why an envelope or a key set could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address is not below a server that was listed, so nothing was sent there.
    #[error("{url:?} is not below a listed server: list its server id if it is to be asked")]
    NotListed {
        /// The address.
        url: String,
    },
    /// The envelope is not there, or not there yet, after every attempt.
    #[error("the envelope is not there after {attempts} attempts")]
    NotReady {
        /// How often it was asked for.
        attempts: u32,
    },
    /// The server answered with neither the document nor its absence.
    #[error("HTTP {status} instead of 200")]
    Status {
        /// The status.
        status: u16,
    },
    /// There was no answer.
    #[error("no answer")]
    Transport(#[from] TransportError),
    /// What the server answered with is no evidence of what was asked for.
    #[error("what was fetched is not the evidence that was asked for")]
    Evidence(#[from] EvidenceError),
    /// What the server answered with is no key set.
    #[error("what was fetched is no key set")]
    KeySet(#[source] serde_json::Error),
}
