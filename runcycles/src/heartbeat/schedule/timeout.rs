//! How long an attempt of an extension may take.

use std::time::Duration;

use super::margins::LEAST_MS;

/// The timeout of an extension, made for the lease that it extends.
///
/// One attempt may take a fifth of the lease, and somewhat more of a short one: with the margin of a second, every lease
/// longer than three seconds then gets a beat near its middle, and one lost attempt never costs the reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ExtendTimeout {
    budget_ms: u64,
    enforced_ms: u64,
}

impl ExtendTimeout {
    /// Sits out the shortest `Retry-After`, one second, between an attempt and its repetition.
    const SECOND_TO_WAIT_MS: u64 = 1_250;
    /// Kept of a budget at least: the beat and the timeout both come late rather than early.
    const LEAST_NOTICE_MS: u64 = 100;

    /// For a lease that lives `lead_ms`, a slowest attempt so far of `max_rtt_ms`, and a client that gives any attempt at
    /// most `longest_attempt_ms`.
    pub(super) fn for_lead(lead_ms: u64, max_rtt_ms: u64, longest_attempt_ms: u64) -> Self {
        let useful_ms = longest_attempt_ms.saturating_add((longest_attempt_ms.div_ceil(19)).max(Self::LEAST_NOTICE_MS));
        let least_ms = max_rtt_ms.saturating_mul(2).max(LEAST_MS);
        let share_ms = (lead_ms / 5).max(Self::SECOND_TO_WAIT_MS.min(lead_ms / 3));
        let budget_ms = share_ms.min(useful_ms).max(least_ms);
        let notice_ms = budget_ms.div_ceil(20).max(Self::LEAST_NOTICE_MS);
        let enforced_ms = budget_ms.saturating_sub(notice_ms).min(longest_attempt_ms);
        Self { budget_ms, enforced_ms }
    }

    /// The time until a failure is noticed at the latest, which the schedule reckons with.
    pub(super) fn budget_ms(self) -> u64 {
        self.budget_ms
    }

    /// The timeout to set, slightly below the budget.
    pub(super) fn enforced(self) -> Duration {
        Duration::from_millis(self.enforced_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::super::margins::{Margins, millis_up};
    use super::*;

    #[test]
    fn the_timeout_follows_the_lease_within_what_the_client_allows() {
        // Lead, slowest attempt, longest attempt → budget, enforced.
        for (lead, max_rtt, longest, budget, enforced) in [
            (3_100, 10, 7_000, 1_033, 933),
            (5_000, 10, 7_000, 1_250, 1_150),
            (4_000, 10, 7_000, 1_250, 1_150),
            (10_000, 5, 7_000, 2_000, 1_900),
            (20_000, 100, 7_000, 4_000, 3_800),
            (60_000, 100, 7_000, 7_369, 7_000),
            (60_000, 100, 30_000, 12_000, 11_400),
            (60_000, 100, 9_500, 10_000, 9_500),
            (86_400_000, 100, 30_000, 31_579, 30_000),
            // A slow server gets twice what it took before.
            (10_000, 1_500, 7_000, 3_000, 2_850),
            // A client in a hurry stays in a hurry.
            (60_000, 10, 500, 1_000, 500),
            (0, 0, 7_000, 1_000, 900),
            (u64::MAX, 0, u64::MAX, u64::MAX / 5, u64::MAX / 5 - (u64::MAX / 5).div_ceil(20)),
        ] {
            let timeout = ExtendTimeout::for_lead(lead, max_rtt, longest);
            assert_eq!(timeout, ExtendTimeout { budget_ms: budget, enforced_ms: enforced }, "lead {lead}");
        }
    }

    #[test]
    fn every_lease_above_three_seconds_has_a_beat_before_its_reserve() {
        for lead in (3_001..=120_000).step_by(7) {
            let timeout = ExtendTimeout::for_lead(lead, 0, 30_000);
            assert!(Margins::new(timeout.budget_ms(), 0).retry_reserve_ms() < lead, "lead {lead}");
            assert!(timeout.enforced() < Duration::from_millis(timeout.budget_ms()));
        }
    }

    #[test]
    fn a_timeout_leaves_room_for_a_late_timer() {
        let timeout = ExtendTimeout::for_lead(5_000, 0, 30_000);
        assert!(millis_up(timeout.enforced()) + 100 <= timeout.budget_ms());
    }
}
