//! Where a pattern's budgets stand.

use crate::admin::{Admin, BudgetLedger, ScopePath};
use crate::client::CyclesClient;
use crate::error::Error;
use crate::protocol::{Amount, Level, Subject, ValidationError};

/// A scope with budgets of its own.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The scope as calls name it.
    pub(super) subject: Subject,
    /// The same as budgets name it.
    pub(super) path: ScopePath,
}

impl Place {
    /// The scope, with the levels above its innermost one as calls of a client have them.
    pub(super) fn new(client: &CyclesClient, scope: Subject) -> Result<Self, ValidationError> {
        let innermost = Level::ALL.into_iter().rfind(|level| scope.level(*level).is_some());
        let mut subject = scope;
        client.fill_subject(&mut subject);
        for level in Level::ALL.into_iter().filter(|level| Some(*level) > innermost) {
            *subject.level_mut(level) = None;
        }
        let levels = Subject { dimensions: std::collections::BTreeMap::new(), ..subject.clone() };
        Ok(Self { path: ScopePath::try_from(levels)?, subject })
    }

    /// A toolset below.
    pub(super) fn toolset(&self, toolset: &str) -> Result<ScopePath, ValidationError> {
        format!("{}/toolset:{toolset}", self.path).parse()
    }
}

/// Makes the budget of a scope as large as it is meant to be: creates it, or gives one that is there that size. What was spent
/// stays spent.
pub(super) async fn provide(admin: &Admin, scope: &ScopePath, amount: &Amount) -> Result<BudgetLedger, Error> {
    let budget = admin.budget(scope.clone());
    let ledger = budget.ensure(amount.clone()).await?;
    if ledger.allocated != *amount {
        budget.resize(amount.clone()).await?;
    }
    Ok(ledger)
}

/// Checks that amounts have a unit each.
pub(super) fn check_units(amounts: &[Amount]) -> Result<(), ValidationError> {
    for (at, amount) in amounts.iter().enumerate() {
        if amounts[..at].iter().any(|other| other.unit() == amount.unit()) {
            let found = format!("a second budget in {}", amount.unit());
            return Err(ValidationError::new("budget", found, "one of each unit"));
        }
    }
    Ok(())
}
