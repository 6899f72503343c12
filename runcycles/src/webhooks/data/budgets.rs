//! What is told of budgets.

use crate::protocol::wire_object::wire_object;
use crate::protocol::{CommitOveragePolicy, Unit};

wire_object! {
    /// How a budget stood, as far as it is told.
    pub struct BudgetState {
        required {}
        optional {
            /// What the budget was given.
            allocated: i64,
            /// What is left; negative in overdraft.
            remaining: i64,
            /// What live reservations hold.
            reserved: i64,
            /// What was committed.
            spent: i64,
            /// What was spent beyond the allocation.
            debt: i64,
            /// Whether it takes reservations.
            status: String,
        }
        list {}
    }
}

wire_object! {
    /// A budget was made, funded, frozen or changed in another way (`EventDataBudgetLifecycle`).
    pub struct BudgetLifecycle {
        required {}
        optional {
            /// The budget's id.
            ledger_id: String,
            /// The scope of the budget.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// What was done, such as `CREDIT` or `STATUS_CHANGE`.
            operation: String,
            /// How it stood.
            previous_state: BudgetState,
            /// How it stands.
            new_state: BudgetState,
            /// Why, in the words of who did it.
            reason: String,
            /// Whether a new period was started with spend that was given, rather than with none.
            spent_override_provided: bool,
        }
        list {}
    }
}

wire_object! {
    /// A budget crossed a threshold, or has nothing left (`EventDataBudgetThreshold`).
    pub struct BudgetThreshold {
        required {}
        optional {
            /// The scope of the budget.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// The share of the allocation that was crossed, such as 0.8.
            threshold: f64,
            /// The share that is spent or held; above 1 in overdraft.
            utilization: f64,
            /// What the budget was given.
            allocated: i64,
            /// What is left; negative in overdraft.
            remaining: i64,
            /// What was committed.
            spent: i64,
            /// What live reservations hold.
            reserved: i64,
            /// `rising` or `falling`.
            direction: String,
        }
        list {}
    }
}

wire_object! {
    /// A budget went over its limit or came back (`EventDataBudgetOverLimit`).
    pub struct BudgetOverLimit {
        required {}
        optional {
            /// The scope of the budget.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// What was spent beyond the allocation.
            debt: i64,
            /// How much debt is allowed.
            overdraft_limit: i64,
            /// Whether new reservations are refused.
            is_over_limit: bool,
            /// The share of the limit that the debt takes.
            debt_utilization: f64,
        }
        list {}
    }
}

wire_object! {
    /// A budget went into debt (`EventDataBudgetDebtIncurred`).
    pub struct BudgetDebtIncurred {
        required {}
        optional {
            /// The scope of the budget.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// The reservation whose settlement did it; absent for spend that was not reserved.
            reservation_id: String,
            /// What was added to the debt.
            debt_incurred: i64,
            /// The debt.
            total_debt: i64,
            /// How much debt is allowed.
            overdraft_limit: i64,
            /// The policy that allowed it.
            overage_policy: CommitOveragePolicy,
        }
        list {}
    }
}

wire_object! {
    /// A budget is spent faster than it was (`EventDataBurnRateAnomaly`).
    pub struct BurnRateAnomaly {
        required {}
        optional {
            /// The scope of the budget.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// What is spent a minute.
            current_rate: f64,
            /// What was spent a minute.
            baseline_rate: f64,
            /// One over the other.
            multiplier: f64,
            /// How long was looked at.
            window_seconds: i64,
            /// When nothing is left, at this rate.
            projected_exhaustion_minutes: f64,
        }
        list {}
    }
}

wire_object! {
    /// Something ended with its tenant (`EventDataTenantCascade`).
    pub struct TenantCascade {
        required {}
        optional {
            /// The budget.
            ledger_id: String,
            /// The subscription.
            subscription_id: String,
            /// The API key; never the key itself.
            key_id: String,
            /// The scope of the budget.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// The subscription's or the key's name.
            name: String,
            /// Its state before.
            prior_status: String,
            /// Its state after.
            new_status: String,
            /// Why: `tenant_closed`.
            cascade_reason: String,
            /// What the budget held and was returned.
            released_amount: i64,
        }
        list {}
    }
}
