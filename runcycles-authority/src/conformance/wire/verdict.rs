//! Why a check stops before its end.

use std::fmt;

/// What a check has to say: nothing, or why it stopped.
pub(crate) type Verdict<T = ()> = Result<T, Stop>;

/// Why a check stopped.
#[derive(Clone, Debug)]
pub(crate) enum Stop {
    /// The server does something else than it must.
    Failed(Box<Failure>),
    /// Something that the check needs cannot be had here.
    Skipped(String),
}

/// What a server did, and what it should have done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The request, without its key.
    pub request: String,
    /// What should have come back.
    pub expected: String,
    /// What came back.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.request, self.expected, self.found)
    }
}

impl Stop {
    pub(crate) fn failed(request: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Failed(Box::new(Failure { request: request.into(), expected: expected.into(), found: found.into() }))
    }

    pub(crate) fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped(reason.into())
    }

    /// Says in which part of a check it stopped.
    pub(crate) fn during(mut self, part: impl fmt::Display) -> Self {
        if let Self::Failed(failure) = &mut self {
            failure.request = format!("{part}: {}", failure.request);
        }
        self
    }
}
