//! What an authority said when it refused.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use http::HeaderMap;

use super::Error;
use super::witness::Mark;
use crate::protocol::{
    Amount, DenyDetail, ErrorCode, ErrorResponse, EvidenceRef, Extra, ReasonCode, ReservationCreateResponse,
    SignedAmount, Unit,
};

/// The reason of a denial by a call's own tier, which is this side's word.
pub(crate) const PRIORITY_FLOOR: &str = "PRIORITY_FLOOR";

/// What an authority said when it refused, in full.
///
/// The accessors for scope, amounts and reason read `details`, which not every server fills; what a reservation asked for is known
/// without.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusal {
    status: u16,
    code: Option<ErrorCode>,
    reason: Option<ReasonCode>,
    request_id: Option<String>,
    trace_id: Option<String>,
    retry_after: Option<Duration>,
    details: Extra,
    affected_scopes: Vec<String>,
    evidence: Option<EvidenceRef>,
    /// What the reservation asked for, as this side knows it.
    pub(super) asked: Option<Amount>,
    /// What tells whether this denial is still held.
    pub(super) mark: Mark,
}

impl Refusal {
    /// The HTTP status; 200 for a denial that came as a decision.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The error code.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.code.as_ref()
    }

    /// Why the action was denied.
    pub fn reason(&self) -> Option<&ReasonCode> {
        self.reason.as_ref()
    }

    /// The request's id in the authority's logs.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The trace the request belongs to.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// When asking again makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What the authority said beyond the code.
    pub fn details(&self) -> &Extra {
        &self.details
    }

    /// The scopes derived from the subject.
    pub fn affected_scopes(&self) -> &[String] {
        &self.affected_scopes
    }

    /// Signed evidence of the refusal.
    pub fn evidence(&self) -> Option<&EvidenceRef> {
        self.evidence.as_ref()
    }

    /// Why the action was denied, in detail (protocol v0.1.26): which rule said no, and what would change that. Absent where the
    /// authority told none.
    pub fn deny_detail(&self) -> Option<DenyDetail> {
        DenyDetail::among(&self.details)
    }

    /// The scope that said no, such as `tenant:acme/agent:bot`.
    pub fn scope(&self) -> Option<&str> {
        let detailed = || self.details.get("deny_detail")?.get("blocked_by_scope");
        self.details.get("scope").or_else(detailed)?.as_str()
    }

    /// What was asked for.
    pub fn requested(&self) -> Option<Amount> {
        let told = || Some(Amount::new(self.unit()?, self.details.get("requested")?.as_u64()?));
        told().or_else(|| self.asked.clone())
    }

    /// What was left; negative in overdraft.
    pub fn remaining(&self) -> Option<SignedAmount> {
        Some(SignedAmount::new(self.unit()?, self.details.get("remaining")?.as_i64()?))
    }

    /// What to do about a budget's no: what the authority suggests, or else what the reason says.
    fn cure(&self) -> Cow<'static, str> {
        if let Some(fix) = self.suggested_fix() {
            return format!("; {fix}").into();
        }
        Cow::Borrowed(match self.reason {
            Some(ReasonCode::OverdraftLimitExceeded) => "; the budget is over its limit until it is funded",
            Some(ReasonCode::DebtOutstanding) => "; repay the budget's debt",
            _ => "; ask for less, take a cheaper action, or fund the budget",
        })
    }

    /// What the authority suggests, no longer than the protocol has it.
    fn suggested_fix(&self) -> Option<&str> {
        const LONGEST: usize = 512;
        let fix = self.details.get("deny_detail")?.get("suggested_fix")?.as_str()?;
        Some(fix.char_indices().nth(LONGEST).map_or(fix, |(end, _)| &fix[..end]))
    }

    fn unit(&self) -> Option<Unit> {
        self.details.get("unit")?.as_str().map(Unit::from)
    }

    fn expected_units(&self) -> Vec<Unit> {
        let units = self.details.get("expected_units").and_then(|units| units.as_array());
        units.into_iter().flatten().filter_map(|unit| unit.as_str()).map(Unit::from).collect()
    }

    /// Which scope, what was asked and what is left, where the authority told; otherwise its own words.
    fn explain(&self, message: &str) -> String {
        let Some(scope) = self.scope() else { return message.to_owned() };
        let mut text = scope.to_owned();
        match (self.requested(), self.remaining()) {
            (Some(requested), Some(remaining)) => {
                let _ = write!(text, " has {remaining} left and {requested} was asked for");
            }
            _ => {
                let _ = write!(text, ": {message}");
            }
        }
        text
    }
}

/// The code in brackets after the status, where there is one.
pub(super) fn show_code(code: Option<&ErrorCode>) -> String {
    code.map_or_else(String::new, |code| format!(", {code}"))
}

