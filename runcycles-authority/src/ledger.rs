//! A ledger as users see it.

use std::fmt;

use runcycles::models::{Amount, SignedAmount};

use crate::state;

/// What became of a budget: `remaining = allocated − spent − reserved − debt`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ledger {
    /// The scope, such as `tenant:acme/agent:bot`.
    pub scope: String,
    /// What the budget was given.
    pub allocated: Amount,
    /// What was committed.
    pub spent: Amount,
    /// What live reservations hold.
    pub reserved: Amount,
    /// What was spent beyond the allocation.
    pub debt: Amount,
    /// What is left; negative in overdraft.
    pub remaining: SignedAmount,
    /// How much debt is allowed.
    pub overdraft_limit: Amount,
    /// Whether every new reservation is refused until the budget is funded.
    pub is_over_limit: bool,
    /// Whether the budget takes reservations.
    pub status: LedgerStatus,
}

/// Whether a budget takes reservations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LedgerStatus {
    /// It does.
    Active,
    /// Not until it is unfrozen; work in flight still settles.
    Frozen,
    /// Never again.
    Closed,
}

impl From<state::LedgerStatus> for LedgerStatus {
    fn from(status: state::LedgerStatus) -> Self {
        match status {
            state::LedgerStatus::Active => Self::Active,
            state::LedgerStatus::Frozen => Self::Frozen,
            state::LedgerStatus::Closed => Self::Closed,
        }
    }
}

impl From<state::Ledger> for Ledger {
    fn from(ledger: state::Ledger) -> Self {
        let state::Ledger { scope, unit, figures, status, .. } = ledger;
        Self {
            scope: scope.to_string(),
            allocated: unit.amount(figures.allocated),
            spent: unit.amount(figures.spent),
            reserved: unit.amount(figures.reserved),
            debt: unit.amount(figures.debt),
            remaining: unit.signed(figures.remaining()),
            overdraft_limit: unit.amount(figures.overdraft_limit),
            is_over_limit: figures.over_limit,
            status: status.into(),
        }
    }
}

impl fmt::Display for Ledger {
    /// One line for people, such as `tenant:acme: $5.00 allocated, $1.20 spent, $0.00 reserved, $3.80 remaining`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, allocated, spent, reserved, remaining, .. } = self;
        write!(f, "{scope}: {allocated} allocated, {spent} spent, {reserved} reserved, {remaining} remaining")?;
        if !self.debt.is_zero() {
            write!(f, ", {} of debt", self.debt)?;
        }
        if self.is_over_limit {
            f.write_str(", over its limit")?;
        }
        match self.status {
            LedgerStatus::Active => Ok(()),
            LedgerStatus::Frozen => f.write_str(", frozen"),
            LedgerStatus::Closed => f.write_str(", closed"),
        }
    }
}
