//! Why a heartbeat ends before its reservation does.

use std::fmt;
use std::time::Duration;

use crate::protocol::ErrorCode;

/// Why a lease is no longer extended. Its text says what happened and what that means for the reservation.
///
/// The action goes on, and its spend is settled in any case: a commit that comes too late becomes an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Two answers in a row left no time for an extension that may have to be repeated.
    LeaseTooShort {
        /// What was left of the lease at the latest answer.
        lead: Duration,
        /// What an extension and its repetition need.
        reserve: Duration,
    },
    /// Attempts failed until another could no longer be made safely.
    OutOfTime {
        /// What is left of the lease.
        lead: Duration,
    },
    /// The server wants the next attempt later than the lease allows, or does not say when.
    Throttled {
        /// What the server asks for.
        wait: Option<Duration>,
        /// The longest safe wait.
        window: Duration,
    },
    /// Attempts fail while no time passes.
    NoProgress,
    /// Attempts failed for longer than the lease can have lived.
    Lapsed,
    /// The client was shut down.
    ShutDown,
    /// The server refused the extension for good.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code, where the body was an error response.
        code: Option<ErrorCode>,
    },
}

impl StopReason {
    /// Whether the reservation has ended, whatever time seems to be left of it.
    pub(crate) fn is_the_end(&self) -> bool {
        let Self::Refused { status, code } = self else { return matches!(self, Self::Lapsed) };
        *status == 410
            || matches!(
                code,
                Some(ErrorCode::ReservationExpired | ErrorCode::ReservationFinalized | ErrorCode::NotFound)
            )
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaseTooShort { lead, reserve } => write!(
                f,
                "the server grants {} ms at a time, and an extension with its repetition needs more than {}; the \
                 reservation runs out unless the action ends first, so ask for a longer ttl",
                lead.as_millis(),
                reserve.as_millis()
            ),
            Self::OutOfTime { lead } => write!(
                f,
                "extensions failed until no time was left to repeat one; the reservation runs out in {} ms",
                lead.as_millis()
            ),
            Self::Throttled { wait: Some(wait), window } => write!(
                f,
                "the server puts off extensions by {} ms, and the lease can wait for {}; the reservation runs out unless \
                 the action ends first",
                wait.as_millis(),
                window.as_millis()
            ),
            Self::Throttled { wait: None, .. } => f.write_str(
                "the server throttles extensions without a valid Retry-After; the reservation runs out unless the action \
                 ends first",
            ),
            Self::NoProgress => f.write_str(
                "extensions fail while the clock stands still; the reservation runs out unless the action ends first",
            ),
            Self::ShutDown => f.write_str(
                "the client was shut down and extends nothing more; the reservation runs out unless the action ends first",
            ),
            Self::Lapsed => f.write_str("extensions failed for longer than the lease lasts; the reservation has run out"),
            Self::Refused { status, code } => {
                write!(f, "the server refused an extension (HTTP {status}")?;
                if let Some(code) = code {
                    write!(f, ", {code}")?;
                }
                f.write_str("); ")?;
                f.write_str(consequence(*status, code.as_ref()))
            }
        }
    }
}

/// What a refusal says about the reservation.
fn consequence(status: u16, code: Option<&ErrorCode>) -> &'static str {
    match code {
        Some(ErrorCode::ReservationExpired) => "the reservation has run out",
        Some(ErrorCode::ReservationFinalized) => "the reservation is already committed or released",
        Some(ErrorCode::NotFound) => "the reservation does not exist there",
        Some(ErrorCode::MaxExtensionsExceeded) => {
            "its extensions are used up and it runs out unless the action ends first, so ask for a longer ttl"
        }
        None if status == 410 => "the reservation has run out",
        _ => "the reservation runs out unless the action ends first",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_what_happened_and_what_becomes_of_the_reservation() {
        let ms = Duration::from_millis;
        let refused = |status, code| StopReason::Refused { status, code };
        for (reason, happened, becomes) in [
            (StopReason::LeaseTooShort { lead: ms(2_990), reserve: ms(3_000) }, "2990 ms at a time", "longer ttl"),
            (StopReason::OutOfTime { lead: ms(990) }, "no time was left", "runs out in 990 ms"),
            (StopReason::Throttled { wait: Some(ms(5_000)), window: ms(4_990) }, "by 5000 ms", "wait for 4990"),
            (StopReason::Throttled { wait: None, window: ms(4_990) }, "Retry-After", "runs out"),
            (StopReason::NoProgress, "clock stands still", "runs out"),
            (StopReason::Lapsed, "failed for longer", "has run out"),
            (refused(410, Some(ErrorCode::ReservationExpired)), "(HTTP 410, RESERVATION_EXPIRED)", "has run out"),
            (refused(410, None), "(HTTP 410)", "has run out"),
            (refused(409, Some(ErrorCode::ReservationFinalized)), "409", "already committed or released"),
            (refused(409, Some(ErrorCode::MaxExtensionsExceeded)), "MAX_EXTENSIONS", "extensions are used up"),
            (refused(409, Some(ErrorCode::TenantClosed)), "TENANT_CLOSED", "runs out unless"),
            (refused(404, Some(ErrorCode::NotFound)), "NOT_FOUND", "does not exist"),
        ] {
            let text = reason.to_string();
            assert!(text.contains(happened) && text.contains(becomes), "{text}");
        }
    }
}
