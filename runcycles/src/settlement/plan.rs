//! When a settlement that got no final answer is tried again. Pure.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

use crate::client::RetryConfig;

/// The longest wait, whatever the settings say: the clock can be asked for no more than it can count.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// Where the attempts of a settlement stand.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Whether the quick repetition has been used.
    repeated: bool,
    /// How many waits in the background there have been.
    waits: u32,
    /// Whether the latest attempt was refused, rather than left without an answer.
    refused: bool,
}

/// Why there is no final answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Open {
    /// Nobody knows what the authority did; asking again at once may tell.
    Unclear,
    /// The authority asked to wait this long.
    Throttled(Duration),
    /// The authority refused for a reason that may pass: a rotated key, a frozen budget, a code of the future.
    Refused,
}

impl Open {
    /// The time before which nothing may be sent.
    pub(super) fn floor(self) -> Duration {
        match self {
            Self::Throttled(floor) => floor,
            Self::Unclear | Self::Refused => Duration::ZERO,
        }
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The same request again, now.
    Now,
    /// The same request again in the background, after a wait.
    After(Duration),
    /// Nothing until somebody flushes.
    Park,
}

impl Plan {
    /// Whether the authority has refused the latest attempt for a reason that may pass.
    pub(super) fn was_refused(&self) -> bool {
        self.refused
    }

    /// What to do about an attempt without a final answer. `chance`, from 0 to 1, spreads the waits of many clients.
    pub(super) fn after(&mut self, open: Open, retry: &RetryConfig, chance: f32) -> Next {
        self.refused = open == Open::Refused;
        if open == Open::Unclear && !self.repeated {
            self.repeated = true;
            return Next::Now;
        }
        let wait = if retry.enabled { nth_delay(retry, self.waits) } else { None };
        self.waits = self.waits.saturating_add(1);
        match wait {
            // Half of each wait is certain, so that attempts never crowd; no wait is shorter than the authority asked for.
            Some(wait) => Next::After(wait.mul_f32(0.5 + 0.5 * chance.clamp(0.0, 1.0)).max(open.floor())),
            None => Next::Park,
        }
    }
}

/// The wait before attempt `n` in the background, from zero; `None` after the last.
fn nth_delay(retry: &RetryConfig, n: u32) -> Option<Duration> {
    // The iterator of delays stops after `max_times`, of which the one asked for is the last.
    let n = usize::try_from(n).ok()?;
    ExponentialBuilder::default()
        .with_min_delay(retry.initial_delay)
        .with_factor(retry.multiplier)
        .with_max_delay(retry.max_delay)
        .with_max_times(usize::try_from(retry.max_attempts).ok()?)
        .build()
        .nth(n)
        .map(|delay| delay.min(retry.max_delay).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(retry: &RetryConfig, open: Open, chance: f32) -> Vec<Next> {
        let mut plan = Plan::default();
        (0..8).map(|_| plan.after(open, retry, chance)).collect()
    }

    const fn after(millis: u64) -> Next {
        Next::After(Duration::from_millis(millis))
    }

    #[test]
    fn an_unclear_outcome_is_asked_about_once_at_once_and_then_with_growing_waits() {
        let all = waits(&RetryConfig::default(), Open::Unclear, 1.0);
        let expected =
            [Next::Now, after(500), after(1_000), after(2_000), after(4_000), after(8_000), Next::Park, Next::Park];
        assert_eq!(all, expected);
    }

    #[test]
    fn waits_are_spread_over_their_upper_half_and_never_exceed_the_longest() {
        let retry = RetryConfig { max_delay: Duration::from_secs(1), ..RetryConfig::default() };
        assert_eq!(waits(&retry, Open::Refused, 0.0)[..3], [after(250), after(500), after(500)]);
        assert_eq!(waits(&retry, Open::Refused, 7.0)[..3], [after(500), after(1_000), after(1_000)]);
    }

    #[test]
    fn no_wait_is_shorter_than_the_authority_asked_for() {
        let throttled = Open::Throttled(Duration::from_secs(7));
        let all = waits(&RetryConfig::default(), throttled, 1.0);
        assert_eq!(all[..5], [after(7_000), after(7_000), after(7_000), after(7_000), after(8_000)]);
    }

    #[test]
    fn without_retries_a_settlement_waits_for_a_flush() {
        let retry = RetryConfig { enabled: false, ..RetryConfig::default() };
        assert_eq!(waits(&retry, Open::Unclear, 1.0)[..2], [Next::Now, Next::Park]);
    }
}
