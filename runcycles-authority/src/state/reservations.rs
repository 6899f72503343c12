//! Reservations: budget held for an action.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use runcycles::models::{Caps, Metadata, PolicyKeys};
use uuid::Uuid;

use super::by_key::ByKey;
use super::{
    Action, CounterKey, Figures, IdMap, KEY_RETENTION_MS, Key, LedgerId, Overage, RECORD_RETENTION_MS, TenantId,
};
use crate::clock::Millis;
use crate::fingerprint::Fingerprint;
use crate::scope::{ScopePath, Spelling};
use crate::unit::Unit;

/// Budget held for an action, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Reservation {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) key: Key,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) scope: ScopePath,
    pub(crate) spelling: Spelling,
    pub(crate) dimensions: BTreeMap<String, String>,
    pub(crate) action: Arc<Action>,
    pub(crate) unit: Unit,
    pub(crate) estimate: i64,
    pub(crate) overage: Overage,
    pub(crate) created_at: Millis,
    pub(crate) granted_ttl_ms: Millis,
    pub(crate) expires_at: Millis,
    pub(crate) grace_ms: Millis,
    pub(crate) max_extensions: u32,
    pub(crate) metadata: Option<Box<Metadata>>,
    pub(crate) caps: Option<Arc<Caps>>,
    /// The ledgers that hold it, outermost scope first, as they stood after the reservation.
    pub(crate) held: Box<[Posting]>,
    pub(crate) extensions: Vec<Extension>,
    pub(crate) phase: Phase,
    /// What policies have to do with it (protocol v0.1.26); nothing for most.
    pub(crate) ruled: Option<Box<Ruled>>,
}

/// What policies have to do with a reservation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ruled {
    /// What they could look at beside the kind of action.
    pub(crate) policy_keys: Option<Box<PolicyKeys>>,
    /// What it counts for in its run, until it turns out to have come to nothing.
    pub(crate) counted: Box<[Arc<CounterKey>]>,
}

impl Reservation {
    /// The last instant at which it can be committed or released, unless it is finished.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        matches!(self.phase, Phase::Active).then(|| self.expires_at.saturating_add(self.grace_ms))
    }

    /// The last instant at which its key is known. The reservation can be read for longer.
    pub(crate) fn key_until(&self) -> Millis {
        self.created_at.saturating_add(KEY_RETENTION_MS.max(self.granted_ttl_ms.saturating_add(self.grace_ms)))
    }

    /// The last instant at which it can be read, once it is finished.
    pub(crate) fn retires_at(&self) -> Option<Millis> {
        let finished_at = match &self.phase {
            Phase::Active => return None,
            Phase::Committed(settlement) | Phase::Released(settlement) => settlement.at,
            Phase::Expired { at } => *at,
        };
        Some(finished_at.saturating_add(RECORD_RETENTION_MS))
    }

    /// How long a lease that ends at `expires_at` lives; nothing if the reservation is finished.
    pub(crate) fn remaining_ttl(&self, expires_at: Millis, now: Millis) -> Millis {
        match self.phase {
            Phase::Active => expires_at.saturating_sub(now),
            Phase::Committed(_) | Phase::Released(_) | Phase::Expired { .. } => 0,
        }
    }
}

/// A ledger as it stood after an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) ledger: LedgerId,
    pub(crate) figures: Figures,
}

/// A longer lease, and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Extension {
    pub(crate) key: Key,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) expires_at: Millis,
    pub(crate) postings: Box<[Posting]>,
}

/// Where a reservation stands.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// It holds budget.
    Active,
    /// Its spend is in the ledgers.
    Committed(Box<Settlement>),
    /// Its hold was returned on request.
    Released(Box<Settlement>),
    /// Its time ran out and its hold was returned.
    Expired { at: Millis },
}

impl Phase {
    /// How it was finished on request.
    pub(crate) fn settlement(&self) -> Option<&Settlement> {
        match self {
            Self::Committed(settlement) | Self::Released(settlement) => Some(settlement),
            Self::Active | Self::Expired { .. } => None,
        }
    }
}

/// How a reservation was finished, and what was answered.
#[derive(Clone, Debug)]
pub(crate) struct Settlement {
    pub(crate) key: Key,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) at: Millis,
    pub(crate) charged: i64,
    pub(crate) metadata: Option<Box<Metadata>>,
    pub(crate) postings: Box<[Posting]>,
}

/// The table of reservations.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    pub(super) rows: IdMap<Box<Reservation>>,
    /// The live ones by their last instant.
    pub(super) deadlines: BTreeSet<(Millis, Uuid)>,
    /// All of them by tenant and time of creation, for lists.
    pub(super) by_creation: BTreeSet<(TenantId, Millis, Uuid)>,
    pub(super) by_key: ByKey,
}

impl Reservations {
    pub(crate) fn get(&self, id: Uuid) -> Option<&Reservation> {
        self.rows.get(&id).map(|row| &**row)
    }

    /// The live reservation whose last instant comes first.
    pub(crate) fn next_deadline(&self) -> Option<(Millis, Uuid)> {
        self.deadlines.first().copied()
    }

    /// The reservations that hold budget, by deadline.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Reservation> {
        self.deadlines.iter().filter_map(|(_, id)| self.get(*id))
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.rows.values().map(|row| &**row)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn count_live(&self) -> usize {
        self.deadlines.len()
    }

    /// A tenant's reservations made within a time, oldest first, and by id where they are of the same age.
    pub(crate) fn of_tenant(
        &self,
        tenant: TenantId,
        from: Millis,
        to: Millis,
    ) -> impl DoubleEndedIterator<Item = &Reservation> {
        // A range that ends before it starts is empty, and BTreeSet would panic on it.
        let to = to.max(from);
        let rows = self.by_creation.range((tenant, from, Uuid::nil())..=(tenant, to, Uuid::max()));
        rows.filter_map(|(_, _, id)| self.get(*id))
    }

    /// A tenant's reservations made under a key, in no order: one, unless the key was used again after it was forgotten.
    pub(crate) fn with_key(&self, tenant: TenantId, key: &Key) -> impl Iterator<Item = &Reservation> {
        let candidates = self.by_key.candidates(tenant, key).filter_map(|id| self.get(id));
        candidates.filter(move |row| row.tenant == tenant && row.key == *key)
    }

    pub(super) fn insert(&mut self, reservation: Reservation) {
        let id = reservation.id;
        self.by_key.insert(reservation.tenant, &reservation.key, id);
        if let Some(deadline) = reservation.deadline() {
            self.deadlines.insert((deadline, id));
        }
        self.by_creation.insert((reservation.tenant, reservation.created_at, id));
        self.rows.insert(id, Box::new(reservation));
    }

    /// Changes a row; returns when it retires, if the change finished it.
    pub(super) fn change(&mut self, id: Uuid, change: impl FnOnce(&mut Reservation)) -> Option<Millis> {
        let row = self.rows.get_mut(&id)?;
        let before = row.deadline();
        change(row);
        let after = row.deadline();
        if before != after {
            before.map(|deadline| self.deadlines.remove(&(deadline, id)));
            after.map(|deadline| self.deadlines.insert((deadline, id)));
        }
        before.and_then(|_| row.retires_at())
    }

    pub(super) fn remove(&mut self, id: Uuid) {
        if let Some(row) = self.rows.remove(&id) {
            row.deadline().map(|deadline| self.deadlines.remove(&(deadline, id)));
            self.by_creation.remove(&(row.tenant, row.created_at, id));
            self.by_key.remove(row.tenant, &row.key, id);
        }
    }
}
