//! What a lease is spent for, action by action.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Value, json};

use crate::protocol::Action;

/// How many actions a breakdown tells apart; the others share its last row.
pub(super) const ROWS: usize = 16;

/// The actions that a lease is spent for. They keep their rows as long as it lives.
#[derive(Debug, Default)]
pub(super) struct Actions {
    /// A lock that is written for an action that was not seen before, and read otherwise.
    known: RwLock<Vec<Arc<Action>>>,
}

impl Actions {
    /// The row of an action: its own, or the one that is shared.
    pub(super) fn row(&self, kind: &str, name: &str) -> usize {
        let find = |known: &[Arc<Action>]| known.iter().position(|known| known.kind == kind && known.name == name);
        // The list is whole between any two operations on it.
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // Once the rows are full, nothing is written any more.
        if let Some(row) = find(&known).or_else(|| (known.len() >= ROWS).then_some(ROWS)) {
            return row;
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        match find(&known) {
            Some(row) => row,
            None if known.len() < ROWS => {
                known.push(Arc::new(Action::new(kind, name)));
                known.len() - 1
            }
            None => ROWS,
        }
    }
}

/// How often and how much a chunk was spent, by row.
#[derive(Debug, Default)]
pub(super) struct Breakdown {
    rows: [Row; ROWS + 1],
    /// How many took of it and spent nothing.
    returned: AtomicU64,
}

#[derive(Debug, Default)]
struct Row {
    count: AtomicU64,
    amount: AtomicU64,
}

impl Breakdown {
    pub(super) fn spent(&self, row: usize, amount: u64) {
        let row = &self.rows[row.min(ROWS)];
        row.count.fetch_add(1, Ordering::Relaxed);
        row.amount.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn returned(&self) {
        self.returned.fetch_add(1, Ordering::Relaxed);
    }

    /// How many have ended: those that spent, and those that did not.
    pub(super) fn ended(&self) -> (u64, u64) {
        let spent = self.rows.iter().map(|row| row.count.load(Ordering::Relaxed)).sum();
        (spent, self.returned.load(Ordering::Relaxed))
    }

    /// What the ended ones have spent.
    pub(super) fn amount(&self) -> u64 {
        self.rows.iter().fold(0, |sum, row| sum.saturating_add(row.amount.load(Ordering::Relaxed)))
    }

    /// What goes with a commit.
    pub(super) fn to_json(&self, actions: &Actions) -> Value {
        let known = actions.known.read().unwrap_or_else(PoisonError::into_inner);
        let (spent, returned) = self.ended();
        let rows = known.iter().zip(&self.rows).filter_map(|(action, row)| {
            let (count, amount) = row.read()?;
            Some(json!({ "kind": action.kind, "name": action.name, "count": count, "amount": amount }))
        });
        let mut told = json!({ "settled": spent, "returned": returned, "actions": rows.collect::<Vec<_>>() });
        if let Some((count, amount)) = self.rows[ROWS].read() {
            told["other_actions"] = json!({ "count": count, "amount": amount });
        }
        told
    }
}

impl Row {
    /// How often and how much, if ever.
    fn read(&self) -> Option<(u64, u64)> {
        let count = self.count.load(Ordering::Relaxed);
        (count > 0).then(|| (count, self.amount.load(Ordering::Relaxed)))
    }
}
