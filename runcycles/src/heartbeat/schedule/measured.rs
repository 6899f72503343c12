//! The schedule for answers that say how long the reservation lives (protocol: the primary heartbeat algorithm).

use std::time::Duration;

use super::margins::{Margins, millis_up};
use super::{BeatKey, Next, Setback, StopReason};

/// The longest wait before an attempt is repeated.
const LONGEST_RETRY_DELAY_MS: u64 = 30_000;

/// A lease as the latest answer measured it.
#[derive(Debug)]
pub(super) struct Measured {
    lead_floor_ms: u64,
    margins: Margins,
    no_delay: bool,
    /// How long after the answer the latest failure came.
    setback_ms: Option<u64>,
}

impl Measured {
    /// Starts from an answer that leaves at least `lead_floor_ms`; `had_no_delay` is the answer before it.
    pub(super) fn new(lead_floor_ms: u64, margins: Margins, had_no_delay: bool) -> (Self, Next) {
        let reserve_ms = margins.retry_reserve_ms();
        let delay_ms = lead_floor_ms.saturating_sub(reserve_ms);
        let measured = Self { lead_floor_ms, margins, no_delay: delay_ms == 0, setback_ms: None };
        // One extension at once may lift a short lease above its reserve; a second would chase a server that never does.
        if measured.no_delay && had_no_delay {
            let (lead, reserve) = (Duration::from_millis(lead_floor_ms), Duration::from_millis(reserve_ms));
            return (measured, Next::Stop(StopReason::LeaseTooShort { lead, reserve }));
        }
        (measured, Next::Beat { after: Duration::from_millis(delay_ms), key: BeatKey::New })
    }

    /// Whether the answer left no time to wait.
    pub(super) fn has_no_delay(&self) -> bool {
        self.no_delay
    }

    /// What is left of the lease at least, this long after the answer.
    pub(super) fn lead_after(&self, elapsed_ms: u64) -> u64 {
        self.lead_floor_ms.saturating_sub(elapsed_ms)
    }

