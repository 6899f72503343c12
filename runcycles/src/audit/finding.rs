//! What is commonly forgotten.

use crate::protocol::Amount;

/// Something that an audit has found, with its cure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditFinding {
    /// Calls for which no level has a budget: they are denied.
    #[error("no budget at any level for {}: these calls are denied; create a budget", scopes.join(", "))]
    #[non_exhaustive]
    NoBudget {
        /// The scopes of the calls.
        scopes: Vec<String>,
    },
    /// The tenant's is the only budget: one run that goes wrong takes everything from everybody.
    #[error(
        "only {} has a budget: one run that goes wrong takes all of it; give runs budgets of their own, and name them by \
         `run = …`", tenants.join(", ")
    )]
    #[non_exhaustive]
    TenantOnly {
        /// The tenants.
        tenants: Vec<String>,
    },
    /// Workflows that do different work have budgets of the same size.
    #[error("the workflows {} have the same budget of {amount}; size each by what it is worth", scopes.join(", "))]
    #[non_exhaustive]
    SameEnvelope {
        /// The size.
        amount: Amount,
        /// The workflows.
        scopes: Vec<String>,
    },
    /// Nothing caps a single run: it may use up what is meant for many.
    #[error("nothing caps a single run of {}; name the run by `run = …`, and give it a budget", scopes.join(", "))]
    #[non_exhaustive]
    NoRunCap {
        /// The budgets that a run may use up.
        scopes: Vec<String>,
    },
    /// One call is checked against many budgets, so that it is hard to say why it is denied.
    #[error(
        "one call is checked against {} budgets ({}); begin with the tenant, the run and the workflow, and add levels when they \
         are needed", budgets.len(), budgets.join(", ")
    )]
    #[non_exhaustive]
    TooManyBudgets {
        /// The budgets.
        budgets: Vec<String>,
    },
}
