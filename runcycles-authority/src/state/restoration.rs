//! Rows on their way back into a state.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use super::events::Events;
use super::kept_reservations::KeptReservations;
use super::{
    ApiKey, Changes, Counter, CounterKey, Event, Figures, IdMap, KeyDigest, Ledger, LedgerId, LedgerMap, Namespace,
    Policy, Posting, Record, Records, Reservation, Retired, RowKey, State, Subscription, Tenant, TenantId,
};
use crate::clock::Millis;

/// Rows that were kept somewhere, in any order. The last one under a key counts.
#[derive(Debug)]
pub(crate) struct Restoration {
    tenants: HashMap<TenantId, Tenant>,
    api_keys: HashMap<KeyDigest, ApiKey>,
    ledgers: LedgerMap<Ledger>,
    figures: LedgerMap<Figures>,
    reservations: KeptReservations,
    events: IdMap<Event>,
    records: HashMap<Namespace, HashMap<Arc<str>, Record>>,
    policies: HashMap<Arc<str>, Policy>,
    counters: HashMap<Arc<CounterKey>, Counter>,
    subscriptions: HashMap<Arc<str>, Subscription>,
}

/// Rows that cannot have been one state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Inconsistent(String);

impl Inconsistent {
    pub(super) fn new(problem: String) -> Self {
        Self(problem)
    }
}

/// A row that was kept.
#[derive(Debug)]
pub(crate) enum KeptRow {
    Tenant(TenantId, Tenant),
    ApiKey(KeyDigest, ApiKey),
    /// A ledger without its figures.
    Ledger(LedgerId, Ledger),
    Figures(LedgerId, Figures),
    Reservation(Box<Reservation>),
    Event(Event),
    Record(Namespace, Arc<str>, Record),
    Policy(Policy),
    Counter(Arc<CounterKey>, Counter),
    Subscription(Box<Subscription>),
    /// A row that is there no more.
    Gone(RowKey),
}

impl Restoration {
    /// No rows. Those that are to be put together need the same hasher of keys.
    pub(crate) fn new(keys: RandomState) -> Self {
        Self {
            tenants: HashMap::new(),
            api_keys: HashMap::new(),
            ledgers: LedgerMap::default(),
            figures: LedgerMap::default(),
            reservations: KeptReservations::new(keys),
            events: IdMap::default(),
            records: HashMap::new(),
            policies: HashMap::new(),
            counters: HashMap::new(),
            subscriptions: HashMap::new(),
        }
    }

    pub(crate) fn put(&mut self, row: KeptRow) {
        match row {
            KeptRow::Tenant(id, row) => drop(self.tenants.insert(id, row)),
            KeptRow::ApiKey(digest, row) => drop(self.api_keys.insert(digest, row)),
            KeptRow::Ledger(id, row) => drop(self.ledgers.insert(id, row)),
            KeptRow::Figures(id, figures) => drop(self.figures.insert(id, figures)),
            KeptRow::Reservation(row) => self.reservations.put(row),
            KeptRow::Event(row) => drop(self.events.insert(row.id, row)),
            KeptRow::Record(namespace, key, row) => {
                self.records.entry(namespace).or_default().insert(key, row);
            }
            KeptRow::Policy(row) => drop(self.policies.insert(row.id.clone(), row)),
            KeptRow::Counter(key, row) => drop(self.counters.insert(key, row)),
            KeptRow::Subscription(row) => drop(self.subscriptions.insert(row.id.clone(), *row)),
            KeptRow::Gone(key) => self.remove(&key),
        }
    }

    /// Puts in order what can be before all rows are together.
    pub(crate) fn sort(&mut self) {
        self.reservations.sort();
    }

    /// These rows and others, both in order. None are under the same key.
    pub(crate) fn and(mut self, others: Self) -> Self {
        let Self {
            tenants,
            api_keys,
            ledgers,
            figures,
            reservations,
            events,
            records,
            policies,
            counters,
            subscriptions,
        } = others;
        extend(&mut self.tenants, tenants);
        extend(&mut self.api_keys, api_keys);
        extend(&mut self.ledgers, ledgers);
        extend(&mut self.figures, figures);
        self.reservations = self.reservations.and(reservations);
        extend(&mut self.events, events);
        for (namespace, keys) in records {
            extend(self.records.entry(namespace).or_default(), keys);
        }
        extend(&mut self.policies, policies);
        extend(&mut self.counters, counters);
        extend(&mut self.subscriptions, subscriptions);
        self
    }

    fn remove(&mut self, key: &RowKey) {
        match key {
            RowKey::Tenant(id) => drop(self.tenants.remove(id)),
            RowKey::ApiKey(digest) => drop(self.api_keys.remove(digest)),
            RowKey::Ledger(id) => drop(self.ledgers.remove(id)),
            RowKey::Figures(id) => drop(self.figures.remove(id)),
            RowKey::Reservation(id) => self.reservations.remove(*id),
            RowKey::Event(id) => drop(self.events.remove(id)),
            RowKey::Record(namespace, key) => {
                self.records.get_mut(namespace).and_then(|keys| keys.remove(key));
            }
            RowKey::Policy(id) => drop(self.policies.remove(id)),
            RowKey::Counter(key) => drop(self.counters.remove(key)),
            RowKey::Subscription(id) => drop(self.subscriptions.remove(id)),
        }
    }