    /// Repeats a failed attempt as long as that is safe, this long after the answer.
    pub(super) fn after_setback(&mut self, elapsed_ms: u64, setback: Setback) -> Next {
        let lead_ms = self.lead_after(elapsed_ms);
        let out_of_time = Next::Stop(StopReason::OutOfTime { lead: Duration::from_millis(lead_ms) });
        let Ok(window_ms) = u64::try_from(self.margins.retry_window_ms(lead_ms)) else {
            return out_of_time;
        };
        if let Some(before_ms) = self.setback_ms.replace(elapsed_ms) {
            // A coarse clock may still show the same instant after the one immediate repetition.
            if self.margins.retry_window_ms(self.lead_after(before_ms)) == 0 {
                return out_of_time;
            }
            // With the same answer to reckon from, the window shrinks as time passes and only then.
            if elapsed_ms <= before_ms {
                return Next::Stop(StopReason::NoProgress);
            }
        }
        let after_ms = match setback {
            Setback::Ambiguous => LONGEST_RETRY_DELAY_MS.min(lead_ms / 4).min(window_ms),
            Setback::Throttled(wait) => match wait.map(millis_up).filter(|wait_ms| *wait_ms <= window_ms) {
                Some(wait_ms) => wait_ms,
                None => return Next::Stop(StopReason::Throttled { wait, window: Duration::from_millis(window_ms) }),
            },
        };
        Next::Beat { after: Duration::from_millis(after_ms), key: BeatKey::Same }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// An answer by its remaining time, its round trip, the budget of an attempt, and the slowest round trip.
    fn answer(remaining: u64, rtt: u64, budget: u64, max_rtt: u64) -> (Measured, Next) {
        Measured::new(remaining.saturating_sub(rtt), Margins::new(budget, max_rtt), false)
    }

    fn beat(after: u64, key: BeatKey) -> Next {
        Next::Beat { after: ms(after), key }
    }

    /// The lease of 30 s that the chains of failures below start from: lead 29,800, beat at 18,800.
    fn thirty_seconds() -> Measured {
        answer(30_000, 200, 5_000, 400).0
    }

    #[test]
    fn the_delay_is_what_the_lead_leaves_after_the_reserve() {
        for (remaining, rtt, budget, max_rtt, delay) in [
            (60_000, 0, 10_000, 1_500, 37_000),
            (60_000, 1_500, 10_000, 1_500, 35_500),
            (60_000, 0, 30_000, 0, 0),
            (60_000, 200, 10_000, 200, 38_800),
            (60_000, 100, 5_000, 100, 48_900),
            (30_000, 200, 5_000, 400, 18_800),
            (30_000, 100, 15_000, 100, 0),
            (20_000, 100, 5_000, 100, 8_900),
            (10_000, 50, 2_000, 50, 4_950),
            (10_000, 50, 5_000, 50, 0),
            (3_000, 10, 1_000, 10, 0),
            (60_000, 0, u64::MAX, 0, 0),
            (0, 10, 1_000, 10, 0),
        ] {
            let next = answer(remaining, rtt, budget, max_rtt).1;
            assert_eq!(next, beat(delay, BeatKey::New), "{remaining} {rtt} {budget} {max_rtt}");
        }
    }

    #[test]
    fn a_beat_needs_a_lead_above_its_reserve() {
        for (lead, limit) in [
            (5_000, 2_000),
            (10_000, 4_500),
            (15_000, 7_000),
            (20_000, 9_500),
            (30_000, 14_500),
            (60_000, 29_500),
            (120_000, 59_500),
        ] {
            assert_eq!(answer(lead, 0, limit, 0).1, beat(0, BeatKey::New));
            assert_eq!(answer(lead, 0, limit - 1, 0).1, beat(2, BeatKey::New));
        }
    }

    #[test]
    fn a_second_answer_without_a_delay_stops() {
        let margins = Margins::new(1_000, 10);
        let (first, next) = Measured::new(2_990, margins, false);
        assert_eq!(next, beat(0, BeatKey::New));
        let (_, next) = Measured::new(2_990, margins, first.has_no_delay());
        assert_eq!(next, Next::Stop(StopReason::LeaseTooShort { lead: ms(2_990), reserve: ms(3_000) }));
        let (second, next) = Measured::new(5_980, margins, first.has_no_delay());
        assert_eq!(next, beat(2_980, BeatKey::New));
        assert!(!second.has_no_delay());
    }

    #[test]
    fn failures_are_repeated_ever_sooner_until_no_time_is_left() {
        let mut lease = thirty_seconds();
        let mut at = 18_800;
        for (failed_at, lead, delay) in [(18_810, 10_990, 2_747), (21_567, 8_233, 2_058), (23_635, 6_165, 165)] {
            at += 10;
            assert_eq!((at, lease.lead_after(at)), (failed_at, lead));
            assert_eq!(lease.after_setback(at, Setback::Ambiguous), beat(delay, BeatKey::Same));
            at += delay;
        }
        assert_eq!(
            lease.after_setback(23_810, Setback::Ambiguous),
            Next::Stop(StopReason::OutOfTime { lead: ms(5_990) })
        );
    }

    #[test]
    fn a_long_lease_waits_half_a_minute_at_most() {
        let (mut lease, _) = answer(86_400_000, 10, 5_000, 10);
        assert_eq!(lease.after_setback(10, Setback::Ambiguous), beat(30_000, BeatKey::Same));
    }

    #[test]
    fn a_throttled_attempt_is_never_repeated_early() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (wait, next) in [
            (seconds(0), Some(0)),
            (seconds(4), Some(4_000)),
            (seconds(5), None),
            (seconds(u64::MAX), None),
            (Some(Duration::MAX), None),
            (None, None),
        ] {
            let stop = Next::Stop(StopReason::Throttled { wait, window: ms(4_990) });
            let expected = next.map_or(stop, |after| beat(after, BeatKey::Same));
            assert_eq!(thirty_seconds().after_setback(18_810, Setback::Throttled(wait)), expected);
        }
    }

    #[test]
    fn a_window_of_nothing_allows_one_immediate_repetition() {
        let mut lease = thirty_seconds();
        assert_eq!(lease.after_setback(23_800, Setback::Ambiguous), beat(0, BeatKey::Same));
        assert_eq!(
            lease.after_setback(28_800, Setback::Ambiguous),
            Next::Stop(StopReason::OutOfTime { lead: ms(1_000) })
        );

        let mut coarse = thirty_seconds();
        assert_eq!(coarse.after_setback(23_800, Setback::Throttled(Some(ms(0)))), beat(0, BeatKey::Same));
        assert_eq!(
            coarse.after_setback(23_800, Setback::Ambiguous),
            Next::Stop(StopReason::OutOfTime { lead: ms(6_000) })
        );
    }

    #[test]
    fn an_attempt_that_times_out_late_is_not_repeated_and_one_slightly_below_its_budget_is() {
        assert_eq!(
            thirty_seconds().after_setback(23_801, Setback::Ambiguous),
            Next::Stop(StopReason::OutOfTime { lead: ms(5_999) })
        );
        assert_eq!(thirty_seconds().after_setback(18_800 + 4_750, Setback::Ambiguous), beat(250, BeatKey::Same));
    }

    #[test]
    fn failures_while_the_clock_stands_still_stop() {
        let mut lease = thirty_seconds();
        assert_eq!(lease.after_setback(18_810, Setback::Throttled(Some(ms(0)))), beat(0, BeatKey::Same));
        assert_eq!(lease.after_setback(18_810, Setback::Throttled(Some(ms(0)))), Next::Stop(StopReason::NoProgress));
    }
}
