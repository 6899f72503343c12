//! What is written down of every call.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::report::ShadowReport;
use super::row::{Caller, Row};
use crate::protocol::{Amount, Balance, Level, Subject, Unit};

/// The most rows, of all hours together: some megabytes.
const MOST_ROWS: usize = 8_192;

/// The most budgets whose state is remembered.
const MOST_BUDGETS: usize = 4_096;

const HOUR: Duration = Duration::from_secs(3_600);

/// What is written down of every call: numbers for each caller and hour, so that memory stays bounded.
#[derive(Debug, Default)]
pub(crate) struct ShadowBook {
    /// A lock because calls begin and end on any thread; held for one entry, or to add up a report.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    opened: Option<Instant>,
    /// The latest hours, oldest first.
    hours: VecDeque<Hour>,
    /// How many rows there are in all hours.
    rows: usize,
    /// Calls whose row is gone.
    forgotten: u64,
    budgets: HashMap<(String, Unit), Budget>,
}

#[derive(Debug)]
struct Hour {
    number: u64,
    rows: HashMap<Caller, Row>,
}

/// A budget as the latest answer told it.
#[derive(Debug)]
struct Budget {
    remaining: i64,
    is_over_limit: bool,
    /// What was spent and not charged to it since it last had room.
    uncovered: u64,
}

/// What the authority would have said of a call.
pub(crate) enum Verdict<'a> {
    Allowed,
    Denied {
        reason: &'a str,
        /// The budget that says so, where the authority told.
        scope: Option<&'a str>,
        affected_scopes: &'a [String],
        balances: &'a [Balance],
    },
    /// Nobody answered in time.
    Unknown,
}

impl ShadowBook {
    /// Writes down a call, and what the authority would have said of it.
    pub(crate) fn decided(&self, subject: &Subject, estimate: &Amount, is_metered: bool, verdict: &Verdict<'_>) {
        let now = Instant::now();
        let mut state = self.lock();
        let kind = match verdict {
            Verdict::Denied { reason, scope, affected_scopes, balances } => {
                let scope = scope.map(str::to_owned).or_else(|| state.denier(estimate, affected_scopes, balances));
                Some((scope, (*reason).to_owned()))
            }
            Verdict::Allowed | Verdict::Unknown => None,
        };
        let minute = state.elapsed(now).as_secs() / 60;
        let row = state.row(now, subject, estimate.unit());
        row.count(minute, is_metered);
        match kind {
            Some(kind) => row.deny(kind),
            None => row.undecided += u64::from(matches!(verdict, Verdict::Unknown)),
        }
    }

    /// Writes down what a call cost.
    pub(crate) fn spent(&self, subject: &Subject, estimate: &Amount, actual: &Amount) {
        let now = Instant::now();
        self.lock().row(now, subject, estimate.unit()).measure(estimate.value(), actual.value());
    }

    /// Writes down how budgets stand after the event of a call, and what none of them was charged.
    pub(crate) fn recorded(&self, subject: &Subject, actual: &Amount, uncovered: Option<&Amount>, after: &[Balance]) {
        let now = Instant::now();
        let (unit, uncovered) = (actual.unit(), uncovered.map_or(0, Amount::value));
        let mut state = self.lock();
        state.row(now, subject, unit).recorded += 1;
        for balance in after.iter().filter(|balance| balance.remaining.unit() == unit) {
            let Some(budget) = state.budget(balance) else { continue };
            budget.uncovered = if budget.is_over_limit { budget.uncovered.saturating_add(uncovered) } else { 0 };
            let by = budget.uncovered.saturating_add(balance.debt.as_ref().map_or(0, Amount::value));
            if by > 0 {
                state.row(now, subject, unit).exceed(&balance.scope_path, by);
            }
        }
    }

