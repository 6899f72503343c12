//! How a budget's amounts change.

use serde::Serialize;

use super::budgets::check_unit;
use crate::protocol::requests::validate_amount;
use crate::protocol::string_enum::string_enum;
use crate::protocol::validation::check_chars;
use crate::protocol::wire_object::wire_object;
use crate::protocol::{Amount, IdempotencyKey, SignedAmount, ValidationError};

string_enum! {
    /// What funding does to a budget (admin plane: `FundingOperation`).
    pub enum FundingOperation {
        /// Gives it more.
        Credit = "CREDIT",
        /// Takes from what remains.
        Debit = "DEBIT",
        /// Gives it another size; spend, holds and debt stay.
        Reset = "RESET",
        /// Starts a period: another size, and spend from zero. Holds and debt stay.
        ResetSpent = "RESET_SPENT",
        /// Pays debt off; what is left over is credited.
        RepayDebt = "REPAY_DEBT",
    }
}

wire_object! {
    /// A budget before and after it was funded (admin plane: `FundingResponse`).
    pub struct FundingResult {
        required {
            /// What was done.
            operation: FundingOperation,
            /// What it had been given.
            previous_allocated: Amount,
            /// What it has been given.
            new_allocated: Amount,
            /// What was left.
            previous_remaining: SignedAmount,
            /// What is left.
            new_remaining: SignedAmount,
        }
        optional {
            /// What was owed.
            previous_debt: Amount,
            /// What is owed.
            new_debt: Amount,
            /// What had been spent.
            previous_spent: Amount,
            /// What counts as spent.
            new_spent: Amount,
            /// When, as the server writes it (ISO 8601).
            timestamp: String,
        }
        list {}
    }
}

/// The body of a funding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct FundRequest {
    pub(crate) operation: FundingOperation,
    pub(crate) amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spent: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) idempotency_key: IdempotencyKey,
}

impl FundRequest {
    /// Checks the plane's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        validate_amount("amount", &self.amount)?;
        if let Some(spent) = &self.spent {
            if self.operation != FundingOperation::ResetSpent {
                return Err(ValidationError::new("spent", format!("{spent} with {}", self.operation), "RESET_SPENT"));
            }
            check_unit("spent", spent, self.amount.unit())?;
        }
        self.reason.as_ref().map_or(Ok(()), |reason| check_chars("reason", reason, 0..=512))
    }
}
