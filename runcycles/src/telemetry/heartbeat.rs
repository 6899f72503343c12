//! How leases go on.

use tracing::Level;

use crate::error::Error;

/// A step of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseStep {
    /// It was extended.
    Extended,
    /// An extension failed, and will be repeated.
    Retrying,
    /// It is not extended any more.
    Stopped,
}

impl LeaseStep {
    fn word(self) -> &'static str {
        match self {
            Self::Extended => "extended",
            Self::Retrying => "retrying",
            Self::Stopped => "stopped",
        }
    }
}

/// Tells of a step.
pub(crate) fn lease(reservation: &str, step: LeaseStep, error: Option<&Error>) {
    let state = step.word();
    tracing::event!(
        name: "cycles.heartbeat",
        target: "runcycles",
        Level::DEBUG,
        reservation.id = reservation,
        state,
        error.code = error.map(Error::reason_word),
    );
    #[cfg(feature = "metrics")]
    super::meters::lease(state);
}