    /// Adds up what has been written down of a scope's calls within a time until now.
    pub(crate) fn report(&self, scope: &Subject, window: Duration) -> ShadowReport {
        let now = Instant::now();
        let state = self.lock();
        let elapsed = state.elapsed(now);
        let first = elapsed.saturating_sub(window).as_secs() / HOUR.as_secs();
        let mut rows: HashMap<&Caller, Row> = HashMap::new();
        for hour in state.hours.iter().filter(|hour| hour.number >= first) {
            for (caller, row) in hour.rows.iter().filter(|(caller, _)| is_within(&caller.subject, scope)) {
                rows.entry(caller).or_default().add(row);
            }
        }
        let rows = rows.into_iter().map(|(caller, row)| (caller.clone(), row)).collect();
        ShadowReport::new(window, rows, state.forgotten)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Entries are additions, so a panic between two of them leaves numbers that can be used.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long ago the first entry was made.
    fn elapsed(&self, now: Instant) -> Duration {
        self.opened.map_or(Duration::ZERO, |opened| now.duration_since(opened))
    }

    /// The row of a caller in the hour that it is. Where there is no room for one, the oldest hour goes; where that is this hour,
    /// the caller is counted as its tenant.
    fn row(&mut self, now: Instant, subject: &Subject, unit: &Unit) -> &mut Row {
        self.opened.get_or_insert(now);
        let number = self.elapsed(now).as_secs() / HOUR.as_secs();
        if self.hours.back().is_none_or(|hour| hour.number != number) {
            self.hours.push_back(Hour { number, rows: HashMap::new() });
        }
        let mut caller = Caller { subject: levels_of(subject), unit: unit.clone() };
        let is_known = self.hours.back().is_some_and(|hour| hour.rows.contains_key(&caller));
        while !is_known && self.rows >= MOST_ROWS && self.hours.len() > 1 {
            if let Some(oldest) = self.hours.pop_front() {
                self.rows -= oldest.rows.len();
                self.forgotten += oldest.rows.values().map(|row| row.calls).sum::<u64>();
            }
        }
        if !is_known && self.rows >= MOST_ROWS {
            caller.subject = Subject { tenant: subject.tenant.clone(), ..Subject::default() };
        }
        let at = self.hours.len() - 1;
        let (rows, known) = (&mut self.rows, &mut self.hours[at].rows);
        known.entry(caller).or_insert_with(|| {
            *rows += 1;
            Row::default()
        })
    }

    /// What is remembered of a budget, with what an answer tells of it; `None` where there is no room for another.
    fn budget(&mut self, balance: &Balance) -> Option<&mut Budget> {
        let key = (balance.scope_path.clone(), balance.remaining.unit().clone());
        if self.budgets.len() >= MOST_BUDGETS && !self.budgets.contains_key(&key) {
            return None;
        }
        let budget = self.budgets.entry(key).or_insert(Budget { remaining: 0, is_over_limit: false, uncovered: 0 });
        budget.remaining = balance.remaining.value();
        budget.is_over_limit = balance.is_over_limit == Some(true);
        Some(budget)
    }

    /// The budget that denies an estimate: decisions do not name it, so it is found from what the answer tells of balances, or
    /// else from what earlier answers told.
    fn denier(&self, estimate: &Amount, affected_scopes: &[String], balances: &[Balance]) -> Option<String> {
        let is_short = |remaining: i64, is_over_limit: bool| {
            is_over_limit || i64::try_from(estimate.value()).is_ok_and(|estimate| remaining < estimate)
        };
        let told = balances.iter().filter(|balance| balance.remaining.unit() == estimate.unit());
        let told =
            told.map(|balance| (&balance.scope_path, balance.remaining.value(), balance.is_over_limit == Some(true)));
        let known = affected_scopes.iter().filter_map(|scope| {
            let budget = self.budgets.get(&(scope.clone(), estimate.unit().clone()))?;
            Some((scope, budget.remaining, budget.is_over_limit))
        });
        let mut seen = told.chain(known);
        seen.find(|(_, remaining, is_over_limit)| is_short(*remaining, *is_over_limit)).map(|(scope, ..)| scope.clone())
    }
}

/// A subject without its dimensions.
fn levels_of(subject: &Subject) -> Subject {
    let mut levels = Subject::default();
    for level in Level::ALL {
        *levels.level_mut(level) = subject.level(level).map(str::to_owned);
    }
    levels
}

/// Whether a subject has every level of a scope, with the same values; servers may tell no upper from lower case.
fn is_within(subject: &Subject, scope: &Subject) -> bool {
    Level::ALL.into_iter().all(|level| match (scope.level(level), subject.level(level)) {
        (None, _) => true,
        (Some(wanted), Some(value)) => wanted.eq_ignore_ascii_case(value),
        (Some(_), None) => false,
    })
}
