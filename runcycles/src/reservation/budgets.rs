//! The scopes of a reservation and their budgets.

use std::sync::{Arc, OnceLock};

use super::Reservation;
use super::packed::Packed;
use crate::protocol::Balance;
use crate::transport::{DirectBalance, DirectBudgets};

/// The scopes of a reservation and their budgets, as the answer told. Few look at them, so they are put into the protocol's form
/// for those who do.
#[derive(Debug)]
pub(crate) struct Budgets {
    told: Told,
    /// The protocol's form of what was told in another one, once somebody looked.
    unpacked: OnceLock<Box<Listed>>,
}

/// Where they come from.
#[derive(Debug)]
enum Told {
    /// An answer in the usual form.
    Packed(Packed),
    /// An answer in another form.
    Listed(Box<Listed>),
    /// An authority in the same process.
    Direct(DirectBudgets),
    /// The reservation that stands behind this one.
    Of(Arc<Reservation>),
}

/// Scopes and budgets in the protocol's form.
#[derive(Debug, PartialEq)]
pub(super) struct Listed {
    /// Every scope derived from the subject, outermost first, whether or not it has a budget.
    pub(super) scopes: Vec<String>,
    /// The budgets that hold the reservation.
    pub(super) balances: Vec<Balance>,
}

impl From<Told> for Budgets {
    fn from(told: Told) -> Self {
        Self { told, unpacked: OnceLock::new() }
    }
}

impl Budgets {
    /// Those that an answer lists.
    pub(super) fn answered(scopes: Vec<String>, balances: Vec<Balance>) -> Self {
        let mut listed = Listed { scopes, balances };
        if let Some(packed) = Packed::new(&listed) {
            return Told::Packed(packed).into();
        }
        // Lists that are read grow with room for more, and are held for as long as the guard is.
        listed.scopes.shrink_to_fit();
        listed.balances.shrink_to_fit();
        Told::Listed(Box::new(listed)).into()
    }

    /// Those that an authority in the same process tells.
    pub(super) fn direct(budgets: DirectBudgets) -> Self {
        Told::Direct(budgets).into()
    }

    /// Those of the reservation that stands behind this one.
    pub(crate) fn of(reservation: Arc<Reservation>) -> Self {
        Told::Of(reservation).into()
    }

    /// Every scope derived from the subject, outermost first, whether or not it has a budget.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.list().scopes
    }

    /// The budgets that hold the reservation.
    pub(crate) fn balances(&self) -> &[Balance] {
        &self.list().balances
    }

    /// Tells of the scopes without a budget of their own, where the answer tells of budgets at all.
    pub(crate) fn each_unbudgeted(&self, tell: impl FnMut(&str)) {
        match &self.told {
            Told::Packed(packed) => packed.unbudgeted().for_each(tell),
            Told::Listed(listed) if !listed.balances.is_empty() => {
                let Listed { scopes, balances } = &**listed;
                let has_none = |scope: &&str| balances.iter().all(|balance| balance.scope_path != **scope);
                scopes.iter().map(String::as_str).filter(has_none).for_each(tell);
            }
            Told::Direct(direct) if direct.lines.len() < direct.scopes().count() => {
                let has_none = |scope: &&str| direct.lines.iter().all(|line| *line.scope_path != **scope);
                direct.scopes().filter(has_none).for_each(tell);
            }
            // There is nothing to tell, or it was told when that was reserved.
            Told::Listed(_) | Told::Direct(_) | Told::Of(_) => {}
        }
    }

    fn list(&self) -> &Listed {
        match &self.told {
            Told::Listed(listed) => listed,
            Told::Of(reservation) => reservation.budgets.list(),
            Told::Packed(packed) => self.unpacked.get_or_init(|| Box::new(packed.unpack())),
            Told::Direct(direct) => self.unpacked.get_or_init(|| {
                Box::new(Listed {
                    scopes: direct.scopes().map(str::to_owned).collect(),
                    balances: direct.lines.iter().map(DirectBalance::to_balance).collect(),
                })
            }),
        }
    }
}
