//! Budgets.

use super::request::admin_request;
use crate::protocol::requests::validate_amount;
use crate::protocol::string_enum::string_enum;
use crate::protocol::wire_object::wire_object;
use crate::protocol::{Amount, CommitOveragePolicy, Metadata, SignedAmount, Timestamp, Unit, ValidationError};

string_enum! {
    /// Whether a budget can be used.
    pub enum BudgetStatus {
        /// It can.
        Active = "ACTIVE",
        /// An operator stopped it: reservations, commits beyond a hold and funding are refused until it is unfrozen.
        Frozen = "FROZEN",
        /// Never again.
        Closed = "CLOSED",
    }
}

string_enum! {
    /// What is meant to become of what remains at the end of a period. Servers keep it for people: none acts on it.
    pub enum RolloverPolicy {
        /// It is gone.
        None = "NONE",
        /// It is there in the next period too.
        CarryForward = "CARRY_FORWARD",
        /// It is there up to the allocation.
        CapAtAllocated = "CAP_AT_ALLOCATED",
    }
}

wire_object! {
    /// A budget's ledger (admin plane: `BudgetLedger`). `remaining = allocated − spent − reserved − debt`.
    pub struct BudgetLedger {
        required {
            /// Its id.
            ledger_id: String,
            /// Where it stands, such as `tenant:acme/agent:bot`.
            scope: String,
            /// What it counts.
            unit: Unit,
            /// What it was given.
            allocated: Amount,
            /// What is left; negative in overdraft, and where spend and holds are above the allocation.
            remaining: SignedAmount,
            /// Whether it can be used.
            status: BudgetStatus,
            /// When it was made, as the server writes it (ISO 8601).
            created_at: String,
        }
        optional {
            /// Whose it is.
            tenant_id: String,
            /// The path again, where servers write it twice.
            scope_path: String,
            /// What live reservations hold.
            reserved: Amount,
            /// What was committed.
            spent: Amount,
            /// What was spent beyond the allocation.
            debt: Amount,
            /// How much debt is allowed.
            overdraft_limit: Amount,
            /// Whether every new reservation is refused until the budget is funded.
            is_over_limit: bool,
            /// What happens when an actual amount is larger than the reserved one.
            commit_overage_policy: CommitOveragePolicy,
            /// What is meant to become of what remains at the end of a period.
            rollover_policy: RolloverPolicy,
            /// When its period starts, for people.
            period_start: String,
            /// When its period ends, for people.
            period_end: String,
            /// When it was last changed.
            updated_at: String,
        }
        list {}
    }
}

wire_object! {
    /// A page of budgets.
    pub struct BudgetPage {
        required {
            /// The budgets.
            ledgers: Vec<BudgetLedger>,
        }
        optional {
            /// Where the next page starts.
            next_cursor: String,
            /// Whether there is a next page.
            has_more: bool,
        }
        list {}
    }
}

admin_request! {
    /// A budget to create; an [`Amount`] becomes one.
    ///
    /// ```
    /// use runcycles::{admin::NewBudget, models::CommitOveragePolicy, usd};
    ///
    /// let budget = NewBudget::new(usd!(5))
    ///     .overdraft_limit(usd!(0.50))
    ///     .commit_overage_policy(CommitOveragePolicy::AllowWithOverdraft);
    /// ```
    pub struct NewBudget {
        /// A budget of an amount, in the amount's unit.
        new {
            allocated: Amount,
        }
        optional {
            /// How much debt is allowed; none by default.
            overdraft_limit: Amount,
            /// What happens when an actual amount is larger than the reserved one.
            commit_overage_policy: CommitOveragePolicy,
            /// What is meant to become of what remains at the end of a period, for people: servers reset no budget by themselves.
            rollover_policy: RolloverPolicy,
            /// Free data.
            metadata: Metadata,
        }
        by_hand {
            period_start: String,
            period_end: String,
        }
    }
}

impl NewBudget {
    /// When its period starts and ends, for people: servers reset no budget by themselves.
    pub fn period(mut self, start: impl Into<Timestamp>, end: impl Into<Timestamp>) -> Self {
        self.period_start = Some(start.into().to_string());
        self.period_end = Some(end.into().to_string());
        self
    }

    pub(crate) fn unit(&self) -> &Unit {
        self.allocated.unit()
    }

    /// Checks the plane's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        validate_amount("allocated", &self.allocated)?;
        self.overdraft_limit.as_ref().map_or(Ok(()), |limit| check_unit("overdraft_limit", limit, self.unit()))
    }
}

impl From<Amount> for NewBudget {
    fn from(allocated: Amount) -> Self {
        Self::new(allocated)
    }
}

admin_request! {
    /// What to change of a budget's terms; the rest stays as it is. Its amounts change by funding.
    pub struct BudgetChanges {
        /// No change yet.
        new {}
        optional {
            /// How much debt is allowed. Whether the budget is over its limit is judged anew.
            overdraft_limit: Amount,
            /// What happens when an actual amount is larger than the reserved one.
            commit_overage_policy: CommitOveragePolicy,
            /// Free data in place of what is there.
            metadata: Metadata,
        }
        by_hand {}
    }
}

impl BudgetChanges {
    /// Checks the plane's limits.
    pub(crate) fn validate(&self, unit: &Unit) -> Result<(), ValidationError> {
        self.overdraft_limit.as_ref().map_or(Ok(()), |limit| check_unit("overdraft_limit", limit, unit))
    }
}

/// Checks an amount, and that it is in a budget's unit.
pub(super) fn check_unit(field: &'static str, amount: &Amount, unit: &Unit) -> Result<(), ValidationError> {
    validate_amount(field, amount)?;
    if amount.unit() == unit {
        return Ok(());
    }
    Err(ValidationError::new(field, amount.unit().to_string(), format!("{unit}, the budget's unit")))
}
