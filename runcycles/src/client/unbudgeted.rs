//! Scopes where nothing caps the calls that are made there.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// The most scopes that are remembered, and so told: a scope for each user would fill the memory and the log.
const MOST_SCOPES: usize = 1_000;

/// The scopes without a budget that operators have been told of.
///
/// A lock because reservations are answered on any thread; held for one look, and only where a scope has no budget.
#[derive(Debug, Default)]
pub(crate) struct Unbudgeted(Mutex<HashSet<Box<str>>>);

impl Unbudgeted {
    /// Warns of a scope without a budget of its own, once (protocol: such scopes are skipped).
    pub(crate) fn warn_once(&self, scope: &str) {
        let known = {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if told.len() >= MOST_SCOPES || told.contains(scope) {
                return;
            }
            told.insert(scope.into());
            told.len()
        };
        let level = scope.rsplit('/').next().and_then(|segment| segment.split(':').next()).unwrap_or_default();
        tracing::warn!(
            scope,
            "nothing caps calls at this scope, which has no budget of its own; create one, or refuse such calls by \
             require = {level:?}"
        );
        if known == MOST_SCOPES {
            tracing::warn!("{MOST_SCOPES} scopes without a budget of their own; further ones are not told");
        }
    }
}
