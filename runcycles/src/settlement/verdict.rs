//! What an answer to a settlement means. Pure.

use std::time::Duration;

use super::plan::Open;
use crate::error::Error;
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
        let floor = refusal.retry_after().unwrap_or_default();
        return Verdict::Open(Open::Throttled(floor.min(LONGEST_FLOOR)));
    }
    match (status, refusal.code()) {
        (500.., _) | (_, Some(ErrorCode::InternalError)) => Verdict::Open(Open::Unclear),
        (410, _) | (_, Some(ErrorCode::ReservationExpired)) => Verdict::Lapsed,
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
