//! Budgets as a builder takes them.

use std::sync::Arc;

use runcycles::models::{Amount, Caps, MAX_AMOUNT};

use crate::state::{Figures, LedgerStatus};
use crate::unit::Unit;

/// A budget to start with: an allocation, and what else is to be said about it.
///
/// An [`Amount`] becomes one, so most are written as `usd!(5)`.
///
/// ```
/// use runcycles::usd;
/// use runcycles_authority::Budget;
///
/// let budget = Budget::new(usd!(5)).overdraft_limit(usd!(0.50));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a budget does nothing until a builder takes it"]
pub struct Budget {
    allocated: Amount,
    overdraft_limit: Option<Amount>,
    spent: Option<Amount>,
    debt: Option<Amount>,
    status: LedgerStatus,
    pub(crate) caps: Option<Arc<Caps>>,
}

impl Budget {
    /// A budget of an amount.
    pub fn new(allocated: Amount) -> Self {
        Self { allocated, overdraft_limit: None, spent: None, debt: None, status: LedgerStatus::Active, caps: None }
    }

    /// How much debt `ALLOW_WITH_OVERDRAFT` may make; none by default.
    pub fn overdraft_limit(mut self, limit: Amount) -> Self {
        self.overdraft_limit = Some(limit);
        self
    }

    /// What of it is spent already.
    pub fn spent(mut self, spent: Amount) -> Self {
        self.spent = Some(spent);
        self
    }

    /// What is owed already.
    pub fn debt(mut self, debt: Amount) -> Self {
        self.debt = Some(debt);
        self
    }

    /// Takes no reservations until it is unfrozen.
    pub fn frozen(mut self) -> Self {
        self.status = LedgerStatus::Frozen;
        self
    }

    /// Takes no reservations, ever.
    pub fn closed(mut self) -> Self {
        self.status = LedgerStatus::Closed;
        self
    }

    /// Limits that come with every reservation whose innermost scope this budget is at.
    pub fn caps(mut self, caps: Caps) -> Self {
        self.caps = Some(Arc::new(caps));
        self
    }

    pub(crate) fn status(&self) -> LedgerStatus {
        self.status
    }

    /// The unit and the figures, or what is wrong with them.
    pub(crate) fn figures(&self) -> Result<(Unit, Figures), InvalidBudget> {
        let wire_unit = self.allocated.unit();
        let unit = Unit::try_from(wire_unit).map_err(|()| InvalidBudget::Unit(wire_unit.to_string()))?;
        let figure = |amount: Option<&Amount>| match amount {
            None => Ok(0),
            Some(amount) if amount.unit() != wire_unit => {
                Err(InvalidBudget::MixedUnits { expected: unit.as_str(), found: amount.unit().to_string() })
            }
            Some(amount) => i64::try_from(amount.value()).map_err(|_| InvalidBudget::TooLarge(amount.value())),
        };
        let figures = Figures {
            allocated: figure(Some(&self.allocated))?,
            spent: figure(self.spent.as_ref())?,
            reserved: 0,
            debt: figure(self.debt.as_ref())?,
            overdraft_limit: figure(self.overdraft_limit.as_ref())?,
            over_limit: false,
        };
        figures.checked().map(|figures| (unit, figures)).ok_or(InvalidBudget::TooLarge(MAX_AMOUNT))
    }
}

impl From<Amount> for Budget {
    fn from(allocated: Amount) -> Self {
        Self::new(allocated)
    }
}

/// Why a budget cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBudget {
    /// A unit that the protocol does not have.
    #[error("unknown unit {0:?}, expected one of USD_MICROCENTS, TOKENS, CREDITS, RISK_POINTS")]
    Unit(String),
    /// Amounts in different units.
    #[error("found an amount in {found}, expected {expected} as the allocation has")]
    MixedUnits {
        /// The unit of the allocation.
        expected: &'static str,
        /// The unit of the other amount.
        found: String,
    },
    /// A number outside the protocol's int64.
    #[error("{0} is outside 0 to 9223372036854775807, or leaves what remains outside an int64")]
    TooLarge(u64),
}
