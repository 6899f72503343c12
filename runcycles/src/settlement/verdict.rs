//! What an answer to a settlement means. Pure.

use std::time::Duration;

use super::plan::Open;
use crate::error::Error;
use crate::planted::{Bug, planted};
use crate::protocol::ErrorCode;

/// The longest wait that `Retry-After` can ask for.
const LONGEST_FLOOR: Duration = Duration::from_secs(3_600);

/// What a failed attempt means for a settlement (recovery profile: settlement outcomes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// No final answer: the settlement stays.
    Open(Open),
    /// The reservation lapsed before the request arrived, so the request took no effect.
    Lapsed,
    /// The reservation was settled before.
    AlreadyFinalized,
    /// A refusal that is understood and final.
    Rejected,
}

/// Judges a failed attempt. What is not understood is never final: a settlement ends by a valid success or by a refusal that
/// is known to be final, and by nothing else.
pub(super) fn judge(error: &Error) -> Verdict {
    let Some(refusal) = error.refusal() else {
        return match error {
            Error::Transport(_) | Error::Ambiguous { .. } => Verdict::Open(Open::Unclear),
            // Refused on this side: no repetition can change it.
            _ => Verdict::Rejected,
        };
    };
    let status = refusal.status();
    if status == 429 || refusal.code() == Some(&ErrorCode::LimitExceeded) {
        let floor = refusal.retry_after().filter(|_| !planted(Bug::RetryAfterIgnored)).unwrap_or_default();
        return Verdict::Open(Open::Throttled(floor.min(LONGEST_FLOOR)));
    }
    match (status, refusal.code()) {
        (500.., _) | (_, Some(ErrorCode::InternalError)) => Verdict::Open(Open::Unclear),
        (410, _) | (_, Some(ErrorCode::ReservationExpired)) => Verdict::Lapsed,
        (401 | 403, _) if planted(Bug::AuthFailureIsFinal) => Verdict::AlreadyFinalized,
        (401 | 403, _) => Verdict::Open(Open::Refused),
        (_, Some(ErrorCode::ReservationFinalized)) => Verdict::AlreadyFinalized,
        (
            _,
            Some(
                ErrorCode::InvalidRequest
                | ErrorCode::UnitMismatch
                | ErrorCode::IdempotencyMismatch
                | ErrorCode::NotFound
                | ErrorCode::TenantClosed
                | ErrorCode::BudgetClosed,
            ),
        ) => Verdict::Rejected,
        // An operator can clear the rest, or a later version understands it; the spend is real.
        _ => Verdict::Open(Open::Refused),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::error::{TransportError, TransportErrorKind};
    use crate::protocol::ErrorResponse;

    const UNCLEAR: Verdict = Verdict::Open(Open::Unclear);
    const REFUSED: Verdict = Verdict::Open(Open::Refused);

    fn throttled(seconds: u64) -> Verdict {
        Verdict::Open(Open::Throttled(Duration::from_secs(seconds)))
    }

    fn refusal(status: u16, code: Option<&str>, retry_after: Option<&'static str>) -> Error {
        let mut headers = HeaderMap::new();
        if let Some(retry_after) = retry_after {
            headers.insert(http::header::RETRY_AFTER, HeaderValue::from_static(retry_after));
        }
        let body = code.map(|code| ErrorResponse::new(code.into(), "no".to_owned(), "req_1".to_owned()));
        Error::from_refusal(status, &headers, body, false)
    }

    #[test]
    fn only_understood_refusals_end_a_settlement() {
        for (status, code, verdict) in [
            (400, Some("INVALID_REQUEST"), Verdict::Rejected),
            (400, Some("UNIT_MISMATCH"), Verdict::Rejected),
            (404, Some("NOT_FOUND"), Verdict::Rejected),
            (409, Some("IDEMPOTENCY_MISMATCH"), Verdict::Rejected),
            (409, Some("TENANT_CLOSED"), Verdict::Rejected),
            (409, Some("BUDGET_CLOSED"), Verdict::Rejected),
            (409, Some("RESERVATION_FINALIZED"), Verdict::AlreadyFinalized),
            (410, Some("RESERVATION_EXPIRED"), Verdict::Lapsed),
            (409, Some("RESERVATION_EXPIRED"), Verdict::Lapsed),
            (410, None, Verdict::Lapsed),
            (401, Some("UNAUTHORIZED"), REFUSED),
            (403, None, REFUSED),
            (409, Some("BUDGET_EXCEEDED"), REFUSED),
            (409, Some("OVERDRAFT_LIMIT_EXCEEDED"), REFUSED),
            (409, Some("DEBT_OUTSTANDING"), REFUSED),
            (409, Some("BUDGET_FROZEN"), REFUSED),
            (409, Some("CODE_OF_THE_FUTURE"), REFUSED),
            (400, None, REFUSED),
            (404, None, REFUSED),
            (400, Some("INTERNAL_ERROR"), UNCLEAR),
            (500, Some("INTERNAL_ERROR"), UNCLEAR),
            (503, None, UNCLEAR),
            (500, Some("RESERVATION_EXPIRED"), UNCLEAR),
        ] {
            assert_eq!(judge(&refusal(status, code, None)), verdict, "{status} {code:?}");
        }
    }

    #[test]
    fn no_answer_and_an_unusable_answer_are_unclear() {
        assert_eq!(judge(&TransportError::new(TransportErrorKind::Timeout).into()), UNCLEAR);
        let problem = "HTTP 202 instead of 200".to_owned();
        assert_eq!(judge(&Error::Ambiguous { operation: "commit", problem, reservation_id: None }), UNCLEAR);
    }

    #[test]
    fn a_throttle_is_waited_for_up_to_an_hour_and_only_in_whole_seconds() {
        for (header, seconds) in [
            (Some("0"), 0),
            (Some("7"), 7),
            (Some("31536000"), 3_600),
            (Some("99999999999999999999"), 3_600),
            (Some("-1"), 0),
            (Some("1.5"), 0),
            (Some("Sun, 22 Nov 2026 00:00:00 GMT"), 0),
            (None, 0),
        ] {
            assert_eq!(judge(&refusal(429, None, header)), throttled(seconds), "{header:?}");
        }
        assert_eq!(judge(&refusal(400, Some("LIMIT_EXCEEDED"), Some("3"))), throttled(3));
    }
}