    /// The state of these rows at a time, which notes its changes from now on.
    pub(crate) fn finish(self, now: Millis) -> Result<State, Inconsistent> {
        let Self {
            tenants,
            api_keys,
            ledgers,
            mut figures,
            mut reservations,
            events,
            records,
            policies,
            counters,
            subscriptions,
        } = self;
        let mut state = State::new(Changes::recorded());
        state.now = now;
        for row in in_order(tenants, TenantId, "tenant")? {
            state.tenants.insert(row);
        }
        for (digest, row) in api_keys {
            check_tenant(&state, row.tenant, "an API key")?;
            state.api_keys.insert(digest, row);
        }
        for (number, mut row) in (0..).zip(in_order(ledgers, LedgerId, "ledger")?) {
            check_tenant(&state, row.tenant, "a ledger")?;
            let figures = figures.remove(&LedgerId(number)).and_then(Figures::checked);
            let no_figures = || Inconsistent(format!("the ledger {} has no figures, or impossible ones", row.scope));
            row.figures = figures.ok_or_else(no_figures)?;
            state.ledgers.insert(row);
        }
        if !figures.is_empty() {
            return Err(Inconsistent(format!("figures of {} ledgers that do not exist", figures.len())));
        }
        for row in policies.into_values() {
            check_tenant(&state, row.tenant, "a policy")?;
            state.policies.insert(row);
        }
        for (key, row) in counters {
            check_tenant(&state, key.tenant, "a counter")?;
            state.counters.insert(key, row);
        }
        for row in subscriptions.into_values() {
            state.subscriptions.insert(row);
        }
        state.listen();
        for row in events.values() {
            check_tenant(&state, row.tenant, "an event")?;
            check_ledgers(&state, row.postings.iter(), "an event")?;
        }
        reservations.check(&state)?;
        let finished = reservations.take_retirements();
        let events_end = events.values().map(|row| (row.retires_at(), Retired::Event(row.id)));
        // The large tables at the same time.
        let (reservations, (retirements, with_records)) = thread::scope(|scope| {
            let others =
                scope.spawn(|| (finished.into_iter().chain(events_end).collect(), restore_records(&state, records)));
            (reservations.finish(), others.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        state.retirements = retirements;
        state.reservations = reservations;
        state.events = Events::of(events);
        state.records = with_records?;
        Ok(state)
    }
}

#[cfg(test)]
impl State {
    /// The key of every row, in no order.
    pub(crate) fn row_keys(&self) -> Vec<RowKey> {
        let tenants = self.tenants.iter().zip(0..).map(|(_, place)| RowKey::Tenant(TenantId(place)));
        let ledgers = self.ledgers.iter().zip(0..).map(|(_, place)| LedgerId(place));
        let ledgers = ledgers.flat_map(|id| [RowKey::Ledger(id), RowKey::Figures(id)]);
        let api_keys = self.api_keys.iter().map(|(digest, _)| RowKey::ApiKey(digest));
        let policies = self.policies.iter().map(|policy| RowKey::Policy(policy.id.clone()));
        let subscriptions = self.subscriptions.iter().map(|row| RowKey::Subscription(row.id.clone()));
        let reservations = self.reservations.iter().map(|reservation| RowKey::Reservation(reservation.id));
        let events = self.events.iter().map(|event| RowKey::Event(event.id));
        let records = self.records.keys().map(|(namespace, key)| RowKey::Record(namespace, key.clone()));
        let counters = self.counters.keys().map(|key| RowKey::Counter(key.clone()));
        let all = tenants.chain(ledgers).chain(api_keys).chain(policies).chain(counters).chain(subscriptions);
        all.chain(reservations).chain(events).chain(records).collect()
    }
}

fn restore_records(
    state: &State,
    rows: HashMap<Namespace, HashMap<Arc<str>, Record>>,
) -> Result<Records, Inconsistent> {
    for (namespace, keys) in &rows {
        check_tenant(state, namespace.tenant, "an idempotency record")?;
        for record in keys.values() {
            check_ledgers(state, record.answer.postings(), "an idempotency record")?;
        }
    }
    Ok(Records::of(rows))
}

/// Puts the smaller of two maps into the larger.
fn extend<K: Eq + Hash, V, S: BuildHasher>(rows: &mut HashMap<K, V, S>, mut others: HashMap<K, V, S>) {
    if rows.len() < others.len() {
        std::mem::swap(rows, &mut others);
    }
    rows.extend(others);
}

/// The rows of a table that are numbered without a gap, in the order of their numbers.
fn in_order<I, T, S>(mut rows: HashMap<I, T, S>, id: fn(u32) -> I, what: &str) -> Result<Vec<T>, Inconsistent>
where
    I: Eq + Hash,
    S: BuildHasher,
{
    let numbers = 0..u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let row = |number| rows.remove(&id(number)).ok_or_else(|| Inconsistent(format!("{what} {number} is missing")));
    numbers.map(row).collect()
}

pub(super) fn check_tenant(state: &State, tenant: TenantId, what: &str) -> Result<(), Inconsistent> {
    let known = state.tenants.contains(tenant);
    if known {
        Ok(())
    } else {
        Err(Inconsistent(format!("{what} belongs to tenant {}, which does not exist", tenant.0)))
    }
}

fn check_ledgers<'a>(
    state: &State,
    postings: impl IntoIterator<Item = &'a Posting>,
    what: &str,
) -> Result<(), Inconsistent> {
    postings.into_iter().try_for_each(|posting| check_ledger(state, posting.ledger, what))
}

pub(super) fn check_ledger(state: &State, ledger: LedgerId, what: &str) -> Result<(), Inconsistent> {
    if state.ledgers.contains(ledger) {
        Ok(())
    } else {
        Err(Inconsistent(format!("{what} touches ledger {}, which does not exist", ledger.0)))
    }
}
