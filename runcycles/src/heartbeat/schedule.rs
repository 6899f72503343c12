//! When a reservation is extended, and when that ends.
//!
//! Pure: the shell sends what [`Next`] says and reports what came back. Times are monotonic, counted from any start that
//! stays the same; inside they are whole milliseconds, reserves rounded up and leads and delays rounded down, so that
//! rounding never eats into a reserve.
//!
//! # Implementation rationale
//!
//! The protocol's algorithm subtracts two timeouts and a margin from the lease, so a timeout made for other requests stops
//! the heartbeat of a short lease. [`ExtendTimeout`] therefore follows the lease: it is chosen anew with each answer, and it
//! holds for the attempts up to the next one, which is all that the algorithm asks of it.

mod fallback;
mod margins;
mod measured;
#[cfg(test)]
mod simulation;
mod stop;
mod timeout;

use std::time::Duration;

use self::fallback::Fallback;
use self::margins::{Margins, millis_down, millis_up};
use self::measured::Measured;
pub(crate) use self::stop::StopReason;
use self::timeout::ExtendTimeout;
use crate::protocol::ErrorCode;

/// How often a reservation can be extended, unless its tenant is given more (protocol: `max_reservation_extensions`).
const DEFAULT_EXTENSIONS: u64 = 10;

/// What to do about a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Extend it, this long after the answer or the failure that was reported.
    Beat {
        /// How long after.
        after: Duration,
        /// The key to send.
        key: BeatKey,
    },
    /// Leave it alone from now on, and say why. The action and its settlement go on.
    Stop(StopReason),
}

/// The idempotency key of an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BeatKey {
    /// A key of its own: the extension before it is known to have worked.
    New,
    /// The key and the body of the attempt that failed, which may have worked all the same.
    Same,
}

/// A valid answer to a reservation or an extension: HTTP 200 with a body that keeps to the protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granted {
    /// When the answer was complete and read.
    pub(crate) received_at: Duration,
    /// How long the attempt that brought it took, without the attempts before it.
    pub(crate) rtt: Duration,
    /// The expiry by the server's clock.
    pub(crate) expires_at_ms: Option<u64>,
    /// How long the reservation lives, measured by the server as it answered.
    pub(crate) remaining_ttl_ms: Option<u64>,
}

/// Why an extension brought no valid answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Timeout, connection error, 5xx, or a 2xx that is not a valid 200: the extension may have worked.
    Ambiguous,
    /// 429, with its `Retry-After` if that is a whole number of seconds.
    Throttled(Option<Duration>),
    /// Any other 4xx: the same request cannot work later.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The code, where the body is an error response.
        code: Option<ErrorCode>,
    },
}

/// A failure after which the same request may work.
#[derive(Clone, Copy, Debug)]
enum Setback {
    Ambiguous,
    Throttled(Option<Duration>),
}

/// The lease of one live reservation: an allowed reservation that has an id.
#[derive(Debug)]
pub(crate) struct Lease {
    ttl_ms: u64,
    longest_attempt_ms: u64,
    max_rtt_ms: u64,
    expires_at_ms: Option<u64>,
    answered_at: Duration,
    /// Whether the latest extension moved the expiry by all that it asked for.
    was_added: bool,
    timeout: ExtendTimeout,
    course: Course,
}

/// How the lease is known, by its latest answer.
#[derive(Debug)]
enum Course {
    /// The answer says how long the reservation lives.
    Measured(Measured),
    /// It does not.
    Fallback(Fallback),
}

impl Lease {
    /// The lease that the answer to a reservation grants, and its first beat.
    ///
    /// `ttl` is what the reservation asked for; each extension asks for it again. `longest_attempt` is the time any attempt
    /// of the client may take; extensions get less where the lease is short.
    pub(crate) fn open(ttl: Duration, longest_attempt: Duration, granted: Granted) -> (Self, Next) {
        let (ttl_ms, longest_attempt_ms) = (millis_down(ttl), millis_down(longest_attempt));
        let (fallback, first) = Fallback::start(ttl_ms);
        let mut lease = Self {
            ttl_ms,
            longest_attempt_ms,
            max_rtt_ms: millis_up(granted.rtt),
            expires_at_ms: granted.expires_at_ms,
            answered_at: granted.received_at,
            was_added: false,
            timeout: ExtendTimeout::for_lead(fallback.expected_lead(), millis_up(granted.rtt), longest_attempt_ms),
            course: Course::Fallback(fallback),
        };
        let next = match granted.remaining_ttl_ms {
            Some(_) => lease.on_success(granted),
            None => first,
        };
        (lease, next)
    }

