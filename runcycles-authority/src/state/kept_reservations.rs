//! Reservations on their way back into a state.

use std::collections::hash_map::Entry;
use std::hash::RandomState;

use uuid::Uuid;

use super::by_key::ByKey;
use super::restoration::{Inconsistent, check_ledger, check_tenant};
use super::{IdMap, LedgerId, Reservation, Reservations, Retired, State, TenantId};
use crate::clock::Millis;

/// Reservations that were kept somewhere, in any order, and what their table needs beside them.
///
/// Most of that is worked out as they come, while each is at hand: a walk over a million of them later finds none in a cache.
#[derive(Debug)]
pub(super) struct KeptReservations {
    rows: IdMap<Box<Reservation>>,
    by_key: ByKey,
    created: Vec<(TenantId, Millis, Uuid)>,
    deadlines: Vec<(Millis, Uuid)>,
    retirements: Vec<(Millis, Retired)>,
    /// The highest numbers of tenants and ledgers that any of them names.
    highest: Option<(TenantId, LedgerId)>,
    /// One with amounts below zero.
    negative: Option<Uuid>,
    /// Whether any was removed that others stood beside.
    has_gaps: bool,
}

impl KeptReservations {
    pub(super) fn new(keys: RandomState) -> Self {
        Self {
            rows: IdMap::default(),
            by_key: ByKey::new(keys),
            created: Vec::new(),
            deadlines: Vec::new(),
            retirements: Vec::new(),
            highest: None,
            negative: None,
            has_gaps: false,
        }
    }

    /// Adds one, or what became of one.
    pub(super) fn put(&mut self, row: Box<Reservation>) {
        let settlement = row.phase.settlement();
        if row.estimate < 0 || settlement.is_some_and(|settlement| settlement.charged < 0) {
            self.negative = Some(row.id);
        }
        let extended = row.extensions.iter().flat_map(|extension| &extension.postings);
        let settled = settlement.into_iter().flat_map(|settlement| &settlement.postings);
        let ledgers = row.held.iter().chain(extended).chain(settled).map(|posting| posting.ledger);
        let (tenant, ledger) = self.highest.unwrap_or((row.tenant, LedgerId(0)));
        self.highest = Some((tenant.max(row.tenant), ledgers.fold(ledger, LedgerId::max)));
        match self.rows.entry(row.id) {
            Entry::Occupied(mut known) => drop(known.insert(row)),
            Entry::Vacant(place) => {
                self.by_key.insert(row.tenant, &row.key, row.id);
                self.created.push((row.tenant, row.created_at, row.id));
                place.insert(row);
            }
        }
    }

    pub(super) fn remove(&mut self, id: Uuid) {
        if let Some(row) = self.rows.remove(&id) {
            self.by_key.remove(row.tenant, &row.key, id);
            self.has_gaps = true;
        }
    }

    /// Puts everything in order once all of them are there.
    pub(super) fn sort(&mut self) {
        if self.has_gaps {
            self.created.retain(|(_, _, id)| self.rows.contains_key(id));
        }
        self.retirements.reserve(self.rows.len());
        for row in self.rows.values() {
            self.retirements.extend(row.retires_at().map(|at| (at, Retired::Reservation(row.id))));
            self.deadlines.extend(row.deadline().map(|deadline| (deadline, row.id)));
        }
        self.sort_lists();
    }

    /// Lists that are in order, and two that follow one another, are in order soon.
    fn sort_lists(&mut self) {
        // Comparing ids as numbers is what puts them in order fastest.
        self.created.sort_by_key(|(tenant, created_at, id)| (*tenant, *created_at, id.as_u128()));
        self.retirements.sort_by_key(|(at, row)| match row {
            Retired::Reservation(id) | Retired::Event(id) => (*at, id.as_u128()),
        });
    }

    /// These and others, both in order, none with the same id.
    pub(super) fn and(mut self, mut others: Self) -> Self {
        if self.rows.len() < others.rows.len() {
            std::mem::swap(&mut self, &mut others);
        }
        self.rows.reserve(others.rows.len());
        self.rows.extend(others.rows);
        self.by_key.extend(others.by_key);
        self.created.extend(others.created);
        self.deadlines.extend(others.deadlines);
        self.retirements.extend(others.retirements);
        self.highest = match (self.highest, others.highest) {
            (Some(these), Some(others)) => Some((these.0.max(others.0), these.1.max(others.1))),
            (these, others) => these.or(others),
        };
        self.negative = self.negative.or(others.negative);
        self.sort_lists();
        self
    }

    /// Refuses what no state has.
    pub(super) fn check(&self, state: &State) -> Result<(), Inconsistent> {
        if let Some((tenant, ledger)) = self.highest {
            check_tenant(state, tenant, "a reservation")?;
            check_ledger(state, ledger, "a reservation")?;
        }
        if let Some(id) = self.negative {
            return Err(Inconsistent::new(format!("the amounts of the reservation {id} are negative")));
        }
        Ok(())
    }

    /// When those that are finished are forgotten, in order.
    pub(super) fn take_retirements(&mut self) -> Vec<(Millis, Retired)> {
        std::mem::take(&mut self.retirements)
    }

    pub(super) fn finish(self) -> Reservations {
        let Self { rows, by_key, created, deadlines, .. } = self;
        Reservations {
            rows,
            deadlines: deadlines.into_iter().collect(),
            by_creation: created.into_iter().collect(),
            by_key,
        }
    }
}
