//! Leases played against servers of every kind, in virtual time.

use std::time::Duration;

use super::{BeatKey, Failure, Granted, Lease, Next, StopReason};
use crate::protocol::ErrorCode;

const HOUR: u64 = 3_600_000;

/// How a server limits leases; `u64::MAX` is no limit.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// The longest lease of a new reservation.
    first: u64,
    /// The longest time an extension adds.
    grant: u64,
    /// The longest time from now to the expiry.
    lead: u64,
    /// How many extensions a reservation gets.
    extensions: u64,
    /// Whether answers say how long the reservation lives.
    measures: bool,
}

const ADDING: Limits =
    Limits { first: u64::MAX, grant: u64::MAX, lead: u64::MAX, extensions: u64::MAX, measures: true };

/// What goes wrong with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// The request never arrives, and the client notices when its timeout has passed.
    RequestLost,
    /// The request takes effect, and the client waits for its answer in vain.
    AnswerLost,
    /// The connection is refused at once.
    NoConnection,
    /// 429 with a `Retry-After` of one second.
    Throttled,
}

struct Server {
    limits: Limits,
    expires: u64,
    extensions: u64,
}

impl Server {
    /// Extends at `at`, or repeats the answer to a key it has seen.
    fn extend(&mut self, at: u64, by: u64, replay: bool) -> Result<(), ErrorCode> {
        if replay {
            return Ok(());
        }
        if at >= self.expires {
            return Err(ErrorCode::ReservationExpired);
        }
        if self.extensions == self.limits.extensions {
            return Err(ErrorCode::MaxExtensionsExceeded);
        }
        self.extensions += 1;
        self.expires = (self.expires + by.min(self.limits.grant)).min(at.saturating_add(self.limits.lead));
        Ok(())
    }
}

/// A reservation whose action runs for as long as the test looks.
struct Play {
    limits: Limits,
    ttl: u64,
    longest_attempt: u64,
    rtt: u64,
    /// How late timers fire.
    late: u64,
    /// Sends the first extension at this time instead of when the schedule says.
    first_beat: Option<u64>,
    /// What goes wrong, by whether the attempt repeats one.
    fault: fn(bool) -> Fault,
}

#[derive(Debug)]
struct Outcome {
    /// When each attempt was sent.
    sent: Vec<u64>,
    /// The expiry when the test stopped looking.
    expires: u64,
    stopped: Option<StopReason>,
    seemed_clamped: bool,
}

impl Play {
    fn new(limits: Limits, ttl: u64) -> Self {
        let fault = |_| Fault::Nothing;
        Self { limits, ttl, longest_attempt: 7_000, rtt: 0, late: 0, first_beat: None, fault }
    }

    /// Plays until the heartbeat stops or virtual time is up. Panics where the client believes in more than there is.
    fn run(&self, until: u64) -> Outcome {
        let first = self.ttl.min(self.limits.first).min(self.limits.lead);
        let mut server = Server { limits: self.limits, expires: self.rtt / 2 + first, extensions: 0 };
        let (mut sent, mut now) = (Vec::new(), self.rtt);
        let (mut lease, mut next) =
            Lease::open(ms(self.ttl), ms(self.longest_attempt), self.granted(&server, self.rtt / 2, now));
        let mut acted = false;
        loop {
            let (after, key) = match next {
                Next::Beat { after, key } => (u64::try_from(after.as_millis()).unwrap(), key),
                Next::Stop(ref reason) => {
                    let stopped = Some(reason.clone());
                    return Outcome { sent, expires: server.expires, stopped, seemed_clamped: lease.seems_clamped() };
                }
            };
            let start = match self.first_beat {
                Some(at) if sent.is_empty() => at,
                _ => now + after + if after == 0 { 0 } else { self.late },
            };
            if start > until {
                return Outcome { sent, expires: server.expires, stopped: None, seemed_clamped: lease.seems_clamped() };
            }
            let fault = (self.fault)(key == BeatKey::Same);
            sent.push(start);
            let arrived = start + self.rtt / 2;
            let answer = match fault {
                Fault::Nothing | Fault::AnswerLost => {
                    let answer = server.extend(arrived, self.ttl, key == BeatKey::Same && acted);
                    acted = answer.is_ok() && fault == Fault::AnswerLost;
                    answer
                }
                _ => Ok(()),
            };
            let timeout = u64::try_from(lease.attempt_timeout().as_millis()).unwrap();
            now = start
                + match fault {
                    Fault::Nothing | Fault::Throttled => self.rtt,
                    Fault::NoConnection => 1,
                    Fault::RequestLost | Fault::AnswerLost => timeout + self.late,
                };
            next = match (fault, answer) {
                (Fault::Nothing, Ok(())) => lease.on_success(self.granted(&server, arrived, now)),
                (Fault::Nothing, Err(code)) => {
                    lease.on_failure(ms(now), Failure::Refused { status: 409, code: Some(code) })
                }
                (Fault::Throttled, _) => lease.on_failure(ms(now), Failure::Throttled(Some(ms(1_000)))),
                _ => lease.on_failure(ms(now), Failure::Ambiguous),
            };
            let left = server.expires.saturating_sub(now);
            assert!(lease.lead(ms(now)) <= ms(left), "the client believes in {:?} of {left} ms", lease.lead(ms(now)));
        }
    }

