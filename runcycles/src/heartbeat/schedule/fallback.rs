//! The schedule for answers that do not say how long the reservation lives (protocol: the fallback heartbeat).
//!
//! What an extension granted shows only in how far it moved the expiry, so how the server limits leases is a guess. Where
//! the guess can be wrong, the schedule beats too often rather than too late.

use std::time::Duration;

use super::margins::millis_up;
use super::{BeatKey, Next, Setback, StopReason};

/// A lease between the least and the most it can be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fallback {
    ttl_ms: u64,
    /// The sum of the grants less the time since the reservation: what is left at the latest answer at least.
    lead_min_ms: i64,
    /// The same with the lease that the reservation asked for: what is left at most.
    lead_max_ms: i64,
    cadence_ms: u64,
    clamped: bool,
}

impl Fallback {
    /// The first extension. Half of the shortest lease that the protocol allows: soon enough for any lease, and late enough
    /// to spare actions that are quick.
    const FIRST_BEAT_MS: u64 = 500;
    const SHORTEST_CADENCE_MS: u64 = 1_000;
    const LONGEST_CADENCE_OF_CLAMPED_MS: u64 = 30_000;
    const SHORTEST_RETRY_DELAY_MS: u64 = 1_000;
    const LONGEST_RETRY_DELAY_MS: u64 = 30_000;

    /// Starts from the answer to a reservation, which may have been granted any part of its ttl.
    pub(super) fn start(ttl_ms: u64) -> (Self, Next) {
        let fallback = Self {
            ttl_ms,
            lead_min_ms: 0,
            lead_max_ms: signed(ttl_ms),
            cadence_ms: Self::FIRST_BEAT_MS,
            clamped: false,
        };
        (fallback, Next::Beat { after: Duration::from_millis(Self::FIRST_BEAT_MS), key: BeatKey::New })
    }

    /// Goes on from an answer that did say how long the reservation lives, give or take a round trip.
    pub(super) fn resume(ttl_ms: u64, lead_floor_ms: u64, max_rtt_ms: u64) -> Self {
        let (start, _) = Self::start(ttl_ms);
        let lead_max_ms = signed(lead_floor_ms).saturating_add(signed(max_rtt_ms));
        Self { lead_min_ms: signed(lead_floor_ms), lead_max_ms, ..start }
    }

    /// Whether the latest answer looks like a lease held at a fixed distance.
    pub(super) fn seems_clamped(&self) -> bool {
        self.clamped
    }

    /// What is left of the lease at least, this long after the answer.
    pub(super) fn lead_after(&self, elapsed_ms: u64) -> u64 {
        u64::try_from(self.lead_min_ms.saturating_sub(signed(elapsed_ms))).unwrap_or(0)
    }

    /// What is probably left at each beat and its attempts.
    pub(super) fn expected_lead(&self) -> u64 {
        self.cadence_ms.saturating_mul(2)
    }

    /// Takes an extension that moved the expiry by `grant_ms`, this long after the answer before it.
    pub(super) fn after_success(&mut self, elapsed_ms: u64, grant_ms: i64) -> Next {
        for bound in [&mut self.lead_min_ms, &mut self.lead_max_ms] {
            *bound = bound.saturating_sub(signed(elapsed_ms)).saturating_add(grant_ms);
        }
        let (grant, elapsed, ttl) = (i128::from(grant_ms), i128::from(elapsed_ms), i128::from(self.ttl_ms));
        // A full grant is judged first: after a skipped beat it looks like a clamped one as well.
        let full = 10 * grant >= 9 * ttl;
        self.clamped = !full && (grant <= 0 || (3 * elapsed <= 4 * grant && 4 * grant <= 5 * elapsed));
        self.cadence_ms = if self.clamped {
            (self.ttl_ms / 2).min(Self::LONGEST_CADENCE_OF_CLAMPED_MS)
        } else {
            u64::try_from(grant_ms / 2).unwrap_or(0).max(Self::SHORTEST_CADENCE_MS)
        };
        Next::Beat { after: Duration::from_millis(self.first_needed_beat_ms(grant)), key: BeatKey::New }
    }

    /// Repeats a failed attempt for as long as the lease can live, this long after the answer.
    pub(super) fn after_setback(&self, elapsed_ms: u64, setback: Setback) -> Next {
        // The attempt may have worked all the same.
        let lead_max_ms = self.lead_max_ms.saturating_add(signed(self.ttl_ms));
        let left_ms = u64::try_from(lead_max_ms.saturating_sub(signed(elapsed_ms))).unwrap_or(0);
        let retry_ms = (self.cadence_ms.max(elapsed_ms) / 4)
            .clamp(Self::SHORTEST_RETRY_DELAY_MS, Self::LONGEST_RETRY_DELAY_MS)
            .min(left_ms / 2);
        if retry_ms == 0 {
            return Next::Stop(StopReason::Lapsed);
        }
        let after_ms = match setback {
            Setback::Throttled(Some(wait)) if millis_up(wait) > left_ms => {
                return Next::Stop(StopReason::Throttled { wait: Some(wait), window: Duration::from_millis(left_ms) });
            }
            Setback::Throttled(Some(wait)) => millis_up(wait).max(retry_ms),
            Setback::Throttled(None) | Setback::Ambiguous => retry_ms,
        };
        Next::Beat { after: Duration::from_millis(after_ms), key: BeatKey::Same }
    }

