//! Refusals as responses.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use runcycles::{Error, denial};
use serde_json::{Value, json};

/// How long a client waits before it asks again, where the authority cannot be reached and has said nothing of it.
const UNAVAILABLE: Duration = Duration::from_secs(5);

/// An error of a guarded call as a response: a problem in JSON (RFC 9457), with a `Retry-After` where one is known.
///
/// In handlers, `?` makes it of a [`runcycles::Error`]:
///
/// ```
/// use runcycles::{Error, cycles, usd};
/// use runcycles_with_axum::Refused;
///
/// #[cycles(usd!(0.02), "llm.completion", action_name = "gpt-4o")]
/// async fn ask(question: &str) -> Result<String, Error> {
///     Ok(format!("an answer to {question}"))
/// }
///
/// async fn chat(question: String) -> Result<String, Refused> {
///     Ok(ask(&question).await?)
/// }
/// ```
#[derive(Debug)]
pub struct Refused {
    error: Error,
    problems: Problems,
}

impl Refused {
    /// An error, answered as a server wants it.
    pub fn new(error: Error, problems: Problems) -> Self {
        Self { error, problems }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::new(error, Problems::default())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.problems.response(&self.error)
    }
}

/// How a server answers requests that it may not work on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Problems {
    exhausted: Exhausted,
    explains: bool,
}

/// The status for a budget that is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exhausted {
    /// 402 Payment Required: somebody has to fund the budget.
    #[default]
    PaymentRequired,
    /// 429 Too Many Requests: the budget is refilled by itself, as a daily one is.
    TooManyRequests,
    /// 503 Service Unavailable: the budget is the server's own, and none of the caller's business.
    ServiceUnavailable,
}

impl Problems {
    /// The status for a budget that is used up; 402 by default.
    pub fn exhausted(mut self, status: Exhausted) -> Self {
        self.exhausted = status;
        self
    }

    /// Tells callers which scope said no, what was asked for and what is left, as internal services want it. By default they
    /// learn none of it.
    pub fn explaining(mut self) -> Self {
        self.explains = true;
        self
    }

    /// The response to an error of a guarded call.
    pub fn response(&self, error: &Error) -> Response {
        // A denial counts wherever it stands: below an action's own error, or in a stream that was cut.
        let error = denial(error).unwrap_or(error);
        let (status, name, title) = self.kind(error);
        let detail = self.explains.then(|| error.to_string());
        let mut members = serde_json::Map::new();
        let refusal = error.refusal();
        if let Some(request) = error.request_id() {
            members.insert("request_id".to_owned(), request.into());
        }
        if let Some(refusal) = refusal.filter(|_| self.explains) {
            members.extend(refusal.scope().map(|scope| ("scope".to_owned(), scope.into())));
            members.extend(refusal.reason().map(|reason| ("reason".to_owned(), reason.as_str().into())));
        }
        let mut response = problem_with(status, name, title, detail, members);
        let unavailable = error.retry_after().is_none() && name == "authority-unavailable";
        if let Some(wait) = error.retry_after().or(unavailable.then_some(UNAVAILABLE)) {
            response.headers_mut().insert(RETRY_AFTER, whole_seconds(wait).into());
        }
        response
    }

    /// The status, the type and the title of an error.
    fn kind(self, error: &Error) -> (StatusCode, &'static str, &'static str) {
        match error {
            Error::BudgetExceeded { .. } => (self.exhausted.status(), "budget-exceeded", "The budget is used up"),
            Error::Blocked { .. } => (StatusCode::FORBIDDEN, "blocked", "An operator has blocked this"),
            Error::NoBudget { .. } | Error::UnbudgetedScope { .. } => {
                (StatusCode::FORBIDDEN, "no-budget", "There is no budget for this")
            }
            Error::Validation(_) => (StatusCode::BAD_REQUEST, "invalid", "No budget can be asked for this request"),
            Error::ShutDown => {
                (StatusCode::SERVICE_UNAVAILABLE, "authority-unavailable", "The server is shutting down")
            }
            error if error.is_retryable() => {
                (StatusCode::SERVICE_UNAVAILABLE, "authority-unavailable", "Budgets cannot be checked at the moment")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "failed", "The request failed"),
        }
    }
}

impl Exhausted {
    fn status(self) -> StatusCode {
        match self {
            Self::PaymentRequired => StatusCode::PAYMENT_REQUIRED,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// Whole seconds that are not shorter than a wait.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// A problem without further members.
pub(crate) fn problem(status: StatusCode, name: &str, title: &str, detail: Option<String>) -> Response {
    problem_with(status, name, title, detail, serde_json::Map::new())
}

fn problem_with(
    status: StatusCode,
    name: &str,
    title: &str,
    detail: Option<String>,
    members: serde_json::Map<String, Value>,
) -> Response {
    let mut body =
        json!({ "type": format!("urn:runcycles:problem:{name}"), "title": title, "status": status.as_u16() });
    if let Some(body) = body.as_object_mut() {
        body.extend(detail.map(|detail| ("detail".to_owned(), detail.into())));
        body.extend(members);
    }
    let json = HeaderValue::from_static("application/problem+json");
    (status, [(CONTENT_TYPE, json)], body.to_string()).into_response()
}
