//! Attempts that brought no answer.

use std::error::Error as StdError;
use std::fmt;

/// Why an attempt brought no answer. Whether the authority acted on the request is unknown.
#[derive(Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No complete answer within the time of an attempt.
    Timeout,
    /// No connection was made, so the authority has not seen the request.
    Connect,
    /// The answer was larger than the transport reads.
    BodyTooLarge,
    /// The transport could not be set up, for example for want of a TLS provider.
    Setup,
    /// The connection failed on the way.
    Interrupted,
}

impl TransportError {
    /// An error of a kind, without a cause to show.
    pub fn new(kind: TransportErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error of a kind with its cause.
    pub fn with_source(kind: TransportErrorKind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// How the attempt failed.
    pub fn kind(&self) -> TransportErrorKind {
        self.kind
    }

    /// Whether the attempt ran out of time.
    pub fn is_timeout(&self) -> bool {
        self.kind == TransportErrorKind::Timeout
    }

    /// Whether no connection was made.
    pub fn is_connect(&self) -> bool {
        self.kind == TransportErrorKind::Connect
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::Timeout => "no complete answer in time",
            TransportErrorKind::Connect => "no connection to the authority",
            TransportErrorKind::BodyTooLarge => "the answer is larger than the transport reads",
            TransportErrorKind::Setup => "the transport could not be set up",
            TransportErrorKind::Interrupted => "the connection failed before a complete answer",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
