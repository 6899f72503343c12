//! What authorities say of reservations.

use tracing::Level;

use super::CallSpan;
use crate::error::Error;
use crate::protocol::{Decision, Level as ScopeLevel, ReasonCode, ReservationCreateRequest};

/// What was asked, and where it is told.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a ReservationCreateRequest,
    pub(crate) span: &'a CallSpan,
    /// The innermost level that labels of metrics name.
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "only metrics have labels"))]
    pub(crate) scopes: ScopeLevel,
}

/// Tells of a reservation that may go ahead, or that is observed.
pub(crate) fn allowed(
    asked: Asked<'_>,
    decision: &Decision,
    reason: Option<&ReasonCode>,
    id: &str,
    trace_id: Option<&str>,
) {
    let Asked { request, span, .. } = asked;
    let (decision, reason) = (decision.as_str(), reason.map(ReasonCode::as_str));
    if span.is_open() {
        span.record("decision", decision);
        span.record("reservation.id", id);
        if let Some(trace_id) = trace_id {
            span.record("trace.id", trace_id);
        }
        if let Some(reason) = reason {
            span.record("reason", reason);
        }
    }
    span.in_scope(|| {
        tracing::event!(
            name: "cycles.decision",
            target: "runcycles",
            Level::DEBUG,
            reservation.id = id,
            decision,
            reason,
            action.kind = request.action.kind,
            scope = %request.subject,
            estimate = request.estimate.value(),
            unit = request.estimate.unit().as_str(),
            trace.id = trace_id,
        );
    });
    #[cfg(feature = "metrics")]
    super::meters::decided(request, decision);
}

/// Tells of a reservation that was not made, and ends its span.
pub(crate) fn denied(asked: Asked<'_>, error: &Error) {
    let Asked { request, span, .. } = asked;
    let decision = if error.is_denied() || matches!(error, Error::NoBudget { .. }) { "DENY" } else { "NONE" };
    let reason = error.reason_word();
    let trace_id = error.trace_id();
    if span.is_open() {
        span.record("decision", decision);
        span.record("reason", reason);
        if let Some(trace_id) = trace_id {
            span.record("trace.id", trace_id);
        }
    }
    span.in_scope(|| {
        tracing::event!(
            name: "cycles.decision",
            target: "runcycles",
            Level::INFO,
            decision,
            reason,
            action.kind = request.action.kind,
            scope = %request.subject,
            estimate = request.estimate.value(),
            unit = request.estimate.unit().as_str(),
            trace.id = trace_id,
        );
    });
    #[cfg(feature = "metrics")]
    {
        super::meters::decided(request, decision);
        if decision == "DENY" {
            super::meters::denied(error, reason, asked.scopes);
        }
    }
    span.close();
}
