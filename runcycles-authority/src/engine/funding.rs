//! What an operator does to a budget.

use std::sync::Arc;

use runcycles::models::{Amount, SignedAmount};
use runcycles::webhooks::EventType;

use super::Command;
use super::telling::tell_of_budget;
use crate::clock::Millis;
use crate::state::{Figures, Ledger, LedgerId, LedgerStatus, State};
use crate::store::StoreError;
use crate::unit::Unit;

/// A change of a budget's allocation. An [`Amount`] becomes a [`Credit`](Self::Credit).
///
/// Every one of them recomputes whether the budget is over its limit, from its debt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Funding {
    /// More.
    Credit(Amount),
    /// Less, out of what remains.
    Debit(Amount),
    /// A new size; what was spent stays spent.
    Reset(Amount),
    /// A new period: a size, and what of it is spent already. Holds and debt stay.
    ResetSpent {
        /// The new size.
        allocated: Amount,
        /// What is spent already, in the same unit.
        spent: u64,
    },
    /// Pays debt; what is left over is added to the allocation.
    RepayDebt(Amount),
}

impl Funding {
    /// The amount, whose unit is the budget's.
    pub(crate) fn amount(&self) -> &Amount {
        match self {
            Self::Credit(amount) | Self::Debit(amount) | Self::Reset(amount) | Self::RepayDebt(amount) => amount,
            Self::ResetSpent { allocated, .. } => allocated,
        }
    }
}

impl From<Amount> for Funding {
    fn from(amount: Amount) -> Self {
        Self::Credit(amount)
    }
}

/// Funds a budget.
#[derive(Debug)]
pub(crate) struct Fund<'a> {
    pub(crate) scope: &'a str,
    pub(crate) funding: Funding,
}

/// Freezes or unfreezes every budget of a scope, or none.
#[derive(Debug)]
pub(crate) struct SetStatus<'a> {
    pub(crate) scope: &'a str,
    pub(crate) status: LedgerStatus,
}

fn in_unit(unit: Option<&runcycles::models::Unit>) -> String {
    unit.map(|unit| format!(" in {unit}")).unwrap_or_default()
}

/// Why an operator's command on a budget was refused. Nothing has changed, unless it says so.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// There is no such budget.
    #[error("no budget{} at {scope:?}", in_unit(unit.as_ref()))]
    NoBudget {
        /// The scope.
        scope: Arc<str>,
        /// The unit, where one was asked for.
        unit: Option<runcycles::models::Unit>,
    },
    /// A debit of more than remains.
    #[error("insufficient funds at {scope}: {requested} requested, {remaining} remaining")]
    InsufficientFunds {
        /// The scope.
        scope: Arc<str>,
        /// What was to be taken.
        requested: Amount,
        /// What is left.
        remaining: SignedAmount,
    },
    /// A frozen budget takes no funds.
    #[error("the budget at {scope} is frozen")]
    Frozen {
        /// The scope.
        scope: Arc<str>,
    },
    /// A budget that is not frozen cannot be unfrozen.
    #[error("the budget at {scope} is not frozen")]
    NotFrozen {
        /// The scope.
        scope: Arc<str>,
    },
    /// A closed budget stays as it is.
    #[error("the budget at {scope} is closed")]
    Closed {
        /// The scope.
        scope: Arc<str>,
    },
    /// The figures would leave the protocol's int64.
    #[error("the figures of {scope} would leave 0 to 9223372036854775807")]
    Overflow {
        /// The scope.
        scope: Arc<str>,
    },
    /// The store failed: the change is in memory, and may be gone after a restart.
    #[error("the change may not have been kept")]
    Store(#[from] StoreError),
}

impl Command for Fund<'_> {
    type Outcome = Result<Ledger, BudgetError>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let unit = self.funding.amount().unit();
        let found = Unit::try_from(unit).ok().and_then(|unit| state.ledgers().find(self.scope, unit));
        let id = found.ok_or_else(|| BudgetError::NoBudget { scope: self.scope.into(), unit: Some(unit.clone()) })?;
        fund(state, id, &self.funding, now)?;
        Ok(state.ledgers().get(id).clone())
    }
}

