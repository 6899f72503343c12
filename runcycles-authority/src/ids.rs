//! Fresh identifiers.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

/// Makes UUIDs of version 4 without a system call each.
///
/// A counter goes through a hash keyed with 128 random bits from the operating system, twice, so that ids neither repeat
/// nor tell anything about each other.
#[derive(Debug)]
pub(crate) struct IdSource {
    key: RandomState,
    counter: AtomicU64,
}

impl IdSource {
    pub(crate) fn new() -> Self {
        Self { key: RandomState::new(), counter: AtomicU64::new(0) }
    }

    /// A fresh UUID.
    pub(crate) fn next(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.next_bits().to_be_bytes()).into_uuid()
    }

    /// 128 fresh bits.
    pub(crate) fn next_bits(&self) -> u128 {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let (high, low) = (self.key.hash_one((count, 0_u8)), self.key.hash_one((count, 1_u8)));
        (u128::from(high) << 64) | u128::from(low)
    }
}
