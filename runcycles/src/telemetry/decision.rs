//! What authorities say of reservations.

use tracing::Level;

use super::CallSpan;
use crate::error::Error;
use crate::protocol::{Amount, Decision, Level as ScopeLevel, ReasonCode, ReservationCreateRequest, Subject};

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

/// A reservation that was made, and whose call does not run.
#[derive(Clone, Copy)]
pub(crate) struct TurnedDown<'a> {
    pub(crate) reservation: &'a str,
    pub(crate) action_kind: &'a str,
    pub(crate) subject: &'a Subject,
    pub(crate) estimate: &'a Amount,
    pub(crate) span: &'a CallSpan,
    /// The innermost level that labels of metrics name.
    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "only metrics have labels"))]
    pub(crate) scopes: ScopeLevel,
}

/// Tells that a call's own conditions deny what the authority allowed. The span ends as the reservation is returned.
pub(crate) fn turned_down(call: TurnedDown<'_>, error: &Error) {
    let reason = error.reason_word();
    if call.span.is_open() {
        call.span.record("decision", "DENY");
        call.span.record("reason", reason);
    }
    call.span.in_scope(|| {
        tracing::event!(
            name: "cycles.decision",
            target: "runcycles",
            Level::INFO,
            reservation.id = call.reservation,
            decision = "DENY",
            reason,
            action.kind = call.action_kind,
            scope = %call.subject,
            estimate = call.estimate.value(),
            unit = call.estimate.unit().as_str(),
        );
    });
    #[cfg(feature = "metrics")]
    super::meters::denied(error, reason, call.scopes);
}
