//! Refusals of the admin plane as HTTP answers.

use http::StatusCode;
use runcycles::models::ErrorCode;

use crate::engine::BudgetError;
use crate::engine::admin::AdminRefusal;
use crate::http::problem::Problem;

impl From<AdminRefusal> for Problem {
    fn from(refusal: AdminRefusal) -> Self {
        let (status, code) = match &refusal {
            AdminRefusal::Budget(error) => return budget(error),
            AdminRefusal::TenantNotFound { .. } => (StatusCode::NOT_FOUND, "TENANT_NOT_FOUND"),
            AdminRefusal::BudgetNotFound { .. } => (StatusCode::NOT_FOUND, "BUDGET_NOT_FOUND"),
            AdminRefusal::KeyNotFound { .. }
            | AdminRefusal::PolicyNotFound { .. }
            | AdminRefusal::CounterNotFound { .. } => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            AdminRefusal::SubscriptionNotFound { .. } => (StatusCode::NOT_FOUND, "WEBHOOK_NOT_FOUND"),
            AdminRefusal::TenantClosed { .. } => (StatusCode::CONFLICT, "TENANT_CLOSED"),
            AdminRefusal::Duplicate { .. } => (StatusCode::CONFLICT, "DUPLICATE_RESOURCE"),
            AdminRefusal::KeyRevoked { .. } => (StatusCode::CONFLICT, "KEY_REVOKED"),
            AdminRefusal::KeyExpired { .. } => (StatusCode::CONFLICT, "KEY_EXPIRED"),
            AdminRefusal::KeyMismatch => (StatusCode::CONFLICT, "IDEMPOTENCY_MISMATCH"),
            AdminRefusal::OtherTenant | AdminRefusal::OutOfScope { .. } => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            AdminRefusal::TenantNotActive { .. } | AdminRefusal::Invalid { .. } => {
                (StatusCode::BAD_REQUEST, "INVALID_REQUEST")
            }
        };
        Self::new(status, ErrorCode::from(code), refusal.to_string())
    }
}

fn budget(error: &BudgetError) -> Problem {
    match error {
        BudgetError::NoBudget { .. } => not_found("BUDGET_NOT_FOUND", error.to_string()),
        BudgetError::InsufficientFunds { scope, requested, remaining } => conflict(
            ErrorCode::BudgetExceeded,
            format!("Insufficient funds: {scope}: {requested} requested, {remaining} remaining"),
        ),
        BudgetError::Frozen { scope } => {
            conflict(ErrorCode::BudgetFrozen, format!("Budget is frozen for scope: {scope}"))
        }
        BudgetError::NotFrozen { scope } => {
            conflict(ErrorCode::InvalidRequest, format!("Budget is not frozen: {scope}"))
        }
        BudgetError::Closed { scope } => {
            conflict(ErrorCode::BudgetClosed, format!("Budget is closed for scope: {scope}"))
        }
        BudgetError::Overflow { .. } => Problem::invalid(format!("Validation failed: amount: {error}")),
        BudgetError::Store(_) => Problem::not_kept(),
    }
}

fn not_found(code: &str, message: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, ErrorCode::from(code), message)
}

fn conflict(code: ErrorCode, message: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, message)
}