/// Funds a ledger; returns its figures before and after.
pub(super) fn fund(
    state: &mut State,
    id: LedgerId,
    funding: &Funding,
    now: Millis,
) -> Result<(Figures, Figures), BudgetError> {
    let ledger = state.ledgers().get(id);
    let scope = ledger.scope.shared().clone();
    match ledger.status {
        LedgerStatus::Active => {}
        LedgerStatus::Frozen => return Err(BudgetError::Frozen { scope }),
        LedgerStatus::Closed => return Err(BudgetError::Closed { scope }),
    }
    let before = ledger.figures;
    let amount = funding.amount();
    let overflow = || BudgetError::Overflow { scope: scope.clone() };
    let value = i64::try_from(amount.value()).map_err(|_| overflow())?;
    if matches!(funding, Funding::Debit(_)) && before.remaining() < value {
        let remaining = ledger.unit.signed(before.remaining());
        return Err(BudgetError::InsufficientFunds { scope, requested: amount.clone(), remaining });
    }
    let after = funded(before, funding, value).and_then(Figures::checked).ok_or_else(overflow)?;
    let ledger = state.ledger_mut(id);
    let status = ledger.status;
    ledger.figures = after;
    ledger.updated_at = Some(now);
    let (event_type, operation) = told(funding);
    tell_of_budget(state, id, event_type, operation, Some((before, status)));
    Ok((before, after))
}

/// What a change is told as.
fn told(funding: &Funding) -> (EventType, &'static str) {
    match funding {
        Funding::Credit(_) => (EventType::BudgetFunded, "CREDIT"),
        Funding::Debit(_) => (EventType::BudgetDebited, "DEBIT"),
        Funding::Reset(_) => (EventType::BudgetReset, "RESET"),
        Funding::ResetSpent { .. } => (EventType::BudgetResetSpent, "RESET_SPENT"),
        Funding::RepayDebt(_) => (EventType::BudgetDebtRepaid, "REPAY_DEBT"),
    }
}

/// The figures after funding. The flag of being over the limit is recomputed from the debt, whatever the operation.
fn funded(before: Figures, funding: &Funding, amount: i64) -> Option<Figures> {
    let Figures { allocated, debt, .. } = before;
    let mut after = match funding {
        Funding::Credit(_) => Figures { allocated: allocated.checked_add(amount)?, ..before },
        Funding::Debit(_) => Figures { allocated: allocated.checked_sub(amount)?, ..before },
        Funding::Reset(_) => Figures { allocated: amount, ..before },
        Funding::ResetSpent { spent, .. } => {
            Figures { allocated: amount, spent: i64::try_from(*spent).ok()?, ..before }
        }
        Funding::RepayDebt(_) => {
            let paid = debt.min(amount);
            Figures { debt: debt - paid, allocated: allocated.checked_add(amount - paid)?, ..before }
        }
    };
    after.over_limit = after.debt > after.overdraft_limit;
    Some(after)
}

impl Command for SetStatus<'_> {
    type Outcome = Result<(), BudgetError>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let ids: Vec<LedgerId> = state.ledgers().at_scope(self.scope).collect();
        if ids.is_empty() {
            return Err(BudgetError::NoBudget { scope: self.scope.into(), unit: None });
        }
        set_status(state, &ids, self.status, now)
    }
}

/// Sets the status of ledgers, of all or of none.
pub(super) fn set_status(
    state: &mut State,
    ids: &[LedgerId],
    status: LedgerStatus,
    now: Millis,
) -> Result<(), BudgetError> {
    for id in ids {
        let ledger = state.ledgers().get(*id);
        let scope = ledger.scope.shared().clone();
        match (ledger.status, status) {
            (LedgerStatus::Closed, _) => return Err(BudgetError::Closed { scope }),
            (LedgerStatus::Frozen, LedgerStatus::Frozen) => return Err(BudgetError::Frozen { scope }),
            (LedgerStatus::Active, LedgerStatus::Active) => return Err(BudgetError::NotFrozen { scope }),
            _ => {}
        }
    }
    for id in ids {
        let ledger = state.ledger_mut(*id);
        let before = (ledger.figures, ledger.status);
        ledger.status = status;
        ledger.updated_at = Some(now);
        let event_type = match status {
            LedgerStatus::Active => EventType::BudgetUnfrozen,
            LedgerStatus::Frozen => EventType::BudgetFrozen,
            LedgerStatus::Closed => EventType::BudgetClosed,
        };
        tell_of_budget(state, *id, event_type, "STATUS_CHANGE", Some(before));
    }
    Ok(())
}
