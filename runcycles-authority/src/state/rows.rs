//! Rows by their keys: what a store writes and reads back.

#[cfg(test)]
mod tests;

use super::{ApiKey, Event, Ledger, LedgerId, Policy, Record, Reservation, Retired, RowKey, State, Tenant, TenantId};

/// A row of any table.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    Tenant(Tenant),
    ApiKey(ApiKey),
    Ledger(Ledger),
    Reservation(Box<Reservation>),
    Event(Event),
    Record(Record),
    Policy(Policy),
}

impl State {
    /// The keys of all rows, tenants and ledgers in the order of their places.
    pub(crate) fn keys(&self) -> impl Iterator<Item = RowKey> {
        let tenants = self.tenants.iter().zip(0..).map(|(_, place)| RowKey::Tenant(TenantId(place)));
        let ledgers = self.ledgers.iter().zip(0..).map(|(_, place)| RowKey::Ledger(LedgerId(place)));
        let api_keys = self.api_keys.iter().map(|(digest, _)| RowKey::ApiKey(digest));
        let policies = self.policies.iter().map(|policy| RowKey::Policy(policy.id.clone()));
        let reservations = self.reservations.iter().map(|reservation| RowKey::Reservation(reservation.id));
        let events = self.events.iter().map(|event| RowKey::Event(event.id));
        let records = self.records.keys().map(|(namespace, key)| RowKey::Record(namespace, key.clone()));
        tenants.chain(ledgers).chain(api_keys).chain(policies).chain(reservations).chain(events).chain(records)
    }

    /// The row of a key as it stands; none where it was removed.
    pub(crate) fn row(&self, key: &RowKey) -> Option<Row> {
        match key {
            RowKey::Tenant(id) => Some(Row::Tenant(self.tenants.get(*id).clone())),
            RowKey::ApiKey(digest) => self.api_keys.get(digest).cloned().map(Row::ApiKey),
            RowKey::Ledger(id) => Some(Row::Ledger(self.ledgers.get(*id).clone())),
            RowKey::Reservation(id) => self.reservations.get(*id).cloned().map(|row| Row::Reservation(Box::new(row))),
            RowKey::Event(id) => self.events.get(*id).cloned().map(Row::Event),
            RowKey::Record(namespace, key) => self.records.find(*namespace, key, 0).cloned().map(Row::Record),
            RowKey::Policy(id) => self.policies.get(id).cloned().map(Row::Policy),
        }
    }

    /// Puts a row that was read back in its place, or removes it. Notes no change.
    ///
    /// Tenants and ledgers keep their places, so they are restored in the order of their keys.
    pub(crate) fn restore(&mut self, key: RowKey, row: Option<Row>) {
        match (key, row) {
            (RowKey::Tenant(id), Some(Row::Tenant(tenant))) => self.tenants.restore(id, tenant),
            (RowKey::ApiKey(digest), Some(Row::ApiKey(api_key))) => self.api_keys.insert(digest, api_key),
            (RowKey::Ledger(id), Some(Row::Ledger(ledger))) => self.ledgers.restore(id, ledger),
            (RowKey::Policy(_), Some(Row::Policy(policy))) => self.policies.insert(policy),
            (RowKey::Record(namespace, key), Some(Row::Record(record))) => self.records.insert(namespace, key, record),
            (RowKey::Record(namespace, key), _) => self.records.remove(namespace, &key),
            (RowKey::Event(id), row) => {
                if let Some(before) = self.events.remove(id) {
                    self.retirements.remove(&(before.retires_at(), Retired::Event(id)));
                }
                if let Some(Row::Event(event)) = row {
                    self.retirements.insert((event.retires_at(), Retired::Event(id)));
                    self.events.insert(event);
                }
            }
            (RowKey::Reservation(id), row) => {
                if let Some(at) = self.reservations.remove(id).and_then(|before| before.retires_at()) {
                    self.retirements.remove(&(at, Retired::Reservation(id)));
                }
                if let Some(Row::Reservation(reservation)) = row {
                    if let Some(at) = reservation.retires_at() {
                        self.retirements.insert((at, Retired::Reservation(id)));
                    }
                    self.reservations.insert(*reservation);
                }
            }
            // Rows of these tables are never removed, and a key has rows of its own table only.
            (RowKey::Tenant(_) | RowKey::ApiKey(_) | RowKey::Ledger(_) | RowKey::Policy(_), _) => {}
        }
    }
}
