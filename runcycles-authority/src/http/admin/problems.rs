//! Refusals of the admin plane as HTTP answers.

use http::StatusCode;
use runcycles::models::ErrorCode;

use crate::engine::BudgetError;
use crate::engine::admin::AdminRefusal;
use crate::http::problem::Problem;

impl From<AdminRefusal> for Problem {
    fn from(refusal: AdminRefusal) -> Self {
        let code = |text: &str| ErrorCode::from(text);
        match refusal {
            AdminRefusal::TenantNotFound { id } => not_found("TENANT_NOT_FOUND", format!("Tenant not found: {id}")),
            AdminRefusal::KeyNotFound { id } => not_found("NOT_FOUND", format!("API key not found: {id}")),
            AdminRefusal::PolicyNotFound { id } => not_found("NOT_FOUND", format!("Policy not found: {id}")),
            AdminRefusal::BudgetNotFound { scope, unit } => {
                not_found("BUDGET_NOT_FOUND", format!("Budget not found: {scope} in {}", unit.as_str()))
            }
            AdminRefusal::TenantClosed { id } => {
                conflict(ErrorCode::TenantClosed, format!("Tenant {id} is closed; owned objects are read-only"))
            }
            AdminRefusal::TenantNotActive { id } => Self::invalid(format!("Tenant {id} is not active")),
            AdminRefusal::Duplicate { what } => conflict(code("DUPLICATE_RESOURCE"), what),
            AdminRefusal::KeyRevoked { id } => conflict(code("KEY_REVOKED"), format!("API key {id} is revoked")),
            AdminRefusal::KeyExpired { id } => conflict(code("KEY_EXPIRED"), format!("API key {id} has expired")),
            AdminRefusal::OtherTenant => Self::forbidden("It belongs to another tenant"),
            AdminRefusal::OutOfScope { scope } => {
                Self::forbidden(format!("Scope {scope} is outside the scope filter of the API key"))
            }
            AdminRefusal::KeyMismatch => conflict(
                ErrorCode::IdempotencyMismatch,
                "Provided idempotency does not match the stored one: the key was used for another request; use a fresh key"
                    .to_owned(),
            ),
            AdminRefusal::Invalid { message } => Self::invalid(message),
            AdminRefusal::Budget(error) => budget(&error),
        }
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
    }
}

fn not_found(code: &str, message: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, ErrorCode::from(code), message)
}

fn conflict(code: ErrorCode, message: String) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, message)
}
