//! Why an operator's request is refused.

use std::sync::Arc;

use crate::engine::BudgetError;
use crate::unit::Unit;

/// A refused request of the admin plane. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AdminRefusal {
    TenantNotFound {
        id: String,
    },
    /// What a closed tenant owns stays as it is.
    TenantClosed {
        id: Arc<str>,
    },
    TenantNotActive {
        id: Arc<str>,
    },
    /// Something with this name exists already.
    Duplicate {
        what: String,
    },
    BudgetNotFound {
        scope: String,
        unit: Unit,
    },
    KeyNotFound {
        id: String,
    },
    KeyRevoked {
        id: String,
    },
    KeyExpired {
        id: String,
    },
    PolicyNotFound {
        id: String,
    },
    /// It belongs to another tenant.
    OtherTenant,
    /// The key is for other scopes.
    OutOfScope {
        scope: String,
    },
    /// The idempotency key was used for another request.
    KeyMismatch,
    Invalid {
        message: String,
    },
    Budget(BudgetError),
}

impl From<BudgetError> for AdminRefusal {
    fn from(error: BudgetError) -> Self {
        Self::Budget(error)
    }
}
