//! Why the authority says no.

use std::sync::Arc;

use runcycles::models::{ErrorCode, ReasonCode};

use super::{QuotaHit, Rule};
use crate::unit::Unit;

/// A refused command. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The budgets or their operator say no.
    Denied(Box<Denial>),
    /// Budgets exist on the subject's scopes, but in other units.
    WrongUnit { scope: Arc<str>, requested: Unit, expected: Vec<Unit> },
    /// The amount is in another unit than the reservation.
    ReservationUnit { requested: Unit, reserved: Unit },
    /// The idempotency key was used for another request.
    KeyMismatch,
    /// No such reservation.
    NotFound { id: String },
    /// The reservation belongs to another tenant.
    OtherTenant,
    /// The reservation was committed or released.
    Finalized,
    /// The reservation's time ran out.
    Expired,
    /// The reservation was extended as often as it may be.
    ExtensionsSpent { most: u32 },
    /// A quota counts actions by their run, and the subject names none.
    RunMissing,
    /// The kind of action is of an organisation's own, and nobody declared it.
    KindUndeclared { kind: String },
    /// The numbers would leave the protocol's int64.
    Overflow { scope: Arc<str> },
}

/// A denial: what was asked, where, and what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) reason: Reason,
    pub(crate) scope: Arc<str>,
    pub(crate) unit: Unit,
    pub(crate) requested: i64,
    /// What is left at the scope, where it has a ledger.
    pub(crate) remaining: Option<i64>,
    /// The rule of a policy that denied it.
    pub(crate) rule: Option<Box<Rule>>,
    /// Whether the answer tells in detail (protocol v0.1.26).
    pub(crate) is_explained: bool,
}

/// Why an action is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Too little remains.
    Exceeded,
    /// The actual amount is above the reserved one, and the policy is to reject that.
    ExceedsEstimate {
        estimate: i64,
    },
    Frozen,
    Closed,
    /// The ledger takes no reservations until it is funded.
    OverLimit,
    /// The debt would be more than the ledger allows.
    OverdraftLimit {
        debt: i64,
        limit: i64,
    },
    /// There is debt, and the ledger allows none.
    Debt {
        debt: i64,
    },
    /// No derived scope has a ledger.
    NoBudget,
    TenantClosed {
        tenant: Arc<str>,
    },
    /// A policy has the kind of action on its list of denied ones.
    KindDenied,
    /// A policy has a list of kinds that go through, and this is none of them.
    KindNotAllowed,
    /// A quota of actions is used up.
    Quota(Box<QuotaHit>),
}

impl Denial {
    /// The reason as dry runs and decisions name it.
    pub(crate) fn reason_code(&self) -> ReasonCode {
        match self.reason {
            Reason::Exceeded | Reason::ExceedsEstimate { .. } => ReasonCode::BudgetExceeded,
            Reason::Frozen => ReasonCode::BudgetFrozen,
            Reason::Closed => ReasonCode::BudgetClosed,
            Reason::OverLimit | Reason::OverdraftLimit { .. } => ReasonCode::OverdraftLimitExceeded,
            Reason::Debt { .. } => ReasonCode::DebtOutstanding,
            Reason::NoBudget => ReasonCode::BudgetNotFound,
            Reason::TenantClosed { .. } => ReasonCode::TenantClosed,
            Reason::KindDenied => ReasonCode::ActionKindDenied,
            Reason::KindNotAllowed => ReasonCode::ActionKindNotAllowed,
            Reason::Quota(_) => ReasonCode::ActionQuotaExceeded,
        }
    }

    /// The reason as refusals name it.
    pub(crate) fn error_code(&self) -> ErrorCode {
        match self.reason {
            Reason::Exceeded | Reason::ExceedsEstimate { .. } => ErrorCode::BudgetExceeded,
            Reason::Frozen => ErrorCode::BudgetFrozen,
            Reason::Closed => ErrorCode::BudgetClosed,
            Reason::OverLimit | Reason::OverdraftLimit { .. } => ErrorCode::OverdraftLimitExceeded,
            Reason::Debt { .. } => ErrorCode::DebtOutstanding,
            Reason::NoBudget => ErrorCode::NotFound,
            Reason::TenantClosed { .. } => ErrorCode::TenantClosed,
            Reason::KindDenied => ErrorCode::ActionKindDenied,
            Reason::KindNotAllowed => ErrorCode::ActionKindNotAllowed,
            Reason::Quota(_) => ErrorCode::ActionQuotaExceeded,
        }
    }

    /// The kind of action that a rule denied.
    fn kind(&self) -> &str {
        self.rule.as_ref().map_or("", |rule| &rule.kind)
    }