    fn granted(&self, server: &Server, at: u64, received_at: u64) -> Granted {
        let remaining_ttl_ms = self.limits.measures.then(|| server.expires.saturating_sub(at));
        let expires_at_ms = Some(1_763_775_000_000 + server.expires);
        Granted { received_at: ms(received_at), rtt: ms(self.rtt), expires_at_ms, remaining_ttl_ms }
    }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The first attempt of every extension meets the fault; its repetition works.
const EVERY_FIRST_ATTEMPT_FAILS: [fn(bool) -> Fault; 4] = [
    |_| Fault::Nothing,
    |repeats| if repeats { Fault::Nothing } else { Fault::RequestLost },
    |repeats| if repeats { Fault::Nothing } else { Fault::AnswerLost },
    |repeats| if repeats { Fault::Nothing } else { Fault::NoConnection },
];

/// The same with a throttle.
const EVERY_FIRST_ATTEMPT_IS_THROTTLED: fn(bool) -> Fault =
    |repeats| if repeats { Fault::Nothing } else { Fault::Throttled };

#[test]
fn a_measured_lease_survives_a_lost_attempt_of_every_extension_on_every_kind_of_server() {
    for ttl in [5_000, 6_000, 10_000, 30_000, 60_000, 600_000] {
        for limits in [
            ADDING,
            Limits { grant: ttl / 2, ..ADDING },
            Limits { grant: 2_000, ..ADDING },
            Limits { lead: ttl, ..ADDING },
            Limits { first: 5_000, lead: 5_000, ..ADDING },
            Limits { first: 5_000, grant: 2_000, ..ADDING },
        ] {
            for (rtt, late) in [(0, 0), (20, 2), (100, 10), (400, 40)] {
                for fault in EVERY_FIRST_ATTEMPT_FAILS {
                    let play = Play { rtt, late, fault, ..Play::new(limits, ttl) };
                    let outcome = play.run(HOUR);
                    let context = format!("{limits:?} ttl {ttl} rtt {rtt} {:?}", fault(false));
                    assert_eq!(outcome.stopped, None, "{context}");
                    assert!(outcome.expires > HOUR, "{context}");
                }
            }
        }
    }
}

#[test]
fn a_lease_of_five_seconds_sits_out_a_throttle_of_one() {
    for limits in [ADDING, Limits { grant: 2_000, ..ADDING }, Limits { lead: 5_000, ..ADDING }] {
        for (rtt, late) in [(0, 0), (20, 2), (100, 10)] {
            let play = Play { rtt, late, fault: EVERY_FIRST_ATTEMPT_IS_THROTTLED, ..Play::new(limits, 5_000) };
            let outcome = play.run(HOUR);
            assert_eq!(outcome.stopped, None, "{limits:?} rtt {rtt}");
            assert!(outcome.expires > HOUR, "{limits:?} rtt {rtt}");
        }
    }
}

#[test]
fn a_lease_lives_whatever_the_client_allows_an_attempt() {
    for longest_attempt in [100, 1_000, 30_000, u64::MAX] {
        let limits = Limits { lead: 5_000, ..ADDING };
        let play = Play { longest_attempt, rtt: 50, ..Play::new(limits, 5_000) };
        assert_eq!(play.run(HOUR).stopped, None, "{longest_attempt}");
    }
}

#[test]
fn an_action_that_is_quicker_than_half_its_lease_costs_no_extension() {
    for (ttl, rtt, first) in [(10_000, 5, 5_000), (10_000, 1_000, 4_000), (5_000, 5, 1_500), (60_000, 5, 44_000)] {
        let play = Play { rtt, ..Play::new(ADDING, ttl) };
        assert_eq!(play.run(first - 1).sent, [0_u64; 0], "ttl {ttl} rtt {rtt}");
    }
    let legacy = Limits { measures: false, ..ADDING };
    assert_eq!(Play::new(legacy, 10_000).run(499).sent, [0_u64; 0]);
}

#[test]
fn a_lease_of_three_seconds_lives_only_where_extensions_add_to_it() {
    let adding = Play { rtt: 10, ..Play::new(ADDING, 3_000) }.run(HOUR);
    assert_eq!((adding.stopped, adding.sent[0]), (None, 10));
    assert!(adding.expires > HOUR);

    let held = Play { rtt: 10, ..Play::new(Limits { lead: 3_000, ..ADDING }, 3_000) }.run(HOUR);
    assert_eq!(held.stopped, Some(StopReason::LeaseTooShort { lead: ms(2_990), reserve: ms(3_000) }));
    assert_eq!(held.sent, [10]);
}

#[test]
fn extensions_are_spent_no_faster_than_the_server_makes_them_worth() {
    let play = |limits| Play { rtt: 100, longest_attempt: 9_500, ..Play::new(limits, 60_000) };
    let adding = Limits { extensions: 10, ..ADDING };

    let outcome = play(adding).run(HOUR);
    assert_eq!(outcome.sent[0], 100 + 38_900);
    assert!(outcome.sent.windows(2).all(|pair| pair[1] - pair[0] == 60_000), "{:?}", outcome.sent);
    assert_eq!((outcome.sent.len(), outcome.expires / 1_000), (11, 660));
    assert!(matches!(outcome.stopped, Some(StopReason::Refused { code: Some(ErrorCode::MaxExtensionsExceeded), .. })));

    let outcome = play(Limits { lead: 60_000, ..adding }).run(HOUR);
    assert!(outcome.sent.windows(2).all(|pair| (38_900..=39_000).contains(&(pair[1] - pair[0]))), "{:?}", outcome.sent);
    assert_eq!((outcome.sent.len(), outcome.expires / 10_000), (11, 45));
}

#[test]
fn without_measured_answers_the_schedule_keeps_the_protocols_sequences() {
    let seconds = |seconds: &[u64]| seconds.iter().map(|second| second * 1_000).collect::<Vec<_>>();
    let legacy = Limits { measures: false, ..ADDING };
    let from_the_start = |limits, ttl| Play { first_beat: Some(0), ..Play::new(limits, ttl) };

    let full = from_the_start(legacy, 60_000).run(300_000);
    assert_eq!(full.sent, seconds(&[0, 30, 60, 120, 180, 240, 300]));
    assert_eq!((full.expires, full.seemed_clamped), (480_000, false));

    let held = from_the_start(Limits { lead: 60_000, ..legacy }, 60_000).run(150_000);
    assert_eq!(held.sent, seconds(&[0, 30, 60, 90, 120, 150]));
    assert_eq!((held.expires, held.seemed_clamped), (210_000, true));

    // A cap that looks like a held lease after a skipped beat: the lease loses two seconds with each beat until it is gone.
    let capped = from_the_start(Limits { grant: 10_000, ..legacy }, 24_000).run(HOUR);
    assert_eq!(capped.sent[..7], seconds(&[0, 5, 10, 20, 32, 44, 56])[..]);
    assert!(capped.seemed_clamped);
    let lapsed = StopReason::Refused { status: 409, code: Some(ErrorCode::ReservationExpired) };
    assert_eq!(capped.stopped, Some(lapsed));
}

#[test]
fn without_measured_answers_a_lease_survives_a_lost_attempt_of_every_extension() {
    let legacy = Limits { measures: false, ..ADDING };
    for ttl in [5_000, 10_000, 60_000] {
        for limits in [legacy, Limits { lead: ttl, ..legacy }, Limits { grant: ttl * 9 / 10, ..legacy }] {
            for fault in EVERY_FIRST_ATTEMPT_FAILS {
                let play = Play { rtt: 20, late: 2, fault, ..Play::new(limits, ttl) };
                let outcome = play.run(600_000);
                let context = format!("{limits:?} ttl {ttl} {:?}", fault(false));
                assert_eq!(outcome.stopped, None, "{context}");
                assert!(outcome.expires > 600_000, "{context}");
            }
        }
    }
}

#[test]
fn without_measured_answers_attempts_end_with_the_lease_at_the_latest() {
    let legacy = Limits { measures: false, ..ADDING };
    for fault in [|_| Fault::RequestLost, |_| Fault::NoConnection, |_| Fault::Throttled] {
        let play = Play { rtt: 20, late: 2, fault, ..Play::new(legacy, 60_000) };
        let outcome = play.run(HOUR);
        assert!(outcome.stopped.is_some());
        assert!(outcome.sent.len() < 40 && *outcome.sent.last().unwrap() <= 120_020, "{outcome:?}");
    }
}
