//! The scopes of a reservation and their budgets.

use std::sync::{Arc, OnceLock};

use super::Reservation;
use crate::protocol::Balance;
use crate::transport::{DirectBalance, DirectBudgets};

/// The scopes of a reservation and their budgets, as the answer told.
#[derive(Debug)]
pub(crate) enum Budgets {
    /// What an answer lists.
    Listed(Listed),
    /// What an authority in the same process tells. Few look at it, so it is put into the protocol's form for those who do.
    Direct(DirectBudgets, OnceLock<Listed>),
    /// Those of the reservation that stands behind this one.
    Of(Arc<Reservation>),
}

/// Scopes and budgets in the protocol's form.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Every scope derived from the subject, outermost first, whether or not it has a budget.
    pub(crate) scopes: Vec<String>,
    /// The budgets that hold the reservation.
    pub(crate) balances: Vec<Balance>,
}

impl Budgets {
    /// Every scope derived from the subject, outermost first, whether or not it has a budget.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.list().scopes
    }

    /// The budgets that hold the reservation.
    pub(crate) fn balances(&self) -> &[Balance] {
        &self.list().balances
    }

    /// Tells of the scopes without a budget of their own, where the answer tells of budgets at all.
    pub(crate) fn each_unbudgeted(&self, mut tell: impl FnMut(&str)) {
        match self {
            Self::Listed(Listed { scopes, balances }) => {
                if balances.is_empty() || balances.len() >= scopes.len() {
                    return;
                }
                let has_none = |scope: &&String| balances.iter().all(|balance| balance.scope_path != **scope);
                scopes.iter().filter(has_none).for_each(|scope| tell(scope));
            }
            Self::Direct(direct, _) => {
                if direct.lines.len() >= direct.scopes().count() {
                    return;
                }
                let has_none = |scope: &&str| direct.lines.iter().all(|line| *line.scope_path != **scope);
                direct.scopes().filter(has_none).for_each(tell);
            }
            // It was told when that was reserved.
            Self::Of(_) => {}
        }
    }

    fn list(&self) -> &Listed {
        match self {
            Self::Listed(listed) => listed,
            Self::Direct(direct, listed) => listed.get_or_init(|| Listed {
                scopes: direct.scopes().map(str::to_owned).collect(),
                balances: direct.lines.iter().map(DirectBalance::to_balance).collect(),
            }),
            Self::Of(reservation) => reservation.budgets.list(),
        }
    }
}
