//! Events: spend that was recorded without a reservation.

use uuid::Uuid;

use super::{IdMap, Posting, RECORD_RETENTION_MS, TenantId};
use crate::clock::Millis;
use crate::scope::ScopePath;
use crate::unit::Unit;

/// Spend that was recorded without a reservation.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) scope: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) actual: i64,
    pub(crate) charged: i64,
    pub(crate) created_at: Millis,
    pub(crate) postings: Box<[Posting]>,
}

impl Event {
    /// The last instant at which it is known.
    pub(crate) fn retires_at(&self) -> Millis {
        self.created_at.saturating_add(RECORD_RETENTION_MS)
    }
}

/// The table of events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    rows: IdMap<Event>,
}

impl Events {
    pub(crate) fn get(&self, id: Uuid) -> Option<&Event> {
        self.rows.get(&id)
    }

    pub(super) fn of(rows: IdMap<Event>) -> Self {
        Self { rows }
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Event> {
        self.rows.values()
    }

    pub(super) fn insert(&mut self, event: Event) {
        self.rows.insert(event.id, event);
    }

    pub(super) fn remove(&mut self, id: Uuid) {
        self.rows.remove(&id);
    }
}