    /// Takes a valid answer to an extension.
    pub(crate) fn on_success(&mut self, granted: Granted) -> Next {
        let rtt_ms = millis_up(granted.rtt);
        self.max_rtt_ms = self.max_rtt_ms.max(rtt_ms);
        let elapsed_ms = self.elapsed_ms(granted.received_at);
        let grant_ms = self.grant_ms(granted.expires_at_ms);
        self.was_added = u64::try_from(grant_ms).is_ok_and(|grant_ms| grant_ms >= self.ttl_ms);
        self.answered_at = granted.received_at;
        self.expires_at_ms = granted.expires_at_ms;
        let Some(remaining_ms) = granted.remaining_ttl_ms else {
            return self.on_unmeasured_success(elapsed_ms, grant_ms);
        };
        let lead_ms = remaining_ms.saturating_sub(rtt_ms);
        self.set_timeout(lead_ms);
        let margins = Margins::new(self.timeout.budget_ms(), self.max_rtt_ms);
        let had_no_delay = matches!(&self.course, Course::Measured(measured) if measured.has_no_delay());
        let (measured, next) = Measured::new(lead_ms, margins, had_no_delay);
        self.course = Course::Measured(measured);
        next
    }

    /// Takes a failed attempt of an extension, noticed `now`.
    pub(crate) fn on_failure(&mut self, now: Duration, failure: Failure) -> Next {
        let setback = match failure {
            Failure::Ambiguous => Setback::Ambiguous,
            Failure::Throttled(retry_after) => Setback::Throttled(retry_after),
            Failure::Refused { status, code } => return Next::Stop(StopReason::Refused { status, code }),
        };
        let elapsed_ms = self.elapsed_ms(now);
        match &mut self.course {
            Course::Measured(measured) => measured.after_setback(elapsed_ms, setback),
            Course::Fallback(fallback) => fallback.after_setback(elapsed_ms, setback),
        }
    }