impl Error {
    /// The error for an error response. `body` is absent where the body was not one.
    ///
    /// `reserves` says whether `NOT_FOUND` means a missing budget, as it does for operations that name a subject, or a
    /// missing reservation.
    pub(crate) fn from_refusal(status: u16, headers: &HeaderMap, body: Option<ErrorResponse>, reserves: bool) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut refusal = Refusal {
            status,
            retry_after: parse_retry_after(headers),
            request_id: header("x-request-id"),
            trace_id: header("x-cycles-trace-id"),
            ..Refusal::default()
        };
        let Some(body) = body else {
            let message = "the body is not a Cycles error; is this the address of an authority?".to_owned();
            return Self::Api { status, code: None, message, refusal: Box::new(refusal) };
        };
        refusal.request_id = Some(body.request_id);
        refusal.trace_id = body.trace_id.or(refusal.trace_id);
        refusal.details = body.details.unwrap_or_default();
        refusal.evidence = body.cycles_evidence;
        let told = refusal.details.get("reason").and_then(|reason| reason.as_str()).map(ReasonCode::from);
        let told = told.or_else(|| DenyDetail::reason_among(&refusal.details));
        refusal.reason = Some(told.unwrap_or_else(|| ReasonCode::from(body.error.as_str())));
        refusal.code = Some(body.error.clone());
        match body.error {
            ErrorCode::NotFound if reserves => Self::NoBudget { message: body.message, refusal: Box::new(refusal) },
            ErrorCode::UnitMismatch => {
                let expected = refusal.expected_units();
                Self::UnitMismatch { message: body.message, expected, refusal: Box::new(refusal) }
            }
            code => match verdict(&ReasonCode::from(code.as_str())) {
                Some(says_no) => says_no.into_error(&body.message, refusal),
                None => Self::Api { status, code: Some(code), message: body.message, refusal: Box::new(refusal) },
            },
        }
    }

    /// The error for a call whose tier leaves the rest of a budget to others.
    pub(crate) fn below_floor(message: String, scope: &str, affected_scopes: &[String]) -> Self {
        let mut details = Extra::new();
        details.insert("scope".to_owned(), scope.into());
        let refusal = Refusal {
            status: 200,
            reason: Some(ReasonCode::from(PRIORITY_FLOOR)),
            details,
            affected_scopes: affected_scopes.to_vec(),
            ..Refusal::default()
        };
        Self::BudgetExceeded { message, retry_after: None, refusal: Box::new(refusal) }
    }

    /// The error for a denial that came as a decision. A reason this version does not know is a denial all the same, and one
    /// that no fallback should route around.
    pub(crate) fn from_denial(answer: ReservationCreateResponse, headers: &HeaderMap) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let reason = answer.reason_code.or_else(|| DenyDetail::reason_among(&answer.extra));
        let refusal = Refusal {
            status: 200,
            code: None,
            request_id: header("x-request-id"),
            trace_id: header("x-cycles-trace-id"),
            retry_after: answer.retry_after_ms.map(Duration::from_millis),
            details: answer.extra,
            affected_scopes: answer.affected_scopes,
            evidence: answer.cycles_evidence,
            reason: reason.clone(),
            ..Refusal::default()
        };
        let Some(reason) = reason else {
            return No::Budget.into_error("denied without a reason", refusal);
        };
        let message = format!("denied with reason {reason}");
        if reason == ReasonCode::BudgetNotFound {
            return Self::NoBudget { message, refusal: Box::new(refusal) };
        }
        verdict(&reason).unwrap_or(No::Operator).into_error(&message, refusal)
    }
}

/// Who says no.
#[derive(Clone, Copy)]
enum No {
    Budget,
    Operator,
}

impl No {
    fn into_error(self, message: &str, refusal: Refusal) -> Error {
        match self {
            Self::Budget => {
                let message = refusal.explain(message) + &refusal.cure();
                Error::BudgetExceeded { message, retry_after: refusal.retry_after, refusal: Box::new(refusal) }
            }
            // How much is left has nothing to do with it.
            Self::Operator => {
                let mut message = match refusal.scope() {
                    Some(scope) if !message.contains(scope) => format!("{scope}: {message}"),
                    _ => message.to_owned(),
                };
                if let Some(fix) = refusal.suggested_fix() {
                    let _ = write!(message, "; {fix}");
                }
                Error::Blocked { message, refusal: Box::new(refusal) }
            }
        }
    }
}

/// Who says no by a reason, or nobody.
fn verdict(reason: &ReasonCode) -> Option<No> {
    match reason {
        ReasonCode::BudgetExceeded | ReasonCode::OverdraftLimitExceeded | ReasonCode::DebtOutstanding => {
            Some(No::Budget)
        }
        ReasonCode::BudgetFrozen
        | ReasonCode::BudgetClosed
        | ReasonCode::TenantClosed
        | ReasonCode::ActionQuotaExceeded
        | ReasonCode::ActionKindDenied
        | ReasonCode::ActionKindNotAllowed => Some(No::Operator),
        _ => None,
    }
}

/// `Retry-After` in its only form of this protocol: whole seconds.
pub(crate) fn parse_retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number too large to read is a very long wait.
    Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}
