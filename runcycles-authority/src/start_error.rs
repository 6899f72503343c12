//! Why an authority could not be started.

use std::time::Duration;

use runcycles::models::Unit;

use crate::budget::InvalidBudget;
use crate::engine::InvalidTenant;
use crate::scope::InvalidScope;
use crate::store::StoreError;

/// Why an authority could not be started.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A text that is not the scope of a budget.
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    /// A budget that cannot be kept.
    #[error("invalid budget at {scope:?}")]
    Budget {
        /// The scope.
        scope: String,
        /// What is wrong.
        source: InvalidBudget,
    },
    /// Two budgets in one unit at one scope.
    #[error("two budgets in {unit} at {scope:?}: give one")]
    DuplicateBudget {
        /// The scope.
        scope: String,
        /// The unit.
        unit: Unit,
    },
    /// Caps for a budget that was not given.
    #[error("caps for {unit} at {scope:?}, where there is no such budget: add it with budget(…)")]
    CapsWithoutBudget {
        /// The scope.
        scope: String,
        /// The unit.
        unit: Unit,
    },
    /// A text that cannot be a tenant's id.
    #[error(transparent)]
    Tenant(#[from] InvalidTenant),
    /// An overage policy that the protocol does not have.
    #[error(
        "unknown overage policy {policy:?} of tenant {tenant}: expected REJECT, ALLOW_IF_AVAILABLE or ALLOW_WITH_OVERDRAFT"
    )]
    OveragePolicy {
        /// The tenant.
        tenant: String,
        /// The policy.
        policy: String,
    },
    /// A lease of a length that the protocol does not have.
    #[error("invalid {field} {found:?} of tenant {tenant}: expected 1s to 24h")]
    Ttl {
        /// The tenant.
        tenant: String,
        /// The setting: `default_ttl` or `max_ttl`.
        field: &'static str,
        /// What was given.
        found: Duration,
    },
    /// A policy that cannot be kept.
    #[error("invalid policy {name:?}: {problem}")]
    Policy {
        /// The policy's name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A webhook that cannot be delivered to. Its secret is not shown.
    #[error("invalid webhook {url:?}: {problem}")]
    Webhook {
        /// The URL.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// A text that cannot be an admin key. It is not shown.
    #[error("the admin key is blank or has characters that a header cannot carry")]
    AdminKey,
    /// A text that cannot be an API key. It is not shown.
    #[error("the API key for tenant {tenant:?} is blank or has characters that a header cannot carry")]
    ApiKey {
        /// The tenant.
        tenant: String,
    },
    /// An API key that opens another tenant already. It is not shown.
    #[error("the API key for tenant {tenant:?} is another tenant's already: give every tenant keys of its own")]
    ApiKeyTaken {
        /// The tenant.
        tenant: String,
    },
    /// The directory for the state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
