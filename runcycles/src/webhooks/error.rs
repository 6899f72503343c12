//! Why a delivery is not believed.

use std::time::Duration;

use http::StatusCode;

/// Why a delivery is not believed. Nothing of its body was acted on, and no text here repeats a secret or a signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The verifier was given no secret that is not blank, so nothing can be believed.
    #[error("the verifier has no secret: expected the subscription's signing secret")]
    NoSecret,
    /// The body is larger than the verifier takes.
    #[error("the body has {bytes} bytes: expected at most {limit}")]
    TooLarge {
        /// What arrived.
        bytes: usize,
        /// What is taken.
        limit: usize,
    },
    /// There is no signature.
    #[error("no header X-Cycles-Signature: expected sha256= and 64 lower-case hexadecimal digits")]
    MissingSignature,
    /// The signature is not one.
    #[error("header X-Cycles-Signature: found {found}: expected sha256= and 64 lower-case hexadecimal digits, once")]
    MalformedSignature {
        /// What stands there instead.
        found: &'static str,
    },
    /// No secret made the signature: the body was forged, cut or changed on the way, or signed with a secret that is not known
    /// here.
    #[error("no known secret made the signature: verify the raw body, and add the secret in use if it was rotated")]
    WrongSignature,
    /// The body is signed and is no event.
    #[error("the signed body is no event")]
    Malformed(#[source] serde_json::Error),
    /// A header says something else than the body.
    #[error("header {header}: found {found:?}: expected {expected:?} as in the signed body")]
    HeaderMismatch {
        /// The header.
        header: &'static str,
        /// What it says, as far as it is text.
        found: String,
        /// What the body says.
        expected: String,
    },
    /// The event is older than the verifier takes.
    #[error("the event is of {timestamp}: expected one of the last {} seconds", max_age.as_secs())]
    TooOld {
        /// When it says it happened.
        timestamp: String,
        /// What is taken.
        max_age: Duration,
    },
    /// The verifier bounds the age of events, and this one does not say when it happened.
    #[error("the event's timestamp is {timestamp:?}: expected ISO 8601 such as 2026-11-22T12:00:00Z")]
    MalformedTimestamp {
        /// What it says.
        timestamp: String,
    },
}

impl WebhookError {
    /// The status to answer the delivery with: 413, 401, 400, and 500 where the verifier itself is not set up. An authority
    /// repeats a delivery after any of them.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSecret => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MissingSignature | Self::MalformedSignature { .. } | Self::WrongSignature => StatusCode::UNAUTHORIZED,
            Self::Malformed(_)
            | Self::HeaderMismatch { .. }
            | Self::TooOld { .. }
            | Self::MalformedTimestamp { .. } => StatusCode::BAD_REQUEST,
        }
    }
}