    /// The denial in words: the scope, what was asked, what is left.
    pub(crate) fn message(&self) -> String {
        let Self { reason, scope, unit, .. } = self;
        let requested = unit.amount(self.requested);
        let remaining = self.remaining.map(|left| format!(", {} remaining", unit.signed(left))).unwrap_or_default();
        match reason {
            Reason::Exceeded => format!("Budget exceeded for: {scope}: {requested} requested{remaining}"),
            Reason::ExceedsEstimate { estimate } => format!(
                "Budget exceeded for: {scope}: the actual {requested} exceeds the reserved {} and the overage policy is REJECT{remaining}",
                unit.amount(*estimate)
            ),
            Reason::Frozen => format!("Budget is frozen for scope: {scope}: {requested} requested{remaining}"),
            Reason::Closed => format!("Budget is closed for scope: {scope}: {requested} requested{remaining}"),
            Reason::OverLimit => format!(
                "Overdraft limit exceeded for: {scope}: over its limit until it is funded, {requested} requested{remaining}"
            ),
            Reason::OverdraftLimit { debt, limit } => format!(
                "Overdraft limit exceeded for: {scope}: {} of debt would exceed the limit of {}, {requested} requested{remaining}",
                unit.amount(*debt),
                unit.amount(*limit)
            ),
            Reason::Debt { debt } => format!(
                "Outstanding debt blocks new reservation for: {scope}: {} of debt, {requested} requested{remaining}",
                unit.amount(*debt)
            ),
            Reason::NoBudget => format!("Budget not found for provided scope: {scope}: {requested} requested"),
            Reason::TenantClosed { tenant } => format!("Tenant {tenant} is closed; owned objects are read-only"),
            Reason::KindDenied => format!("Action kind {} is denied for: {scope}", self.kind()),
            Reason::KindNotAllowed => format!("Action kind {} is not allowed for: {scope}", self.kind()),
            Reason::Quota(hit) => {
                let (counted, window) = (&hit.key.counted, hit.key.window.as_wire());
                format!("Action quota exceeded for: {scope}: {} of {} {counted} actions {window}", hit.used, hit.limit)
            }
        }
    }
}

impl Refusal {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Denied(denial) => denial.error_code(),
            Self::WrongUnit { .. } | Self::ReservationUnit { .. } => ErrorCode::UnitMismatch,
            Self::KeyMismatch => ErrorCode::IdempotencyMismatch,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::OtherTenant => ErrorCode::Forbidden,
            Self::Finalized => ErrorCode::ReservationFinalized,
            Self::Expired => ErrorCode::ReservationExpired,
            Self::ExtensionsSpent { .. } => ErrorCode::MaxExtensionsExceeded,
            Self::Overflow { .. } | Self::RunMissing | Self::KindUndeclared { .. } => ErrorCode::InvalidRequest,
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::Denied(denial) => denial.message(),
            Self::WrongUnit { scope, requested, expected } => {
                let expected: Vec<_> = expected.iter().map(|unit| unit.as_str()).collect();
                format!(
                    "Budget at scope '{scope}' exists but in a different unit (requested: {}, expected: [{}])",
                    requested.as_str(),
                    expected.join(", ")
                )
            }
            Self::ReservationUnit { requested, reserved } => format!(
                "Provided units does not match the stored ones: found {}, expected {}",
                requested.as_str(),
                reserved.as_str()
            ),
            Self::KeyMismatch => {
                "Provided idempotency does not match the stored one: the key was used for another request; use a fresh key"
                    .to_owned()
            }
            Self::NotFound { id } => format!("Resource not found: {id}"),
            Self::OtherTenant => {
                "Reservation belongs to another tenant than the one resolved from authorization token".to_owned()
            }
            Self::Finalized => "Reservation finalized: Reservation already finalized".to_owned(),
            Self::Expired => "Provided reservation has already expired".to_owned(),
            Self::ExtensionsSpent { most } => format!("Maximum reservation extensions ({most}) reached"),
            Self::RunMissing => {
                "Validation failed: subject.dimensions.run_id: must be given, since a quota counts actions by their run"
                    .to_owned()
            }
            Self::KindUndeclared { kind } => {
                format!("Validation failed: action.kind: {kind} is not declared in the registry of action kinds")
            }
            Self::Overflow { scope } => {
                format!("Validation failed: amount: the figures of {scope} would leave 0 to 9223372036854775807")
            }
        }
    }
}

impl Refusal {
    /// The same, told in detail where the authority speaks the extension.
    pub(super) fn explained(mut self, is_explained: bool) -> Self {
        if let Self::Denied(denial) = &mut self {
            denial.is_explained = is_explained;
        }
        self
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(Box::new(denial))
    }
}
