//! How much of a lease is kept in reserve.

use std::time::Duration;

/// The smallest reserve for an attempt and the smallest safety margin.
pub(super) const LEAST_MS: u64 = 1_000;

/// What an attempt may take and what is kept on top. Infinity is `u64::MAX`, and sums stop there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Margins {
    attempt_budget_ms: u64,
    safety_margin_ms: u64,
}

impl Margins {
    /// From the time an attempt may take until its failure is noticed, and the slowest attempt so far.
    pub(super) fn new(timeout_budget_ms: u64, max_rtt_ms: u64) -> Self {
        let safety_margin_ms = max_rtt_ms.saturating_mul(2).max(LEAST_MS);
        Self { attempt_budget_ms: timeout_budget_ms.max(safety_margin_ms), safety_margin_ms }
    }

    /// The time for a failed attempt, its repetition and the margin.
    pub(super) fn retry_reserve_ms(self) -> u64 {
        self.attempt_budget_ms.saturating_mul(2).saturating_add(self.safety_margin_ms)
    }

    /// How long a repetition may be put off with this lead; negative where it can no longer be made safely.
    pub(super) fn retry_window_ms(self, lead_ms: u64) -> i128 {
        i128::from(lead_ms) - i128::from(self.attempt_budget_ms) - i128::from(self.safety_margin_ms)
    }
}

/// A duration in whole milliseconds, rounded up.
pub(super) fn millis_up(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// A duration in whole milliseconds, rounded down.
pub(super) fn millis_down(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_holds_two_attempts_and_the_margin() {
        // Timeout budget, slowest attempt → attempt budget, margin, reserve.
        for (timeout, max_rtt, budget, margin, reserve) in [
            (10_000, 1_500, 10_000, 3_000, 23_000),
            (30_000, 0, 30_000, 1_000, 61_000),
            (5_000, 400, 5_000, 1_000, 11_000),
            (2_000, 50, 2_000, 1_000, 5_000),
            (1_000, 10, 1_000, 1_000, 3_000),
            (200, 0, 1_000, 1_000, 3_000),
            (2_000, 1_600, 3_200, 3_200, 9_600),
            (u64::MAX, 0, u64::MAX, 1_000, u64::MAX),
            (0, u64::MAX, u64::MAX, u64::MAX, u64::MAX),
        ] {
            let margins = Margins::new(timeout, max_rtt);
            assert_eq!(margins, Margins { attempt_budget_ms: budget, safety_margin_ms: margin });
            assert_eq!(margins.retry_reserve_ms(), reserve, "timeout {timeout}, slowest {max_rtt}");
        }
    }

    #[test]
    fn a_part_of_a_millisecond_counts_against_the_lease() {
        let duration = Duration::from_micros(1_001);
        assert_eq!((millis_up(duration), millis_down(duration)), (2, 1));
        assert_eq!((millis_up(Duration::MAX), millis_down(Duration::MAX)), (u64::MAX, u64::MAX));
    }
}
