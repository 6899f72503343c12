//! A budget, whichever plane told of it.

use runcycles::admin::{BudgetLedger, BudgetStatus};
use runcycles::models::{Amount, Balance, Unit};
use serde::Serialize;

/// A budget, whichever plane told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Budget {
    pub(crate) scope: String,
    pub(crate) unit: Unit,
    pub(crate) allocated: u64,
    pub(crate) spent: u64,
    pub(crate) reserved: u64,
    pub(crate) remaining: i64,
    pub(crate) debt: u64,
    pub(crate) is_over_limit: bool,
    /// The admin plane alone tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
}

impl Budget {
    /// What keeps it from being used, in a word.
    pub(crate) fn trouble(&self) -> &'static str {
        match self.status.as_deref() {
            Some("FROZEN") => "frozen",
            Some("CLOSED") => "closed",
            _ if self.is_over_limit => "over limit",
            _ if self.debt > 0 => "debt",
            _ => "",
        }
    }

    /// A number of its unit, as people write it.
    pub(crate) fn show(&self, number: u64) -> String {
        without_unit(&Amount::new(self.unit.clone(), number).to_string())
    }

    /// What is left; negative in overdraft.
    pub(crate) fn left(&self) -> String {
        let sign = if self.remaining < 0 { "-" } else { "" };
        format!("{sign}{}", self.show(self.remaining.unsigned_abs()))
    }

    /// What it counts, in a word.
    pub(crate) fn unit_name(&self) -> &str {
        match &self.unit {
            Unit::UsdMicrocents => "USD",
            Unit::Tokens => "tokens",
            Unit::Credits => "credits",
            Unit::RiskPoints => "risk",
            other => other.as_str(),
        }
    }
}

/// An amount without its unit, which has a column.
fn without_unit(amount: &str) -> String {
    amount.split(' ').next().unwrap_or_default().to_owned()
}

fn value(amount: Option<&Amount>) -> u64 {
    amount.map(Amount::value).unwrap_or_default()
}

impl From<Balance> for Budget {
    fn from(balance: Balance) -> Self {
        Self {
            unit: balance.remaining.unit().clone(),
            allocated: value(balance.allocated.as_ref()),
            spent: value(balance.spent.as_ref()),
            reserved: value(balance.reserved.as_ref()),
            remaining: balance.remaining.value(),
            debt: value(balance.debt.as_ref()),
            is_over_limit: balance.is_over_limit.unwrap_or_default(),
            status: None,
            scope: balance.scope_path,
        }
    }
}

impl From<BudgetLedger> for Budget {
    fn from(ledger: BudgetLedger) -> Self {
        let status: &BudgetStatus = &ledger.status;
        Self {
            status: Some(status.to_string()),
            unit: ledger.unit,
            allocated: ledger.allocated.value(),
            spent: value(ledger.spent.as_ref()),
            reserved: value(ledger.reserved.as_ref()),
            remaining: ledger.remaining.value(),
            debt: value(ledger.debt.as_ref()),
            is_over_limit: ledger.is_over_limit.unwrap_or_default(),
            scope: ledger.scope,
        }
    }
}
