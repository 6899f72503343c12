//! How long reservations live at the canned server, by the arithmetic of servers that are in use.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What an extension does to a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// Nothing: every answer is the same, and leases are long.
    Canned,
    /// It is added to the current end.
    Additive,
    /// The same, and answers do not say how long the lease lasts.
    Legacy,
    /// The lease ends so much after now.
    MaxLead,
}

impl Arithmetic {
    const ALL: [(Self, &str); 4] =
        [(Self::Canned, "canned"), (Self::Additive, "additive"), (Self::Legacy, "legacy"), (Self::MaxLead, "maxlead")];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(arithmetic, _)| *arithmetic == self).map_or("", |(_, name)| name)
    }

    pub(crate) fn named(wanted: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == wanted).map(|(arithmetic, _)| arithmetic)
    }
}

/// When a lease ends, as an answer tells it.
pub(crate) struct Term {
    pub(crate) expires_at_ms: u64,
    pub(crate) remaining_ttl_ms: Option<u64>,
}

/// The leases that live.
pub(crate) struct Leases {
    arithmetic: Arithmetic,
    ends: HashMap<Box<str>, Instant>,
    pub(crate) lapsed: u64,
}

const LONG: Duration = Duration::from_secs(60);

impl Leases {
    pub(crate) fn new(arithmetic: Arithmetic) -> Self {
        Self { arithmetic, ends: HashMap::new(), lapsed: 0 }
    }

    /// Whether bodies must be read.
    pub(crate) fn are_kept(&self) -> bool {
        self.arithmetic != Arithmetic::Canned
    }

    pub(crate) fn open(&mut self, id: &str, ttl: Duration, now: Instant) -> Term {
        if !self.are_kept() {
            return self.term(now + LONG, now);
        }
        self.ends.insert(id.into(), now + ttl);
        self.term(now + ttl, now)
    }

    /// `None` where the lease is over.
    pub(crate) fn extend(&mut self, id: &str, by: Duration, now: Instant) -> Option<Term> {
        if !self.are_kept() {
            return Some(self.term(now + LONG, now));
        }
        let end = *self.ends.get(id)?;
        if end < now {
            self.ends.remove(id);
            self.lapsed += 1;
            return None;
        }
        let end = if self.arithmetic == Arithmetic::MaxLead { now + by } else { end + by };
        self.ends.insert(id.into(), end);
        Some(self.term(end, now))
    }

    pub(crate) fn close(&mut self, id: &str) {
        self.ends.remove(id);
    }

    /// How many leases ended before whoever held them.
    pub(crate) fn lapsed_until(&self, now: Instant) -> u64 {
        self.lapsed + self.ends.values().filter(|end| **end < now).count() as u64
    }

    fn term(&self, end: Instant, now: Instant) -> Term {
        let left = u64::try_from((end - now).as_millis()).unwrap_or(u64::MAX);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Term {
            expires_at_ms: u64::try_from(since_1970.as_millis()).unwrap_or_default() + left,
            remaining_ttl_ms: (self.arithmetic != Arithmetic::Legacy).then_some(left),
        }
    }
}
