//! Which rows changed.

use std::sync::Arc;

use uuid::Uuid;

use super::{CounterKey, KeyDigest, LedgerId, Namespace, TenantId};

/// Names a row of a table. Where the row is gone from the state, it was removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RowKey {
    Tenant(TenantId),
    ApiKey(KeyDigest),
    /// A ledger, without its figures.
    Ledger(LedgerId),
    /// A ledger's figures.
    Figures(LedgerId),
    Reservation(Uuid),
    Event(Uuid),
    Record(Namespace, Arc<str>),
    Policy(Arc<str>),
    Counter(Arc<CounterKey>),
    Subscription(Arc<str>),
}

/// The rows that changed, in order, where somebody wants to know.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    rows: Option<Vec<RowKey>>,
}

impl Changes {
    /// Notes every change.
    pub(crate) fn recorded() -> Self {
        Self { rows: Some(Vec::new()) }
    }

    /// Notes a change; the key is made only where changes are recorded.
    pub(super) fn note(&mut self, key: impl FnOnce() -> RowKey) {
        if let Some(rows) = &mut self.rows {
            rows.push(key());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.as_ref().is_none_or(Vec::is_empty)
    }

    pub(super) fn take(&mut self) -> Vec<RowKey> {
        self.rows.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Gives back an emptied list, so that its memory serves again.
    pub(super) fn reuse(&mut self, emptied: Vec<RowKey>) {
        if let Some(rows) = &mut self.rows {
            *rows = emptied;
        }
    }
}
