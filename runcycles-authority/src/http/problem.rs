//! Refusals as HTTP answers.

use std::borrow::Cow;

use http::StatusCode;
use runcycles::models::{ErrorCode, Extra};
use serde_json::json;

use crate::engine::{Denial, Reason, Refusal};
use crate::unit::Unit;

/// A refusal: its status, its code, its words.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: ErrorCode,
    pub(super) message: Cow<'static, str>,
    pub(super) details: Option<Extra>,
    /// The methods that a route has, where another was used.
    pub(super) allow: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), details: None, allow: None }
    }

    /// A request that cannot be taken as it is.
    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidRequest, message)
    }

    /// A member that the authority does not take.
    pub(super) fn unknown_member(name: &str) -> Self {
        Self::invalid(format!("Malformed request body: unknown field `{name}`"))
    }

    /// A body that is not the JSON it should be.
    pub(super) fn malformed(error: &serde_json::Error) -> Self {
        /// The error repeats names from the body, which may be long.
        const SHOWN: usize = 300;
        let mut reason = error.to_string();
        if let Some((end, _)) = reason.char_indices().nth(SHOWN) {
            reason.truncate(end);
            reason.push('…');
        }
        Self::invalid(format!("Malformed request body: {reason}"))
    }

    pub(super) fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, message)
    }

    pub(super) fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, message)
    }

    /// The authority failed; the log says how.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::InternalError, "Internal error")
    }

    /// The store failed; the log says how.
    pub(in crate::http) fn not_kept() -> Self {
        let message = "Internal error: the authority cannot write to its store, and answers nothing it might forget; once it has been restarted, retry with the same idempotency key";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::InternalError, message)
    }

    pub(super) fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, "No such route")
    }

    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("Method not allowed: use {allow}");
        let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::InvalidRequest, message);
        Self { allow: Some(allow), ..problem }
    }

    pub(super) fn media_type() -> Self {
        let message = "Unsupported media type: send the body as application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::InvalidRequest, message)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let details = match &refusal {
            Refusal::Denied(denial) => Some(denial_details(denial)),
            Refusal::WrongUnit { scope, requested, expected } => Some(unit_details(scope, *requested, expected)),
            _ => None,
        };
        let message = refusal.message().into();
        Self { status: status_of(&code), code, message, details, allow: None }
    }
}

/// The status that goes with a code.
fn status_of(code: &ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidRequest | ErrorCode::UnitMismatch => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::ReservationExpired => StatusCode::GONE,
        ErrorCode::LimitExceeded => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    }
}

/// What a program needs to act on a denial: `scope`, `unit`, `requested`, `remaining`, `reason`.
fn denial_details(denial: &Denial) -> Extra {
    let Denial { reason, scope, unit, requested, remaining, .. } = denial;
    let mut details = Extra::new();
    details.insert("scope".to_owned(), json!(&**scope));
    details.insert("unit".to_owned(), json!(unit.as_str()));
    details.insert("requested".to_owned(), json!(requested));
    if let Some(remaining) = remaining {
        details.insert("remaining".to_owned(), json!(remaining));
    }
    details.insert("reason".to_owned(), json!(denial.reason_code().as_str()));
    if let Reason::OverdraftLimit { debt, limit } = reason {
        details.insert("debt".to_owned(), json!(debt));
        details.insert("overdraft_limit".to_owned(), json!(limit));
    }
    if let Some(detail) = denial.detail() {
        details.insert("deny_detail".to_owned(), json!(detail));
    }
    details
}

fn unit_details(scope: &str, requested: Unit, expected: &[Unit]) -> Extra {
    let expected: Vec<_> = expected.iter().map(|unit| unit.as_str()).collect();
    let mut details = Extra::new();
    details.insert("scope".to_owned(), json!(scope));
    details.insert("requested_unit".to_owned(), json!(requested.as_str()));
    details.insert("expected_units".to_owned(), json!(expected));
    details
}
