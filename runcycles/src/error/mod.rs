//! Everything that can go wrong, in the terms a caller acts on.

mod chain;
mod config;
mod cut;
mod for_model;
mod refusal;
mod transport;
mod witness;

use std::error::Error as StdError;
use std::time::Duration;

use crate::protocol::{Amount, DenyDetail, ErrorCode, EvidenceRef, Extra, ReservationId, Unit, ValidationError};

pub use self::chain::denial;
pub use self::config::ConfigError;
pub use self::cut::StreamCut;
#[cfg(feature = "metrics")]
pub(crate) use self::refusal::PRIORITY_FLOOR;
pub use self::refusal::Refusal;
#[cfg(feature = "evidence")]
pub(crate) use self::refusal::parse_retry_after;
pub use self::transport::{TransportError, TransportErrorKind};
pub(crate) use self::witness::Witness;

/// Everything that can go wrong.
///
/// Two variants say no: [`BudgetExceeded`](Self::BudgetExceeded) is the budget's no, which a cheaper action may answer;
/// [`Blocked`](Self::Blocked) is an operator's no, which nothing should route around.
///
/// ```
/// use runcycles::Error;
///
/// fn next_model(error: &Error) -> Option<&'static str> {
///     match error {
///         Error::BudgetExceeded { .. } => Some("gpt-4o-mini"),
///         _ => None,
///     }
/// }
/// ```
///
/// `Display` shows this layer alone; the cause is in [`source`](StdError::source). What to do about each variant is in the guide:
/// [failure and recovery](crate::guide::failure_and_recovery).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The budget says no: too little remains, it is over its limit, or it has debt
    /// (`BUDGET_EXCEEDED`, `OVERDRAFT_LIMIT_EXCEEDED`, `DEBT_OUTSTANDING`). The action did not run.
    #[error("budget exceeded: {message}")]
    #[non_exhaustive]
    BudgetExceeded {
        /// Which scope, what was asked, what is left and what to do, as far as the authority told.
        message: String,
        /// When asking again makes sense, if the authority said.
        retry_after: Option<Duration>,
        /// The answer in full.
        refusal: Box<Refusal>,
    },

    /// An operator or a policy says no: a frozen or closed budget, a closed tenant, a forbidden kind of action, or a reason
    /// this version does not know. The action did not run, and a fallback must not route around it.
    #[error("blocked: {message}")]
    #[non_exhaustive]
    Blocked {
        /// What is blocked, as far as the authority told.
        message: String,
        /// The answer in full.
        refusal: Box<Refusal>,
    },

    /// No level of the subject has a budget, so nothing can be reserved.
    #[error("no budget: {message}; create one for a level of the subject, or correct the subject")]
    #[non_exhaustive]
    NoBudget {
        /// The authority's words.
        message: String,
        /// The answer in full.
        refusal: Box<Refusal>,
    },

    /// Levels that the call requires to have a budget of their own have none, so nothing would cap it there. The action did not
    /// run, and its hold was returned.
    #[error("no budget of its own for {}; create one, or require less", scopes.join(", "))]
    #[non_exhaustive]
    UnbudgetedScope {
        /// The scopes without a budget.
        scopes: Vec<String>,
    },

    /// Budgets exist for the subject, but in other units; or a commit names another unit than its reservation.
    #[error("unit mismatch: {message}")]
    #[non_exhaustive]
    UnitMismatch {
        /// The authority's words.
        message: String,
        /// The units the subject has budgets in, if the authority said.
        expected: Vec<Unit>,
        /// The answer in full.
        refusal: Box<Refusal>,
    },

    /// Any other refusal.
    #[error("the authority refused (HTTP {status}{}): {message}", refusal::show_code(code.as_ref()))]
    #[non_exhaustive]
    Api {
        /// The HTTP status.
        status: u16,
        /// The code, where the body was a Cycles error.
        code: Option<ErrorCode>,
        /// The authority's words.
        message: String,
        /// The answer in full.
        refusal: Box<Refusal>,
    },

    /// No answer arrived. Whether the authority acted is unknown; the same request with the same key is safe to repeat.
    #[error("no answer from the authority")]
    Transport(#[from] TransportError),

    /// The authority could not be reached, and the call does not fit into what may be spent without it. The action did not run. The
    /// cause is what became of the reservation.
    #[error(
        "the authority cannot be reached, and {left} of the {limit} that may be spent without it in {window:?} is left, \
         where {asked} was asked for; restore the connection, or allow more"
    )]
    #[non_exhaustive]
    AllowanceExhausted {
        /// What the call asked for.
        asked: Amount,
        /// What is left of the allowance.
        left: Amount,
        /// The allowance; zero where it does not name the unit.
        limit: Amount,
        /// The time that it is for.
        window: Duration,
        /// What became of the reservation.
        source: Box<Self>,
    },

    /// An answer arrived that no correct authority gives, so what it did is unknown.
    #[error("unusable answer to {operation}: {problem}")]
    #[non_exhaustive]
    Ambiguous {
        /// The operation, such as `reserve`.
        operation: &'static str,
        /// What is wrong with the answer.
        problem: String,
        /// A reservation that the answer named all the same.
        reservation_id: Option<ReservationId>,
    },

    /// The request breaks the protocol's limits. Nothing was sent.
    #[error(transparent)]
    Validation(#[from] ValidationError),

    /// The client cannot work as configured. Nothing was sent.
    #[error(transparent)]
    Config(#[from] ConfigError),

    /// The client has been [shut down](crate::CyclesClient::shutdown), and reserves no more. Nothing was sent.
    #[error("the client is shut down and reserves no more; make another, or shut it down later")]
    ShutDown,

    /// The guarded action succeeded, and its settlement is not confirmed. Known spend is safe where the settlement goes on in the
    /// background; it is in no ledger where the authority refused it for good. Calls return this in place of the action's value
    /// where their [`OnUnsettled`](crate::OnUnsettled) policy asks for it.
    #[error("the action succeeded, and its settlement is not confirmed{}", if refusal.is_some() { ": the authority refused it" } else { "; it goes on in the background" })]
    #[non_exhaustive]
    Unsettled {
        /// The reservation that is not settled.
        reservation_id: ReservationId,
        /// Why it never will be; absent where the settlement goes on.
        #[source]
        refusal: Option<Box<Self>>,
    },

    /// The reservation of a guarded call was lost while its action ran: the heartbeat ended, and no time is left as far as is
    /// known. What is known of the action's cost is settled all the same. Calls return this where their
    /// [`HeartbeatPolicy`](crate::HeartbeatPolicy) asks for it.
    #[error("the reservation was lost while its action ran: {reason}")]
    #[non_exhaustive]
    LeaseLost {
        /// The reservation that was lost.
        reservation_id: ReservationId,
        /// Why its heartbeat ended.
        reason: String,
    },

    /// A stream was cut: no more was authorised than it had delivered. What it delivered is settled.
    #[error(transparent)]
    StreamCut(#[from] Box<StreamCut>),

    /// The guarded action failed with an error of its own, which [`with_cycles`](crate::with_cycles) passes on as the
    /// [`source`](StdError::source).
    #[error("the guarded action failed")]
    Action(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Whether the budget says no.
    pub fn is_budget_exceeded(&self) -> bool {
        matches!(self, Self::BudgetExceeded { .. })
    }

    /// Whether an operator or a policy says no.
    pub fn is_blocked(&self) -> bool {
        matches!(self, Self::Blocked { .. })
    }

    /// Whether the authority denied the action: [`is_budget_exceeded`](Self::is_budget_exceeded) or
    /// [`is_blocked`](Self::is_blocked).
    pub fn is_denied(&self) -> bool {
        self.is_budget_exceeded() || self.is_blocked()
    }

    /// Whether a cheaper action may stand in for the one that was denied: the budget says no, and not to a risk, of which a cheaper
    /// action has no less. It is what `fallback` of `#[cycles]` and [`ladder!`](crate::ladder) go by.
    pub fn allows_fallback(&self) -> bool {
        let asked = self.refusal().and_then(Refusal::requested);
        self.is_budget_exceeded() && asked.is_none_or(|asked| *asked.unit() != Unit::RiskPoints)
    }

    /// Whether the authority could not be reached: no answer, or a server error. It has said neither yes nor no.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::AllowanceExhausted { .. } => true,
            Self::Transport(error) => {
                !matches!(error.kind(), TransportErrorKind::Setup | TransportErrorKind::BodyTooLarge)
            }
            Self::Api { status, .. } => *status >= 500,
            _ => false,
        }
    }

    /// Whether the same request with the same key may succeed later without anyone acting: no answer, an unusable answer,
    /// a server error, throttling. Denials are not retryable.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport(_) | Self::Ambiguous { .. } | Self::AllowanceExhausted { .. } => true,
            Self::Api { status, code, .. } => {
                *status >= 500 || *status == 429 || *code == Some(ErrorCode::LimitExceeded)
            }
            _ => false,
        }
    }

    /// Whether the API key is missing, unknown or not allowed to do this.
    pub fn is_auth(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }

    /// What it is, in one word that telemetry can show: the reason of a denial or the code of a refusal, or else the kind of error.
    pub(crate) fn reason_word(&self) -> &str {
        let refusal = self.refusal();
        if let Some(reason) = refusal.and_then(Refusal::reason) {
            return reason.as_str();
        }
        if let Some(code) = refusal.and_then(Refusal::code) {
            return code.as_str();
        }
        match self {
            Self::BudgetExceeded { .. } => "budget_exceeded",
            Self::Blocked { .. } => "blocked",
            Self::NoBudget { .. } => "no_budget",
            Self::UnbudgetedScope { .. } => "unbudgeted_scope",
            Self::UnitMismatch { .. } => "unit_mismatch",
            Self::Api { .. } => "refused",
            Self::Transport(_) => "transport",
            Self::AllowanceExhausted { .. } => "allowance_exhausted",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Validation(_) => "validation",
            Self::Config(_) => "config",
            Self::ShutDown => "shut_down",
            Self::Unsettled { .. } => "unsettled",
            Self::LeaseLost { .. } => "lease_lost",
            Self::StreamCut(_) => "stream_cut",
            Self::Action(_) => "action",
        }
    }

    /// The authority's answer, where it gave a refusal.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::BudgetExceeded { refusal, .. }
            | Self::Blocked { refusal, .. }
            | Self::NoBudget { refusal, .. }
            | Self::UnitMismatch { refusal, .. }
            | Self::Api { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(Refusal::status)
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.refusal()?.code()
    }

    /// The request's id in the authority's logs.
    pub fn request_id(&self) -> Option<&str> {
        self.refusal()?.request_id()
    }

    /// The trace the request belongs to.
    pub fn trace_id(&self) -> Option<&str> {
        self.refusal()?.trace_id()
    }

    /// When asking again makes sense, if the authority said.
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after()
    }

    /// What the authority said about the refusal beyond its code.
    pub fn details(&self) -> Option<&Extra> {
        self.refusal().map(Refusal::details)
    }

    /// Why the action was denied, in detail (protocol v0.1.26): the rule that said no, the quota that is used up, and what an operator
    /// can do. Absent where the authority told none.
    pub fn deny_detail(&self) -> Option<DenyDetail> {
        self.refusal()?.deny_detail()
    }

    /// The scopes the authority derived from the subject, where it named them.
    pub fn affected_scopes(&self) -> &[String] {
        self.refusal().map_or(&[], Refusal::affected_scopes)
    }

    /// Signed evidence of the refusal.
    pub fn evidence(&self) -> Option<&EvidenceRef> {
        self.refusal()?.evidence()
    }
}
