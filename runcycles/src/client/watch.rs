//! What answers tell of one scope's spend.

use std::sync::{Mutex, PoisonError};

use crate::protocol::{Amount, Balance, Unit};

/// What was spent in one scope, as far as answers to calls of a view have told.
#[derive(Debug)]
pub(crate) struct Watch {
    scope_path: String,
    /// The most in each unit: answers may overtake each other, and spend only grows.
    ///
    /// A lock because calls of a view may be settled on any thread; held for a few comparisons.
    spent: Mutex<Vec<Amount>>,
}

impl Watch {
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "runs, which watch, need the feature"))]
    pub(crate) fn new(scope_path: impl Into<String>) -> Self {
        Self { scope_path: scope_path.into(), spent: Mutex::default() }
    }

    /// Takes what an answer tells.
    pub(crate) fn note(&self, balances: &[Balance]) {
        let own = balances.iter().filter(|balance| balance.scope_path.eq_ignore_ascii_case(&self.scope_path));
        for spent in own.filter_map(|balance| balance.spent.as_ref()) {
            self.note_spent(spent);
        }
    }

    pub(crate) fn note_spent(&self, spent: &Amount) {
        let mut known = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        match known.iter_mut().find(|known| known.unit() == spent.unit()) {
            Some(known) if known.value() < spent.value() => known.clone_from(spent),
            Some(_) => {}
            None => known.push(spent.clone()),
        }
    }

    /// What was spent in a unit when it was last told; nothing where it never was.
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "runs, which watch, need the feature"))]
    pub(crate) fn spent(&self, unit: &Unit) -> Amount {
        let known = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let told = known.iter().find(|known| known.unit() == unit);
        told.cloned().unwrap_or_else(|| Amount::new(unit.clone(), 0))
    }
}
