//! What is counted of one caller within an hour.

use std::collections::BTreeMap;

use crate::protocol::{Subject, Unit};

/// How many kinds of denial, and how many budgets, a row tells apart. What comes beyond is counted without its kind.
const MOST_KINDS: usize = 64;

/// Whose calls a row counts, and in what unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Caller {
    /// The levels alone.
    pub(super) subject: Subject,
    pub(super) unit: Unit,
}

/// Why a call would not have run, and the budget that says so, where that is known.
pub(super) type Kind = (Option<String>, String);

/// What is counted of one caller within an hour.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) calls: u64,
    /// Calls whose spend is to be recorded.
    pub(super) metered: u64,
    /// Those whose spend has been.
    pub(super) recorded: u64,
    pub(super) denied: u64,
    pub(super) undecided: u64,
    pub(super) denials: BTreeMap<Kind, u64>,
    /// Calls whose cost is known, what they estimated and what they cost.
    pub(super) measured: u64,
    pub(super) estimated: u64,
    pub(super) actual: u64,
    /// How far beyond its allocation each budget was at most.
    pub(super) overages: BTreeMap<String, u64>,
    minute: u64,
    in_minute: u64,
    /// The most calls in one minute.
    pub(super) burst: u64,
}

impl Row {
    /// Counts a call that begins in a minute.
    pub(super) fn count(&mut self, minute: u64, is_metered: bool) {
        self.calls += 1;
        self.metered += u64::from(is_metered);
        if self.minute != minute {
            (self.minute, self.in_minute) = (minute, 0);
        }
        self.in_minute += 1;
        self.burst = self.burst.max(self.in_minute);
    }

    /// Counts a denial.
    pub(super) fn deny(&mut self, kind: Kind) {
        self.denied += 1;
        if self.denials.len() < MOST_KINDS || self.denials.contains_key(&kind) {
            *self.denials.entry(kind).or_default() += 1;
        }
    }

    /// Counts what a call cost.
    pub(super) fn measure(&mut self, estimated: u64, actual: u64) {
        self.measured += 1;
        self.estimated = self.estimated.saturating_add(estimated);
        self.actual = self.actual.saturating_add(actual);
    }

    /// Notes how far beyond its allocation a budget is.
    pub(super) fn exceed(&mut self, budget: &str, by: u64) {
        if let Some(most) = self.overages.get_mut(budget) {
            *most = (*most).max(by);
        } else if self.overages.len() < MOST_KINDS {
            self.overages.insert(budget.to_owned(), by);
        }
    }

    /// Adds what another row of the same caller counts.
    pub(super) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.metered += other.metered;
        self.recorded += other.recorded;
        self.denied += other.denied;
        self.undecided += other.undecided;
        self.measured += other.measured;
        self.estimated = self.estimated.saturating_add(other.estimated);
        self.actual = self.actual.saturating_add(other.actual);
        self.burst = self.burst.max(other.burst);
        for (kind, count) in &other.denials {
            *self.denials.entry(kind.clone()).or_default() += count;
        }
        for (budget, by) in &other.overages {
            let most = self.overages.entry(budget.clone()).or_default();
            *most = (*most).max(*by);
        }
    }
}