    /// How long the next attempt of an extension may take.
    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.timeout.enforced()
    }

    /// By how much each extension asks to move the expiry.
    pub(crate) fn extend_by(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }

    /// How long the reservation lives at least.
    pub(crate) fn lead(&self, now: Duration) -> Duration {
        let elapsed_ms = self.elapsed_ms(now);
        Duration::from_millis(match &self.course {
            Course::Measured(measured) => measured.lead_after(elapsed_ms),
            Course::Fallback(fallback) => fallback.lead_after(elapsed_ms),
        })
    }

    /// Whether nothing is lost where an extension comes sooner than it must: the server added the latest to what was left.
    pub(crate) fn is_added_to(&self) -> bool {
        self.was_added
    }

    /// How long the reservation can live at most, with as many extensions as servers allow unless set otherwise. Meant for the
    /// answer to the reservation: a server that grants less than was asked for grants no more by an extension.
    pub(crate) fn longest(&self) -> Duration {
        let granted_ms = match &self.course {
            Course::Measured(measured) => measured.lead_after(0),
            Course::Fallback(_) => self.ttl_ms,
        };
        let extensions_ms = granted_ms.min(self.ttl_ms).saturating_mul(DEFAULT_EXTENSIONS);
        Duration::from_millis(granted_ms.saturating_add(extensions_ms))
    }

    /// Whether the server seems to hold the expiry at a fixed distance, so that beats use up the extensions it allows
    /// without making the lease longer. Known only where answers do not say how long the reservation lives.
    pub(crate) fn seems_clamped(&self) -> bool {
        matches!(&self.course, Course::Fallback(fallback) if fallback.seems_clamped())
    }

    fn on_unmeasured_success(&mut self, elapsed_ms: u64, grant_ms: i64) -> Next {
        let mut fallback = match &self.course {
            Course::Measured(measured) => Fallback::resume(self.ttl_ms, measured.lead_after(0), self.max_rtt_ms),
            Course::Fallback(fallback) => *fallback,
        };
        let next = fallback.after_success(elapsed_ms, grant_ms);
        self.set_timeout(fallback.expected_lead());
        self.course = Course::Fallback(fallback);
        next
    }

    fn set_timeout(&mut self, lead_ms: u64) {
        self.timeout = ExtendTimeout::for_lead(lead_ms, self.max_rtt_ms, self.longest_attempt_ms);
    }

    fn elapsed_ms(&self, now: Duration) -> u64 {
        millis_up(now.saturating_sub(self.answered_at))
    }

    /// By how much an answer moves the expiry: a difference by one clock, the server's. Unknown counts as nothing, and no
    /// extension moves the expiry by more than it asks for.
    fn grant_ms(&self, expires_at_ms: Option<u64>) -> i64 {
        let (Some(before), Some(after)) = (self.expires_at_ms, expires_at_ms) else {
            return 0;
        };
        let moved = i128::from(after) - i128::from(before);
        i64::try_from(moved.min(i128::from(self.ttl_ms))).unwrap_or(i64::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn granted(received_at: u64, remaining_ttl_ms: Option<u64>, expires_at_ms: u64) -> Granted {
        let rtt = ms(10);
        Granted { received_at: ms(received_at), rtt, expires_at_ms: Some(expires_at_ms), remaining_ttl_ms }
    }

    fn beat(after: u64, key: BeatKey) -> Next {
        Next::Beat { after: ms(after), key }
    }

    #[test]
    fn the_first_beat_derives_from_the_answer_to_the_reservation() {
        let (lease, next) = Lease::open(ms(60_000), ms(10_000), granted(0, Some(60_000), 1));
        // Lead 59,990; the timeout is the client's 10,000 and a twentieth more is kept for noticing it.
        assert_eq!(next, beat(59_990 - 2 * 10_527 - 1_000, BeatKey::New));
        assert_eq!((lease.attempt_timeout(), lease.extend_by()), (ms(10_000), ms(60_000)));
        assert_eq!((lease.lead(ms(500)), lease.lead(ms(70_000))), (ms(59_490), ms(0)));
    }

    #[test]
    fn only_the_latest_answer_counts_and_slow_attempts_are_remembered() {
        let (mut lease, _) = Lease::open(ms(60_000), ms(5_000), granted(0, Some(60_000), 1));
        let slow = Granted { rtt: ms(4_000), ..granted(45_000, Some(60_000), 1) };
        assert_eq!(lease.on_success(slow), beat(56_000 - 2 * 8_000 - 8_000, BeatKey::New));
        // A quick answer later does not make the margins small again.
        assert_eq!(lease.on_success(granted(80_000, Some(60_000), 1)), beat(59_990 - 24_000, BeatKey::New));
    }

    #[test]
    fn a_failure_keeps_the_key_until_an_extension_works() {
        let (mut lease, _) = Lease::open(ms(60_000), ms(1_900), granted(0, Some(20_000), 1));
        assert_eq!(lease.on_failure(ms(15_000), Failure::Ambiguous), beat(1_247, BeatKey::Same));
        assert_eq!(lease.on_success(granted(16_300, Some(20_000), 1)), beat(19_990 - 5_000, BeatKey::New));
    }

    #[test]
    fn a_refusal_stops_the_heartbeat_whatever_time_is_left() {
        for (status, code) in
            [(410, Some(ErrorCode::ReservationExpired)), (400, None), (403, Some(ErrorCode::Forbidden))]
        {
            let (mut lease, _) = Lease::open(ms(60_000), ms(5_000), granted(0, Some(60_000), 1));
            let next = lease.on_failure(ms(100), Failure::Refused { status, code: code.clone() });
            assert_eq!(next, Next::Stop(StopReason::Refused { status, code }));
        }
    }

    #[test]
    fn each_answer_is_judged_by_what_it_carries() {
        let (mut lease, next) = Lease::open(ms(60_000), ms(5_000), granted(0, None, 60_000));
        assert_eq!(next, beat(500, BeatKey::New));
        // The next server of the fleet measures the lease.
        assert_eq!(lease.on_success(granted(500, Some(119_500), 120_000)), beat(119_490 - 11_528, BeatKey::New));
        // The one after that does not: the lead goes on from what was measured, 11,490 and the grant.
        let next = lease.on_success(granted(108_500, None, 180_000));
        assert_eq!(next, beat(30_000, BeatKey::New));
        assert_eq!(lease.lead(ms(108_500)), ms(71_490));
        assert!(!lease.seems_clamped());
    }

    #[test]
    fn no_extension_counts_for_more_than_it_asked_for() {
        let (mut lease, _) = Lease::open(ms(60_000), ms(30_000), granted(0, None, 60_000));
        assert_eq!(lease.attempt_timeout(), ms(900));
        // The server's clock was set forward by an hour in between.
        assert_eq!(lease.on_success(granted(500, None, 3_720_000)), beat(30_000, BeatKey::New));
        assert_eq!((lease.lead(ms(500)), lease.attempt_timeout()), (ms(59_500), ms(11_400)));

        // Nothing is known about the first extension where the reservation's answer shows no expiry.
        let start = Granted { expires_at_ms: None, ..granted(0, None, 0) };
        let (mut lease, _) = Lease::open(ms(60_000), ms(30_000), start);
        lease.on_success(granted(500, None, 120_000));
        assert_eq!(lease.lead(ms(500)), ms(0));
        lease.on_success(granted(30_500, None, 180_000));
        assert_eq!(lease.lead(ms(30_500)), ms(29_500));
    }

    #[test]
    fn hostile_numbers_neither_panic_nor_wrap() {
        for remaining in [None, Some(0), Some(u64::MAX)] {
            for expiry in [0, u64::MAX] {
                let start = Granted { rtt: Duration::MAX, ..granted(0, remaining, u64::MAX - expiry) };
                let (mut lease, _) = Lease::open(Duration::MAX, Duration::MAX, start);
                lease.on_success(Granted { received_at: Duration::MAX, ..granted(0, remaining, expiry) });
                lease.on_failure(Duration::MAX, Failure::Throttled(Some(Duration::MAX)));
                lease.on_failure(Duration::ZERO, Failure::Ambiguous);
                lease.on_success(granted(0, None, expiry));
                lease.on_failure(Duration::MAX, Failure::Ambiguous);
                let _ = (lease.lead(Duration::MAX), lease.attempt_timeout());
            }
        }
    }
}
