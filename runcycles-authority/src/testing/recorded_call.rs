//! One thing that a client asked for.

use http::StatusCode;
use runcycles::models::{
    Action, Amount, Caps, Decision, ErrorCode, IdempotencyKey, Metadata, ReasonCode, ReservationId, Subject,
};
use serde::Deserialize;

use crate::faults::{Call, RecordedRequest};

/// One thing that a client asked for, and what it was told in the end.
///
/// Attempts with the same body are one call: a client that gets no usable answer asks again with the same key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecordedCall {
    /// The operation.
    pub call: Call,
    /// Who acts, with every level and dimension that was sent. A commit, release or extension has its reservation's.
    pub subject: Option<Subject>,
    /// What is done. A commit, release or extension has its reservation's.
    pub action: Option<Action>,
    /// What was asked for. A commit, release or extension has its reservation's.
    pub estimate: Option<Amount>,
    /// What it cost, as a commit or an event says.
    pub actual: Option<Amount>,
    /// The metadata that was sent with this request.
    pub metadata: Metadata,
    /// The idempotency key.
    pub key: Option<IdempotencyKey>,
    /// The reservation that was made, or is meant.
    pub reservation_id: Option<ReservationId>,
    /// Whether nothing was to be held, as shadow mode asks.
    pub dry_run: bool,
    /// Why a hold was given back, as a release says.
    pub reason: Option<String>,
    /// The status of the last answer; none where the client never got one.
    pub status: Option<StatusCode>,
    /// The decision, where the answer has one.
    pub decision: Option<Decision>,
    /// The limits that came with the decision.
    pub caps: Option<Caps>,
    /// Why a dry run or a decision was denied.
    pub reason_code: Option<ReasonCode>,
    /// The code of a refusal.
    pub error: Option<ErrorCode>,
    /// How often it was asked.
    pub attempts: usize,
}

/// What requests have in their bodies.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) idempotency_key: Option<IdempotencyKey>,
    pub(super) subject: Option<Subject>,
    pub(super) action: Option<Action>,
    pub(super) estimate: Option<Amount>,
    pub(super) actual: Option<Amount>,
    pub(super) metadata: Option<Metadata>,
    pub(super) dry_run: Option<bool>,
    pub(super) reason: Option<String>,
}

impl Asked {
    /// What a body asks for; nothing where it is no request of the protocol.
    pub(super) fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }
}

/// What answers have in their bodies.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    decision: Option<String>,
    reservation_id: Option<ReservationId>,
    caps: Option<Caps>,
    reason_code: Option<String>,
    error: Option<String>,
}

impl RecordedCall {
    /// The call of a request, if it is one of the runtime plane. What it is about where only its reservation says so is left out.
    pub(super) fn of(request: &RecordedRequest) -> Option<Self> {
        let call = request.call?;
        let asked = Asked::of(&request.body);
        let mut recorded = Self {
            call,
            subject: asked.subject,
            action: asked.action,
            estimate: asked.estimate,
            actual: asked.actual,
            metadata: asked.metadata.unwrap_or_default(),
            key: asked.idempotency_key,
            reservation_id: reservation_of(&request.target),
            dry_run: asked.dry_run.unwrap_or(false),
            reason: asked.reason,
            status: None,
            decision: None,
            caps: None,
            reason_code: None,
            error: None,
            attempts: 0,
        };
        recorded.attempt(request);
        Some(recorded)
    }

    /// Counts an attempt, whose answer replaces the one before.
    pub(super) fn attempt(&mut self, request: &RecordedRequest) {
        self.attempts += 1;
        if request.status.is_none() {
            return;
        }
        let told: Told = serde_json::from_slice(&request.answer).unwrap_or_default();
        self.status = request.status;
        self.decision = told.decision.as_deref().map(Decision::from);
        self.caps = told.caps;
        self.reason_code = told.reason_code.as_deref().map(ReasonCode::from);
        self.error = told.error.as_deref().map(ErrorCode::from);
        if self.reservation_id.is_none() {
            self.reservation_id = told.reservation_id;
        }
    }

    /// Takes from its reservation what a commit, release or extension does not say.
    pub(super) fn settle_of(&mut self, reservation: &Self) {
        self.subject.clone_from(&reservation.subject);
        self.action.clone_from(&reservation.action);
        self.estimate.clone_from(&reservation.estimate);
    }

    /// The path of the subject, in small letters as budgets have it, such as `tenant:acme/agent:bot`; empty without a subject.
    pub fn scope(&self) -> String {
        self.subject.as_ref().map(ToString::to_string).unwrap_or_default().to_ascii_lowercase()
    }

    /// The kind of the action; empty without one.
    pub fn kind(&self) -> &str {
        self.action.as_ref().map_or("", |action| &action.kind)
    }

    /// The name of the action; empty without one.
    pub fn name(&self) -> &str {
        self.action.as_ref().map_or("", |action| &action.name)
    }

    /// Whether it was answered with a success, and with no denial.
    pub fn is_allowed(&self) -> bool {
        let succeeded = self.status.is_some_and(|status| status.is_success());
        succeeded && self.decision != Some(Decision::Deny)
    }

    /// Whether an action was refused: by a budget, by an operator or by a rule. Requests that are malformed, unauthorised or
    /// unanswered are not denied.
    pub fn is_denied(&self) -> bool {
        let asks = matches!(self.call, Call::Reserve | Call::Decide | Call::Event);
        let refused = match &self.error {
            None => false,
            // No level has a budget.
            Some(ErrorCode::NotFound) => true,
            Some(code) => !matches!(code, ErrorCode::IdempotencyMismatch) && self.status == Some(StatusCode::CONFLICT),
        };
        asks && (refused || self.decision == Some(Decision::Deny))
    }

    /// Whether the action was let run: its reservation was allowed, or asked for in shadow mode, which runs it whatever the answer
    /// is; or it was recorded as an event, after the fact.
    pub fn is_let_run(&self) -> bool {
        match self.call {
            Call::Reserve => self.dry_run || self.is_allowed(),
            Call::Event => true,
            _ => false,
        }
    }

    /// What it was told, in a word or two.
    pub(super) fn answer(&self) -> String {
        let Some(status) = self.status else { return "no answer".to_owned() };
        match (&self.error, &self.decision) {
            (Some(code), _) => format!("{} {}", status.as_u16(), code.as_str()),
            (None, Some(decision)) => match &self.reason_code {
                Some(reason) => format!("{} {}", decision.as_str(), reason.as_str()),
                None => decision.as_str().to_owned(),
            },
            (None, None) => status.as_u16().to_string(),
        }
    }
}

/// The reservation that a path names.
fn reservation_of(target: &str) -> Option<ReservationId> {
    let path = target.split('?').next()?;
    let id = path.strip_prefix("/v1/reservations/")?.split('/').next()?;
    ReservationId::new(id).ok()
}
