//! Why the agent has no answer.

use runcycles::models::AmountError;
use runcycles::{Error, PriceError};

/// Why the agent has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The budget or its operator says no, or nobody does.
    #[error("not allowed")]
    Cycles(#[from] Error),
    /// The model failed.
    #[error("the model failed: {0}")]
    Model(String),
    /// The model said nothing for too long.
    #[error("the model did not answer in time")]
    Timeout,
    /// A model without a price.
    #[error("a cost is not known")]
    Price(#[from] PriceError),
    /// A cost that no amount can carry.
    #[error("a cost is out of range")]
    Amount(#[from] AmountError),
}

impl AgentError {
    /// Whether a cheaper model may stand in.
    pub(crate) fn allows_fallback(&self) -> bool {
        matches!(self, Self::Cycles(error) if error.allows_fallback())
    }

    /// Whether the budget says no.
    pub fn is_budget_exceeded(&self) -> bool {
        matches!(self, Self::Cycles(error) if error.is_budget_exceeded())
    }
}
