//! What a lease has come to.

use std::sync::atomic::{AtomicU64, Ordering};

use super::chunk::Told;
use crate::protocol::Amount;

/// What the ended chunks of a lease came to.
#[derive(Debug, Default)]
pub(super) struct Totals {
    settled: AtomicU64,
    returned: AtomicU64,
    spent: AtomicU64,
    chunks: AtomicU64,
    refusals: AtomicU64,
    plain: AtomicU64,
}

impl Totals {
    pub(super) fn add(&self, told: &Told) {
        self.settled.fetch_add(told.settled, Ordering::Relaxed);
        self.returned.fetch_add(told.returned, Ordering::Relaxed);
        self.spent.fetch_add(told.spent, Ordering::Relaxed);
    }

    pub(super) fn count_chunk(&self) {
        self.chunks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_refusal(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_plain(&self) {
        self.plain.fetch_add(1, Ordering::Relaxed);
    }

    /// Together with the chunks that have not ended.
    pub(super) fn stats(&self, left: Amount, open: &[Told]) -> LeaseStats {
        let with = |total: &AtomicU64, of: fn(&Told) -> u64| {
            open.iter().map(of).fold(total.load(Ordering::Relaxed), u64::saturating_add)
        };
        let spent = with(&self.spent, |told| told.spent);
        LeaseStats {
            chunks: self.chunks.load(Ordering::Relaxed),
            refusals: self.refusals.load(Ordering::Relaxed),
            settled: with(&self.settled, |told| told.settled),
            returned: with(&self.returned, |told| told.returned),
            plain: self.plain.load(Ordering::Relaxed),
            spent: Amount::new(left.unit().clone(), spent),
            left,
        }
    }
}

/// What a lease has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseStats {
    /// How many chunks were reserved.
    pub chunks: u64,
    /// How many chunks were asked for and not granted.
    pub refusals: u64,
    /// How many sub-reservations were committed.
    pub settled: u64,
    /// How many sub-reservations were dropped, and their estimates returned to the lease.
    pub returned: u64,
    /// How many calls reserved by themselves, since the lease had too little for them or was not for them.
    pub plain: u64,
    /// What was committed of the lease; what the plain calls cost is not in it.
    pub spent: Amount,
    /// What is held and can be taken now.
    pub left: Amount,
}

impl LeaseStats {
    /// How many requests the lease has saved: each sub-reservation would have been reserved and settled by itself, and each chunk
    /// is.
    pub fn requests_saved(&self) -> u64 {
        let without = (self.settled + self.returned).saturating_mul(2);
        without.saturating_sub(self.chunks.saturating_mul(2).saturating_add(self.refusals))
    }
}
