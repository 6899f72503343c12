//! How often actions were done, for the quotas of policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use runcycles::models::{QuotaWindow, RiskClass, Timestamp};

use super::{Changes, RowKey, TenantId};
use crate::clock::Millis;

/// How long the count of a run is kept after its last action where its quota does not say: a day.
const RUN_RETENTION_MS: Millis = 24 * 3_600_000;

/// Names a counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CounterKey {
    pub(crate) tenant: TenantId,
    pub(crate) scope: Arc<str>,
    pub(crate) counted: Counted,
    pub(crate) window: Window,
    /// The id of a run, or the minute, hour or day in UTC.
    pub(crate) instance: Box<str>,
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Counted {
    /// Actions of a kind.
    Kind(Box<str>),
    /// Actions of all kinds of a risk class.
    Risk(RiskClass),
}

impl Counted {
    /// The kind that stands for all of a risk class.
    pub(crate) const ANY_KIND: &str = "__risk__";

    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Kind(kind) => kind,
            Self::Risk(_) => Self::ANY_KIND,
        }
    }

    pub(crate) fn risk_class(&self) -> Option<&RiskClass> {
        match self {
            Self::Kind(_) => None,
            Self::Risk(class) => Some(class),
        }
    }
}

/// The time that is counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Window {
    Run,
    Minute,
    Hour,
    Day,
    TenantDay,
}

impl Window {
    /// The windows of the protocol; nothing for one that it does not have.
    pub(crate) fn of(window: &QuotaWindow) -> Option<Self> {
        Some(match window {
            QuotaWindow::PerRun => Self::Run,
            QuotaWindow::PerMinute => Self::Minute,
            QuotaWindow::PerHour => Self::Hour,
            QuotaWindow::PerDay => Self::Day,
            QuotaWindow::PerTenantPerDay => Self::TenantDay,
            _ => return None,
        })
    }

    pub(crate) fn as_wire(self) -> QuotaWindow {
        match self {
            Self::Run => QuotaWindow::PerRun,
            Self::Minute => QuotaWindow::PerMinute,
            Self::Hour => QuotaWindow::PerHour,
            Self::Day => QuotaWindow::PerDay,
            Self::TenantDay => QuotaWindow::PerTenantPerDay,
        }
    }

    /// Which minute, hour or day of UTC a time is in; nothing for runs, which are not of the calendar.
    pub(crate) fn instance_at(self, now: Millis) -> Option<Box<str>> {
        // The time is written as 2025-11-22T01:30:00.000Z.
        let shown = match self {
            Self::Run => return None,
            Self::Minute => 16,
            Self::Hour => 13,
            Self::Day | Self::TenantDay => 10,
        };
        Timestamp::from_epoch_ms(now).to_string().get(..shown).map(Box::from)
    }

    /// When the minute, hour or day of UTC ends that a time is in.
    pub(crate) fn end_after(self, now: Millis) -> Option<Millis> {
        let length = match self {
            Self::Run => return None,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day | Self::TenantDay => 86_400_000,
        };
        Some((now - now % length).saturating_add(length))
    }
}

/// How often something was done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counter {
    pub(crate) used: u64,
    /// The quota that counted last.
    pub(crate) limit: u64,
    pub(crate) policy: Arc<str>,
    pub(crate) counted_at: Millis,
    /// The last instant at which it counts.
    pub(crate) until: Millis,
    /// Whether operators were told that the quota is nearly used up.
    pub(crate) told: bool,
}

/// One more of something, and the quota that wants to know.
#[derive(Clone, Debug)]
pub(crate) struct Count {
    pub(crate) key: Arc<CounterKey>,
    pub(crate) limit: u64,
    pub(crate) policy: Arc<str>,
    /// The part of the quota at which operators are told.
    pub(crate) threshold: f64,
    /// How long a run's count is kept.
    pub(crate) run_retention_ms: Option<Millis>,
}

