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
    listed: OnceLock<Box<Listed>>,
}

/// Where they come from.
#[derive(Debug)]
enum Told {
    /// An answer in the usual form.
    Packed(Packed),
    /// An answer in another form, which is in the list.
    Listed,
    /// An authority in the same process.
    Direct(DirectBudgets),
    /// The reservation that stands behind this one.
    Of(Arc<Reservation>),
}

/// Scopes and budgets in the protocol's form.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Listed {
    /// Every scope derived from the subject, outermost first, whether or not it has a budget.
    pub(super) scopes: Vec<String>,
    /// The budgets that hold the reservation.
    pub(super) balances: Vec<Balance>,
}

impl Budgets {
    /// Those that an answer lists.
    pub(super) fn answered(scopes: Vec<String>, balances: Vec<Balance>) -> Self {
        let mut listed = Listed { scopes, balances };
        if let Some(packed) = Packed::new(&listed) {
            return Self { told: Told::Packed(packed), listed: OnceLock::new() };
        }
        // Lists that are read grow with room for more, and are held for as long as the guard is.
        listed.scopes.shrink_to_fit();
        listed.balances.shrink_to_fit();
        Self { told: Told::Listed, listed: Box::new(listed).into() }
    }

    /// Those that an authority in the same process tells.
    pub(super) fn direct(budgets: DirectBudgets) -> Self {
        Self { told: Told::Direct(budgets), listed: OnceLock::new() }
    }

    /// Those of the reservation that stands behind this one.
    pub(crate) fn of(reservation: Arc<Reservation>) -> Self {
        Self { told: Told::Of(reservation), listed: OnceLock::new() }
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
            Told::Packed(packed) if packed.has_budgets() => packed.unbudgeted().for_each(tell),
            Told::Direct(direct) if direct.lines.len() < direct.scopes().count() => {
                let has_none = |scope: &&str| direct.lines.iter().all(|line| *line.scope_path != **scope);
                direct.scopes().filter(has_none).for_each(tell);
            }
            Told::Listed => {
                let Listed { scopes, balances } = self.list();
                let has_none = |scope: &&str| balances.iter().all(|balance| balance.scope_path != **scope);
                let scopes = scopes.iter().map(String::as_str).filter(|_| !balances.is_empty());
                scopes.filter(has_none).for_each(tell);
            }
            // There is nothing to tell, or it was told when that was reserved.
            Told::Packed(_) | Told::Direct(_) | Told::Of(_) => {}
        }
    }

    fn list(&self) -> &Listed {
        if let Told::Of(reservation) = &self.told {
            return reservation.budgets.list();
        }
        self.listed.get_or_init(|| {
            Box::new(match &self.told {
                Told::Packed(packed) => packed.unpack(),
                Told::Direct(direct) => Listed {
                    scopes: direct.scopes().map(str::to_owned).collect(),
                    balances: direct.lines.iter().map(DirectBalance::to_balance).collect(),
                },
                Told::Listed | Told::Of(_) => Listed::default(),
            })
        })
    }
}
