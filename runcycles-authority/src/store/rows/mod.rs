//! Rows as bytes.
//!
//! A batch is a sequence of entries, each a row as it is after the change or the note that it is gone:
//!
//! | bytes | |
//! |---|---|
//! | 1 | the table; the highest bit is set where the row is gone |
//! | 2 | the key's length, lowest byte first |
//! | 4 | the value's length, lowest byte first |
//! | | the key, then the value |
//!
//! Entries do not depend on those before them: of a row's entries the last one counts. What does not look inside them can
//! therefore leave out all but the last.
//!
//! A row's fields are written one after another. A later version of the format may add fields at the end of a row.

mod accounts;
mod counters;
mod records;
mod reservations;
mod values;

use std::sync::Arc;

use self::values::Stored;
use super::decoder::{Decoder, Malformed};
use super::encoder::Encoder;
use crate::state::{Figures, KeptRow, LedgerId, RowKey, State};

/// The table of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Table {
    Tenant = 1,
    ApiKey = 2,
    Ledger = 3,
    Figures = 4,
    Reservation = 5,
    Event = 6,
    Record = 7,
    Policy = 8,
    Counter = 9,
    Subscription = 10,
}

impl Table {
    const ALL: [Self; 10] = [
        Self::Tenant,
        Self::ApiKey,
        Self::Ledger,
        Self::Figures,
        Self::Reservation,
        Self::Event,
        Self::Record,
        Self::Policy,
        Self::Counter,
        Self::Subscription,
    ];

    fn of(key: &RowKey) -> Self {
        match key {
            RowKey::Tenant(_) => Self::Tenant,
            RowKey::ApiKey(_) => Self::ApiKey,
            RowKey::Ledger(_) => Self::Ledger,
            RowKey::Figures(_) => Self::Figures,
            RowKey::Reservation(_) => Self::Reservation,
            RowKey::Event(_) => Self::Event,
            RowKey::Record(..) => Self::Record,
            RowKey::Policy(_) => Self::Policy,
            RowKey::Counter(_) => Self::Counter,
            RowKey::Subscription(_) => Self::Subscription,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| *table as u8 == byte)
    }
}

/// The bit of a table that says that the row is gone.
const GONE: u8 = 0x80;

const ENTRY_HEAD: usize = 7;

/// Appends a row, as it is in the state, to a batch.
pub(super) fn append(state: &State, key: &RowKey, batch: &mut Vec<u8>) {
    let table = Table::of(key);
    match key {
        RowKey::Tenant(id) => append_entry(table, id, Some(state.tenants().get(*id)), batch),
        RowKey::ApiKey(digest) => append_entry(table, digest, state.api_keys().get(digest), batch),
        RowKey::Ledger(id) => append_entry(table, id, Some(state.ledgers().get(*id)), batch),
        RowKey::Figures(id) => append_figures(*id, state.ledgers().get(*id).figures, batch),
        RowKey::Reservation(id) => append_entry(table, id, state.reservations().get(*id), batch),
        RowKey::Event(id) => append_entry(table, id, state.events().get(*id), batch),
        RowKey::Record(namespace, key) => {
            append_entry(table, &(*namespace, key.clone()), state.records().get(*namespace, key), batch);
        }
        RowKey::Policy(id) => append_entry(table, id, state.policies().get(id), batch),
        RowKey::Counter(key) => append_entry(table, &**key, state.counters().get(key), batch),
        RowKey::Subscription(id) => append_entry(table, id, state.subscriptions().get(id), batch),
    }
}

/// Appends the figures of a ledger to a batch.
pub(super) fn append_figures(id: LedgerId, figures: Figures, batch: &mut Vec<u8>) {
    append_entry(Table::Figures, &id, Some(&figures), batch);
}

/// Appends a row, or where there is none, that it is gone.
fn append_entry<K: Stored, T: Stored>(table: Table, key: &K, row: Option<&T>, batch: &mut Vec<u8>) {
    let head = batch.len();
    batch.extend_from_slice(&[0; ENTRY_HEAD]);
    key.write(&mut Encoder::new(batch));
    let key_end = batch.len();
    if let Some(row) = row {
        row.write(&mut Encoder::new(batch));
    }
    let key_length = u16::try_from(key_end - head - ENTRY_HEAD).unwrap_or(u16::MAX);
    let value_length = u32::try_from(batch.len() - key_end).unwrap_or(u32::MAX);
    batch[head] = if row.is_some() { table as u8 } else { table as u8 | GONE };
    batch[head + 1..head + 3].copy_from_slice(&key_length.to_le_bytes());
    batch[head + 3..head + ENTRY_HEAD].copy_from_slice(&value_length.to_le_bytes());
}

