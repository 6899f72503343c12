//! What is left of a chunk. Atomics alone.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// What is left of a chunk to be taken.
///
/// Implementation rationale: one number says everything. Taking subtracts an estimate, settling adds what it was too large by, so
/// that once nothing is taken any more, what is missing from the chunk is what was spent. No order is asked of the memory: the
/// numbers stand for nothing else, and whoever adds them up in the end has seen all who wrote them end.
#[derive(Debug)]
pub(super) struct Counter {
    /// Negative where more was spent than the chunk has.
    left: AtomicI64,
    /// What stays taken without having been spent.
    withheld: AtomicU64,
}

impl Counter {
    pub(super) fn new(left: i64) -> Self {
        Self { left: AtomicI64::new(left), withheld: AtomicU64::new(0) }
    }

    /// Takes an amount if there is as much, and says what is left.
    pub(super) fn take(&self, amount: i64) -> Option<i64> {
        let mut left = self.left.load(Ordering::Relaxed);
        while left >= amount {
            match self.left.compare_exchange_weak(left, left - amount, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(left - amount),
                Err(changed) => left = changed,
            }
        }
        None
    }

    /// Adds an amount, which may be negative, and says what is left. It stops at the ends of the range, which no amounts of the
    /// protocol reach.
    pub(super) fn add(&self, amount: i64) -> i64 {
        let mut left = self.left.load(Ordering::Relaxed);
        loop {
            let sum = left.saturating_add(amount);
            match self.left.compare_exchange_weak(left, sum, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return sum,
                Err(changed) => left = changed,
            }
        }
    }

    /// Leaves an amount taken that was not spent.
    pub(super) fn withhold(&self, amount: u64) {
        self.withheld.fetch_add(amount, Ordering::Relaxed);
    }

    pub(super) fn left(&self) -> i64 {
        self.left.load(Ordering::Relaxed)
    }

    /// What was spent of a chunk of an amount, once nothing is taken any more.
    pub(super) fn spent_of(&self, chunk: i64) -> u64 {
        let missing = u64::try_from(i128::from(chunk) - i128::from(self.left())).unwrap_or(0);
        missing.saturating_sub(self.withheld.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn what_is_missing_once_nothing_is_taken_any_more_is_what_was_spent() {
        let counter = Counter::new(100);
        assert_eq!(counter.take(60), Some(40));
        assert_eq!(counter.take(41), None, "it has 40");
        assert_eq!(counter.take(40), Some(0));
        assert_eq!(counter.take(0), Some(0), "nothing is always there");
        assert_eq!(counter.add(60 - 25), 35, "25 of 60 were spent");
        assert_eq!(counter.add(40 - 90), -15, "90 of 40 were spent");
        assert_eq!(counter.take(0), None, "below zero nothing is");
        assert_eq!(counter.spent_of(100), 115);
    }

    #[test]
    fn what_is_withheld_is_neither_spent_nor_to_be_taken() {
        let counter = Counter::new(10);
        counter.take(4);
        counter.withhold(4);
        assert_eq!((counter.left(), counter.spent_of(10)), (6, 0));
    }

    #[test]
    fn the_ends_of_the_range_are_no_panic() {
        let counter = Counter::new(i64::MAX);
        assert_eq!(counter.add(1), i64::MAX);
        let empty = Counter::new(0);
        empty.add(i64::MIN);
        assert_eq!(empty.add(-1), i64::MIN);
        assert_eq!(empty.spent_of(i64::MAX), u64::MAX);
    }
}