    /// The first of the regular beats that finds less than one and a half grants left; the others can be skipped.
    fn first_needed_beat_ms(&self, grant: i128) -> u64 {
        let cadence = i128::from(self.cadence_ms.max(1));
        let surplus = 2 * i128::from(self.lead_min_ms) - 3 * grant;
        let skipped = if grant > 0 { surplus.max(0) / (2 * cadence) } else { 0 };
        u64::try_from((skipped + 1) * cadence).unwrap_or(u64::MAX)
    }
}

/// A time as a signed number; longer than any number stays the longest.
fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_cadence_follows_what_the_expiry_says_about_the_server() {
        // ttl, time since the answer before, grant → next beat, whether the lease seems held at a distance.
        for (ttl, elapsed, grant, after, clamped) in [
            (60_000, 0, 60_000, 30_000, false),
            (60_000, 0, 54_000, 27_000, false),
            // A full grant is full whatever the time since the one before.
            (60_000, 60_000, 60_000, 30_000, false),
            (1_000, 500, 1_000, 1_000, false),
            // Nothing, less than nothing, and about as much as time has passed.
            (60_000, 0, 0, 30_000, true),
            (60_000, 500, -200, 30_000, true),
            (60_000, 20_000, 15_000, 30_000, true),
            (60_000, 20_000, 25_000, 30_000, true),
            (24_000, 10_000, 10_000, 12_000, true),
            // A grant with a cap.
            (60_000, 20_000, 14_999, 7_499, false),
            (60_000, 20_000, 25_001, 12_500, false),
            (24_000, 0, 10_000, 5_000, false),
            (24_000, 5_000, 10_000, 5_000, false),
            (60_000, 500, 10, 1_000, false),
        ] {
            let (mut fallback, _) = Fallback::start(ttl);
            let next = fallback.after_success(elapsed, grant);
            assert_eq!(next, Next::Beat { after: ms(after), key: BeatKey::New }, "{ttl} {elapsed} {grant}");
            assert_eq!(fallback.seems_clamped(), clamped, "{ttl} {elapsed} {grant}");
        }
    }

    #[test]
    fn beats_are_skipped_while_one_and_a_half_grants_are_left() {
        // What was left before the grant of 60 s → next beat, in half grants.
        for (before, beats) in [(0, 1), (59_999, 1), (60_000, 2), (89_999, 2), (90_000, 3), (300_000, 10)] {
            let mut fallback = Fallback::resume(60_000, before, 0);
            let next = fallback.after_success(0, 60_000);
            assert_eq!(next, Next::Beat { after: ms(beats * 30_000), key: BeatKey::New }, "{before}");
        }
    }

    #[test]
    fn failures_are_repeated_while_the_lease_can_live() {
        let repeat = |after| Next::Beat { after: ms(after), key: BeatKey::Same };
        let stop = |wait, window| Next::Stop(StopReason::Throttled { wait: Some(ms(wait)), window: ms(window) });
        // The lease of 60 s, and as much again if the attempt worked.
        let (fallback, _) = Fallback::start(60_000);
        for (elapsed, setback, next) in [
            (600, Setback::Ambiguous, repeat(1_000)),
            (40_000, Setback::Ambiguous, repeat(10_000)),
            (119_000, Setback::Ambiguous, repeat(500)),
            (119_999, Setback::Ambiguous, Next::Stop(StopReason::Lapsed)),
            (u64::MAX, Setback::Ambiguous, Next::Stop(StopReason::Lapsed)),
            (600, Setback::Throttled(None), repeat(1_000)),
            (600, Setback::Throttled(Some(ms(0))), repeat(1_000)),
            (600, Setback::Throttled(Some(ms(7_000))), repeat(7_000)),
            (20_000, Setback::Throttled(Some(ms(100_000))), repeat(100_000)),
            (20_000, Setback::Throttled(Some(ms(101_000))), stop(101_000, 100_000)),
        ] {
            assert_eq!(fallback.after_setback(elapsed, setback), next, "{elapsed} {setback:?}");
        }
        // A measured lead is short of the truth by a round trip at most.
        let measured = Fallback::resume(60_000, 10_000, 400);
        assert_eq!(measured.after_setback(70_398, Setback::Ambiguous), repeat(1));
    }
}
