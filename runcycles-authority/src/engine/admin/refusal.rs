//! Why an operator's request is refused.

use std::sync::Arc;

use crate::engine::BudgetError;

/// A refused request of the admin plane, in the words that clients see. Nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum AdminRefusal {
    #[error("Tenant not found: {id}")]
    TenantNotFound { id: String },
    /// What a closed tenant owns stays as it is.
    #[error("Tenant {id} is closed; owned objects are read-only")]
    TenantClosed { id: Arc<str> },
    #[error("Tenant {id} is not active")]
    TenantNotActive { id: Arc<str> },
    /// Something with this name exists already.
    #[error("{what}")]
    Duplicate { what: String },
    #[error("Budget not found: {scope} in {unit}")]
    BudgetNotFound { scope: String, unit: &'static str },
    #[error("API key not found: {id}")]
    KeyNotFound { id: String },
    #[error("API key {id} is revoked")]
    KeyRevoked { id: String },
    #[error("API key {id} has expired")]
    KeyExpired { id: String },
    #[error("Policy not found: {id}")]
    PolicyNotFound { id: String },
    #[error("No such counter at {scope}")]
    CounterNotFound { scope: String },
    #[error("Webhook subscription not found: {id}")]
    SubscriptionNotFound { id: String },
    #[error("It belongs to another tenant")]
    OtherTenant,
    /// The key is for other scopes.
    #[error("Scope {scope} is outside the scope filter of the API key")]
    OutOfScope { scope: String },
    /// The idempotency key was used for another request.
    #[error(
        "Provided idempotency does not match the stored one: the key was used for another request; use a fresh key"
    )]
    KeyMismatch,
    #[error("{message}")]
    Invalid { message: String },
    #[error(transparent)]
    Budget(#[from] BudgetError),
}
