//! Idempotency records: what was answered under which key.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use runcycles::models::{Caps, DenyDetail, ReasonCode};
use uuid::Uuid;

use super::{Changes, Figures, Posting, RowKey, TenantId};
use crate::clock::Millis;
use crate::fingerprint::Fingerprint;
use crate::scope::ScopePath;
use crate::unit::Unit;

/// Whose keys: one tenant's for one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Namespace {
    pub(crate) tenant: TenantId,
    pub(crate) operation: Operation,
}

/// The operations whose keys are kept beside the rows they made. The keys of a reservation, its commit or release and its
/// extensions are kept in the reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// Dry runs of reservations.
    Reserve,
    Decide,
    Event,
    /// Funding; a key is of a scope and a unit, and begins with them.
    Fund,
}

/// What was answered under a key.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) fingerprint: Fingerprint,
    /// The last instant at which the key is known.
    pub(crate) until: Millis,
    pub(crate) answer: Answer,
}

/// An answer, or the row it is read from.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Event(Uuid),
    /// An answer that made no row of its own: a dry run or a decision.
    Evaluation(Box<Evaluation>),
    Funded(Box<FundedFigures>),
}

/// A ledger before and after it was funded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FundedFigures {
    pub(crate) before: Figures,
    pub(crate) after: Figures,
    pub(crate) at: Millis,
}

impl Answer {
    /// The ledgers that the answer itself shows.
    pub(crate) fn postings(&self) -> &[Posting] {
        match self {
            Self::Evaluation(evaluation) => evaluation.verdict.as_ref().map_or(&[], |allowance| &allowance.postings),
            Self::Event(_) | Self::Funded(_) => &[],
        }
    }
}

/// What a reservation would be answered.
#[derive(Clone, Debug)]
pub(crate) struct Evaluation {
    pub(crate) scope: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) estimate: i64,
    pub(crate) verdict: Result<Allowance, Denied>,
}

/// Why a reservation would be denied.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Denied {
    pub(crate) reason: ReasonCode,
    /// Which rule says no, where the authority tells (protocol v0.1.26).
    pub(crate) detail: Option<Box<DenyDetail>>,
}

/// Budget that is there, and the limits that come with it.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    pub(crate) caps: Option<Arc<Caps>>,
    pub(crate) postings: Box<[Posting]>,
}

/// The table of records.
#[derive(Debug, Default)]
pub(crate) struct Records {
    rows: HashMap<Namespace, HashMap<Arc<str>, Record>>,
    /// By the instant they may be forgotten after, and in the order of their making.
    ends: BTreeMap<(Millis, u64), (Namespace, Arc<str>)>,
    made: u64,
}

impl Records {
    pub(super) fn of(rows: HashMap<Namespace, HashMap<Arc<str>, Record>>) -> Self {
        let all = rows.iter().flat_map(|(namespace, keys)| keys.iter().map(|(key, record)| (*namespace, key, record)));
        let ends =
            all.zip(0..).map(|((namespace, key, record), made)| ((record.until, made), (namespace, key.clone())));
        let ends: BTreeMap<_, _> = ends.collect();
        Self { made: ends.len() as u64, ends, rows }
    }

    /// The record of a key, while it is known.
    pub(crate) fn find(&self, namespace: Namespace, key: &str, now: Millis) -> Option<&Record> {
        self.get(namespace, key).filter(|record| record.until >= now)
    }

    /// The record of a key, whether it is still known or about to be forgotten.
    pub(crate) fn get(&self, namespace: Namespace, key: &str) -> Option<&Record> {
        self.rows.get(&namespace)?.get(key)
    }

    #[cfg(test)]
    pub(crate) fn keys(&self) -> impl Iterator<Item = (Namespace, &Arc<str>)> {
        self.rows.iter().flat_map(|(namespace, keys)| keys.keys().map(|key| (*namespace, key)))
    }

    pub(super) fn insert(&mut self, namespace: Namespace, key: Arc<str>, record: Record) {
        self.ends.insert((record.until, self.made), (namespace, key.clone()));
        self.made += 1;
        self.rows.entry(namespace).or_default().insert(key, record);
    }

    /// Removes records whose time has passed, at most a number of them.
    pub(super) fn forget_until(&mut self, now: Millis, at_most: usize, changes: &mut Changes) {
        for _ in 0..at_most {
            let Some(end) = self.ends.first_entry().filter(|end| end.key().0 < now) else { return };
            let (namespace, key) = end.remove();
            // Another record may have taken the key since.
            if self.get(namespace, &key).is_some_and(|record| record.until < now) {
                self.rows.get_mut(&namespace).map(|keys| keys.remove(&key));
                changes.note(|| RowKey::Record(namespace, key));
            }
        }
    }
}