/// One row of a batch, not read yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    table: Table,
    /// The table and the key, which together name the row.
    pub(super) name: (u8, &'a [u8]),
    /// What is in the row, unless it is gone.
    value: Option<&'a [u8]>,
    /// All of it, as it stands in the batch.
    pub(super) bytes: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Takes the next entry off a batch.
    pub(super) fn take(batch: &mut &'a [u8]) -> Result<Option<Self>, Malformed> {
        if batch.is_empty() {
            return Ok(None);
        }
        let whole = *batch;
        let mut from = Decoder::new(whole);
        let kind = from.byte()?;
        let table = Table::from_byte(kind & !GONE);
        let table = table.ok_or_else(|| Malformed::unknown_kind("table", kind & !GONE))?;
        let key_length = u16::from_le_bytes(from.array()?);
        let value_length = u32::from_le_bytes(from.array()?);
        let key = from.raw(usize::from(key_length))?;
        let value = from.raw(usize::try_from(value_length).unwrap_or(usize::MAX))?;
        let (bytes, rest) = whole.split_at(whole.len() - from.left());
        *batch = rest;
        Ok(Some(Self { table, name: (table as u8, key), value: (kind & GONE == 0).then_some(value), bytes }))
    }

    pub(super) fn is_gone(&self) -> bool {
        self.value.is_none()
    }

    /// The id of a reservation, where this is one.
    pub(super) fn reservation_id(&self) -> Option<&'a [u8]> {
        (self.table == Table::Reservation).then_some(self.name.1)
    }

    /// Reads the row.
    pub(super) fn read(&self) -> Result<KeptRow, Malformed> {
        let mut key = Decoder::new(self.name.1);
        let key = &mut key;
        Ok(match (self.table, self.value) {
            (Table::Tenant, Some(value)) => KeptRow::Tenant(whole(key)?, whole_row(value)?),
            (Table::ApiKey, Some(value)) => KeptRow::ApiKey(whole(key)?, whole_row(value)?),
            (Table::Ledger, Some(value)) => KeptRow::Ledger(whole(key)?, whole_row(value)?),
            (Table::Figures, Some(value)) => KeptRow::Figures(whole(key)?, whole_row(value)?),
            (Table::Reservation, Some(value)) => KeptRow::Reservation(whole_row(value)?),
            (Table::Event, Some(value)) => KeptRow::Event(whole_row(value)?),
            (Table::Record, Some(value)) => {
                let (namespace, key) = whole(key)?;
                KeptRow::Record(namespace, key, whole_row(value)?)
            }
            (Table::Policy, Some(value)) => KeptRow::Policy(whole_row(value)?),
            (Table::Counter, Some(value)) => KeptRow::Counter(Arc::new(whole(key)?), whole_row(value)?),
            (Table::Counter, None) => KeptRow::Gone(RowKey::Counter(Arc::new(whole(key)?))),
            (Table::Subscription, Some(value)) => KeptRow::Subscription(Box::new(whole_row(value)?)),
            (Table::Subscription, None) => KeptRow::Gone(RowKey::Subscription(whole(key)?)),
            (Table::Policy, None) => KeptRow::Gone(RowKey::Policy(whole(key)?)),
            (Table::Tenant, None) => KeptRow::Gone(RowKey::Tenant(whole(key)?)),
            (Table::ApiKey, None) => KeptRow::Gone(RowKey::ApiKey(whole(key)?)),
            (Table::Ledger, None) => KeptRow::Gone(RowKey::Ledger(whole(key)?)),
            (Table::Figures, None) => KeptRow::Gone(RowKey::Figures(whole(key)?)),
            (Table::Reservation, None) => KeptRow::Gone(RowKey::Reservation(whole(key)?)),
            (Table::Event, None) => KeptRow::Gone(RowKey::Event(whole(key)?)),
            (Table::Record, None) => {
                let (namespace, key) = whole(key)?;
                KeptRow::Gone(RowKey::Record(namespace, key))
            }
        })
    }
}

fn whole_row<T: Stored>(bytes: &[u8]) -> Result<T, Malformed> {
    whole(&mut Decoder::new(bytes))
}

/// Reads a value that ends where its bytes do.
fn whole<T: Stored>(from: &mut Decoder<'_>) -> Result<T, Malformed> {
    let value = T::read(from)?;
    if from.is_empty() { Ok(value) } else { Err(Malformed::new(format!("{} bytes too many in a row", from.left()))) }
}
