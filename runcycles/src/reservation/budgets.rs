//! The scopes of a reservation and their budgets.

use std::sync::OnceLock;

use crate::protocol::Balance;
use crate::transport::{DirectBalance, DirectBudgets};

/// The scopes of a reservation and their budgets, as the answer told. Few look at them, so what an authority in the same process
/// tells is put into the protocol's form for those who do.
#[derive(Debug)]
pub(crate) struct Budgets {
    listed: OnceLock<Listed>,
    direct: Option<DirectBudgets>,
}

#[derive(Debug)]
struct Listed {
    scopes: Vec<String>,
    balances: Vec<Balance>,
}

impl Budgets {
    /// What an answer lists.
    pub(crate) fn listed(scopes: Vec<String>, balances: Vec<Balance>) -> Self {
        Self { listed: Listed { scopes, balances }.into(), direct: None }
    }

    /// What an authority in the same process tells.
    pub(crate) fn direct(direct: DirectBudgets) -> Self {
        Self { listed: OnceLock::new(), direct: Some(direct) }
    }

    /// Every scope derived from the subject, outermost first, whether or not it has a budget.
    pub(crate) fn scopes(&self) -> &[String] {
        &self.list().scopes
    }

    /// The budgets that hold the reservation.
    pub(crate) fn balances(&self) -> &[Balance] {
        &self.list().balances
    }

    /// The scopes without a budget of their own, where the answer tells of budgets at all.
    pub(crate) fn unbudgeted(&self) -> impl Iterator<Item = &str> {
        let lines = self.direct.iter().filter(|direct| direct.lines.len() < direct.scopes().count());
        let direct = lines.flat_map(|direct| {
            direct.scopes().filter(|scope| direct.lines.iter().all(|line| *line.scope_path != **scope))
        });
        let listed = self.listed.get().filter(|listed| self.direct.is_none() && listed.lacks_some());
        let listed = listed.into_iter().flat_map(|Listed { scopes, balances }| {
            scopes.iter().filter(|scope| balances.iter().all(|balance| balance.scope_path != **scope))
        });
        direct.chain(listed.map(String::as_str))
    }

    fn list(&self) -> &Listed {
        self.listed.get_or_init(|| match &self.direct {
            Some(direct) => Listed {
                scopes: direct.scopes().map(str::to_owned).collect(),
                balances: direct.lines.iter().map(DirectBalance::to_balance).collect(),
            },
            None => Listed { scopes: Vec::new(), balances: Vec::new() },
        })
    }
}

impl Listed {
    /// Whether there are budgets, and fewer than scopes.
    fn lacks_some(&self) -> bool {
        !self.balances.is_empty() && self.balances.len() < self.scopes.len()
    }
}