/// Something about a quota that operators are told: the data of an event (protocol v0.1.26: `quota.threshold_approaching`,
/// `quota.counter_reset`).
#[derive(Clone, Debug)]
pub(crate) enum QuotaNotice {
    ThresholdApproaching { key: Arc<CounterKey>, used: u64, limit: u64, threshold: f64, policy: Arc<str> },
    CounterReset { key: Arc<CounterKey>, previous: u64, limit: u64, policy: Arc<str>, reason: Option<String> },
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => f.write_str(kind),
            Self::Risk(class) => write!(f, "{class}"),
        }
    }
}

/// The table of counters.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    rows: BTreeMap<Arc<CounterKey>, Counter>,
    /// By the instant they may be forgotten after.
    ends: BTreeSet<(Millis, Arc<CounterKey>)>,
}

impl Counters {
    pub(crate) fn get(&self, key: &CounterKey) -> Option<&Counter> {
        self.rows.get(key)
    }

    /// How often something was done in the time that counts.
    pub(crate) fn used(&self, key: &CounterKey, now: Millis) -> u64 {
        self.get(key).filter(|counter| counter.until >= now).map_or(0, |counter| counter.used)
    }

    /// A tenant's counters in the time that counts, by scope.
    pub(crate) fn of_tenant(
        &self,
        tenant: TenantId,
        now: Millis,
    ) -> impl Iterator<Item = (&Arc<CounterKey>, &Counter)> {
        self.rows.iter().filter(move |(key, counter)| key.tenant == tenant && counter.until >= now)
    }

    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Arc<CounterKey>> {
        self.rows.keys()
    }

    /// Counts one more, and says so where the quota is nearly used up by it for the first time.
    pub(super) fn add(&mut self, count: Count, now: Millis) -> Option<QuotaNotice> {
        let Count { key, limit, policy, threshold, run_retention_ms } = count;
        let until = match key.window.end_after(now) {
            Some(end) => end.saturating_sub(1),
            None => now.saturating_add(run_retention_ms.unwrap_or(RUN_RETENTION_MS)),
        };
        let fresh = Counter { used: 0, limit, policy: policy.clone(), counted_at: now, until, told: false };
        let counter = self.rows.entry(key.clone()).or_insert_with(|| fresh.clone());
        self.ends.remove(&(counter.until, key.clone()));
        if counter.until < now {
            *counter = fresh;
        }
        counter.used = counter.used.saturating_add(1);
        (counter.limit, counter.policy, counter.counted_at, counter.until) = (limit, policy.clone(), now, until);
        self.ends.insert((until, key.clone()));
        #[expect(clippy::cast_precision_loss, reason = "quotas are at most 100,000")]
        let is_near = counter.used as f64 >= threshold * limit as f64;
        if counter.told || !is_near {
            return None;
        }
        counter.told = true;
        Some(QuotaNotice::ThresholdApproaching { key, used: counter.used, limit, threshold, policy })
    }

    /// Counts one less.
    pub(super) fn subtract(&mut self, key: &CounterKey) {
        if let Some(counter) = self.rows.get_mut(key) {
            counter.used = counter.used.saturating_sub(1);
        }
    }

    /// Sets a counter to zero, and gives what it was.
    pub(super) fn reset(&mut self, key: &Arc<CounterKey>) -> Option<Counter> {
        let counter = self.rows.get_mut(key)?;
        let before = counter.clone();
        (counter.used, counter.told) = (0, false);
        Some(before)
    }

    pub(super) fn insert(&mut self, key: Arc<CounterKey>, counter: Counter) {
        self.ends.insert((counter.until, key.clone()));
        self.rows.insert(key, counter);
    }

    /// Removes counters whose time has passed, at most a number of them.
    pub(super) fn forget_until(&mut self, now: Millis, at_most: usize, changes: &mut Changes) {
        for _ in 0..at_most {
            match self.ends.first() {
                Some((until, _)) if *until < now => {}
                _ => return,
            }
            let Some((_, key)) = self.ends.pop_first() else { return };
            self.rows.remove(&key);
            changes.note(|| RowKey::Counter(key));
        }
    }
}
