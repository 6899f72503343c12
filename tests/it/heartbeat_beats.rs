//! Keeping reservations alive.

use std::collections::HashSet;
use std::time::Duration;

use runcycles::{
    CyclesClient, Error, JournalConfig, ReservationGuard, Reserve, TransportErrorKind, WithCyclesConfig, tokens,
};
use runcycles_authority::Authority;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::Level;

use crate::support::clock::{VirtualClock, pass};
use crate::support::log::Log;
use crate::support::reply::{self, Reply, json};
use crate::support::script::Script;
use crate::support::sent::{Route, Sent};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// When a lease of 60 s is extended by a client whose attempts take 7 s at most: attempts are given 7.369 s, two of them and
/// a margin of 1 s are kept in reserve.
const FIRST_BEAT_MS: u128 = 60_000 - 2 * 7_369 - 1_000;

async fn reserve(client: &CyclesClient, ttl: Duration) -> ReservationGuard {
    client.reserve(Reserve::new("a", "b").estimate(tokens(10)).ttl(ttl)).await.unwrap()
}

/// The answer of a server that does not say how long a reservation lives.
fn unmeasured(expires_at_ms: u64) -> Value {
    json!({ "decision": "ALLOW", "reservation_id": "rsv_1", "affected_scopes": [], "expires_at_ms": expires_at_ms })
}

/// The time of a request, in milliseconds since a start.
fn since(start: Instant, sent: &Sent) -> u128 {
    (sent.at - start).as_millis()
}

/// Whether two times agree as far as timers do, which count in milliseconds.
#[track_caller]
fn assert_close(found: u128, expected: u128) {
    assert!(found.abs_diff(expected) <= 2, "{found} ms, expected {expected} ms");
}

#[tokio::test(start_paused = true)]
async fn a_reservation_is_extended_while_two_attempts_and_a_margin_are_left() {
    let script = Script::new();
    let client = script.client();
    let start = Instant::now();
    let guard = reserve(&client, MINUTE).await;
    let sent = script.wait_for(Route::Extend, 3).await;
    for (beat, sent) in (1..).zip(&sent) {
        assert_close(since(start, sent), beat * FIRST_BEAT_MS);
        assert_eq!((sent.reservation(), &sent.json()["extend_by_ms"]), ("rsv_1", &json!(60_000)));
    }
    assert_eq!(sent.iter().map(Sent::key).collect::<HashSet<_>>().len(), 3, "each extension has a key of its own");
    guard.commit(tokens(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_work_is_covered_without_a_gap() {
    let script = Script::new();
    let client = script.client();
    let guard = reserve(&client, MINUTE).await;
    for _ in 0..3_600 {
        pass(SECOND).await;
        assert!(guard.lease_left() > 10 * SECOND, "{:?}", guard.lease_left());
    }
    let beats = script.of(Route::Extend).len();
    assert_eq!(beats, 81, "3,600 s in steps of 44.262 s");
    guard.commit(tokens(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_same_extension_is_sent_again_and_the_next_is_a_new_one() {
    for failure in [
        reply::timeout(),
        Reply::Fail(TransportErrorKind::Connect),
        Reply::Lost,
        reply::refusal(500, "INTERNAL_ERROR"),
        reply::raw(502, "<html>"),
        json(201, &json!({ "status": "ACTIVE", "expires_at_ms": 1 })),
        json(200, &json!({ "status": "RELEASED", "expires_at_ms": 1 })),
        json(200, &json!({ "status": "ACTIVE" })),
        reply::throttled("1"),
    ] {
        let script = Script::new();
        script.next(Route::Extend, [failure.clone(), failure.clone()]);
        let client = script.client();
        let guard = reserve(&client, MINUTE).await;
        let sent = script.wait_for(Route::Extend, 4).await;
        assert!(sent[0].body == sent[1].body && sent[1].body == sent[2].body, "{failure:?}");
        assert_ne!(sent[2].key(), sent[3].key());
        if matches!(&failure, Reply::Answer(status, ..) if status.as_u16() == 429) {
            assert!(sent[1].at - sent[0].at >= SECOND);
        }
        guard.commit(tokens(1)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_gets_no_answer_is_abandoned_in_time_for_another() {
    let script = Script::new();
    script.next(Route::Extend, [Reply::Silence]);
    let client = script.client();
    let guard = reserve(&client, MINUTE).await;
    let sent = script.wait_for(Route::Extend, 2).await;
    assert!(sent[1].at - sent[0].at < 9 * SECOND);
    pass(Duration::from_millis(10)).await;
    assert!(guard.lease_left() > 59 * SECOND);
    guard.commit(tokens(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_extension_is_told_and_neither_cancels_the_action_nor_its_settlement() {
    for (status, code) in [
        (409, "MAX_EXTENSIONS_EXCEEDED"),
        (409, "RESERVATION_FINALIZED"),
        (410, "RESERVATION_EXPIRED"),
        (404, "NOT_FOUND"),
        (401, "UNAUTHORIZED"),
        (409, "CODE_OF_THE_FUTURE"),
    ] {
        let script = Script::new();
        script.always(Route::Extend, reply::refusal(status, code));
        let log = Log::start();
        let config = WithCyclesConfig::new(tokens(10)).action("a", "b").ttl(MINUTE);
        let value: Result<u32, Error> = script
            .client()
            .execute(config, async |context| {
                pass(10 * MINUTE).await;
                assert_eq!(context.lease_left(), Duration::ZERO);
                Ok(42)
            })
            .await;
        assert_eq!(value.unwrap(), 42);
        assert_eq!(script.routes(), [Route::Reserve, Route::Extend, Route::Commit], "{code}");
        log.told(Level::WARN, &["was not extended", "rsv_1", "will_retry=false"]);
        log.told(Level::WARN, &["heartbeat stopped", "rsv_1", code]);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_with_the_reservation_and_whether_it_is_tried_again() {
    let script = Script::new();
    script.always(Route::Extend, reply::timeout());
    let log = Log::start();
    let client = script.client();
    let guard = reserve(&client, MINUTE).await;
    pass(10 * MINUTE).await;
    log.told(Level::WARN, &["was not extended", "rsv_1", "will_retry=true"]);
    log.told(Level::WARN, &["heartbeat stopped", "rsv_1"]);
    let sent = script.of(Route::Extend);
    assert!(sent.len() > 1 && sent.iter().all(|one| one.body == sent[0].body));
    guard.commit(tokens(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_quick_call_sends_no_extension() {
    let script = Script::new();
    let client = script.client();
    let guard = reserve(&client, 10 * SECOND).await;
    pass(Duration::from_millis(5)).await;
    guard.commit(tokens(1)).await.unwrap();
    pass(DAY).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_extended_once_its_guard_is_gone_and_the_task_ends() {
    let script = Script::new();
    let client = script.client();
    let guards = [reserve(&client, MINUTE).await, reserve(&client, MINUTE).await, reserve(&client, MINUTE).await];
    script.wait_for(Route::Extend, 3).await;
    let [committed, released, dropped] = guards;
    committed.commit(tokens(1)).await.unwrap();
    released.release("not needed").await.unwrap();
    drop(dropped);
    script.wait_for(Route::Release, 2).await;
    let sent = script.sent().len();
    pass(DAY).await;
    assert_eq!(script.sent().len(), sent);
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_before_the_task_runs_leaves_it_to_the_next() {
    let script = Script::new();
    let client = script.client();
    for _ in 0..3 {
        reserve(&client, MINUTE).await.commit(tokens(1)).await.unwrap();
        // Whatever can run has run.
        pass(SECOND).await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
    }
    pass(DAY).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    assert!(!script.routes().contains(&Route::Extend));
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_ends_during_its_extension_is_not_extended_again() {
    let script = Script::new();
    script.next(Route::Extend, [reply::timeout().after(3 * SECOND)]);
    let client = script.client();
    let guard = reserve(&client, MINUTE).await;
    script.wait_for(Route::Extend, 1).await;
    guard.commit(tokens(1)).await.unwrap();
    pass(DAY).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Extend, Route::Commit]);
}

#[tokio::test(start_paused = true)]
async fn many_guards_share_one_task_and_a_bounded_number_of_requests() {
    let script = Script::new();
    let client = script.client();
    let mut guards = Vec::new();
    for _ in 0..100 {
        guards.push(reserve(&client, MINUTE).await);
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 1);
    script.always(Route::Extend, Reply::Pass.after(SECOND));
    let sent = script.wait_for(Route::Extend, 100).await;
    let extended: HashSet<_> = sent.iter().map(|sent| sent.reservation().to_owned()).collect();
    assert_eq!((extended.len(), script.most_in_flight()), (100, 32));
    drop(guards);
    script.wait_for(Route::Release, 100).await;
    pass(DAY).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_short_lease_that_comes_later_is_extended_before_a_long_one() {
    let script = Script::new();
    let client = script.client();
    let long = reserve(&client, 60 * MINUTE).await;
    pass(SECOND).await;
    let short = reserve(&client, 10 * SECOND).await;
    let start = Instant::now();
    let sent = script.wait_for(Route::Extend, 1).await;
    assert_eq!(sent[0].reservation(), short.reservation_id().as_str());
    assert!(since(start, &sent[0]) < 6_000);
    drop((long, short));
}

#[tokio::test(start_paused = true)]
async fn a_slow_authority_is_asked_earlier() {
    let script = Script::new();
    script.next(Route::Reserve, [Reply::Pass.after(4 * SECOND)]);
    let client = script.client();
    let guard = reserve(&client, MINUTE).await;
    let received = Instant::now();
    let sent = script.wait_for(Route::Extend, 1).await;
    // The lead is 56 s at least, and twice the round trip is kept for an attempt, its repetition and the margin.
    let (lead, reserve) = (56_000, 3 * 8_000);
    assert_close(since(received, &sent[0]), lead - reserve);
    guard.commit(tokens(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_repeated_reservation_is_measured_by_the_attempt_that_was_answered() {
    let script = Script::new();
    script.next(Route::Reserve, [Reply::Silence]);
    let client = script.client();
    let guard = reserve(&client, MINUTE).await;
    let received = Instant::now();
    let sent = script.wait_for(Route::Extend, 1).await;
    assert_close(since(received, &sent[0]), FIRST_BEAT_MS);
    guard.commit(tokens(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_say_how_long_a_reservation_lives_is_asked_early_and_then_by_what_it_grants() {
    let script = Script::new();
    script.next(Route::Reserve, [json(200, &unmeasured(60_000))]);
    let extended = |expires_at_ms: u64| json(200, &json!({ "status": "ACTIVE", "expires_at_ms": expires_at_ms }));
    script.next(Route::Extend, [extended(120_000), extended(180_000), extended(240_000)]);
    let client = script.client();
    let start = Instant::now();
    let guard = reserve(&client, MINUTE).await;
    let sent = script.wait_for(Route::Extend, 3).await;
    let times: Vec<_> = sent.iter().map(|sent| since(start, sent)).collect();
    assert_close(times[0], 500);
    assert_close(times[1], 30_500);
    assert!(times[2] < 120_000, "{times:?}");
    guard.commit(tokens(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn hostile_lifetimes_neither_panic_nor_flood() {
    for remaining in [0_u64, 1, u64::MAX] {
        let script = Script::new();
        let mut body = unmeasured(u64::MAX);
        body["remaining_ttl_ms"] = json!(remaining);
        script.next(Route::Reserve, [json(200, &body)]);
        let answer = json!({ "status": "ACTIVE", "expires_at_ms": 0, "remaining_ttl_ms": remaining });
        script.always(Route::Extend, json(200, &answer));
        let client = script.client();
        let guard = reserve(&client, MINUTE).await;
        pass(DAY).await;
        assert!(script.of(Route::Extend).len() <= 1, "{:?}", script.of(Route::Extend).len());
        guard.commit(tokens(1)).await.unwrap();
    }
}

/// The authority adds to leases, which end together where they began together.
#[tokio::test(start_paused = true)]
async fn a_crowd_sends_its_extensions_at_different_times() {
    const GUARDS: usize = 2_000;
    let budget = Authority::builder().clock(VirtualClock::new()).budget("tenant:acme", tokens(1_000_000));
    let authority = budget.start().await.unwrap();
    let script = Script::around(authority.transport());
    let client = CyclesClient::builder(authority.api_key("acme"), "http://authority.test")
        .journal(JournalConfig::disabled())
        .tenant("acme")
        .transport(script.clone())
        .build();
    let start = Instant::now();
    let mut guards = Vec::new();
    for _ in 0..GUARDS {
        guards.push(reserve(&client, MINUTE).await);
    }
    pass(6 * MINUTE).await;
    let mut by_time = [0; 36];
    for sent in script.of(Route::Extend) {
        by_time[usize::try_from((sent.at - start).as_secs() / 10).unwrap().min(35)] += 1;
    }
    let all: usize = by_time.iter().sum();
    assert!(by_time.iter().all(|extensions| extensions * by_time.len() <= 2 * all), "{by_time:?}");
    // Each adds a minute; what is sent sooner is left later.
    assert!((6 * GUARDS..=9 * GUARDS).contains(&all), "{all} extensions in six minutes");
    assert!(guards.iter().all(|guard| guard.lease_left() > 10 * SECOND));
}

/// Whatever is sent sooner is lost at such a server, which may allow a number of extensions.
#[tokio::test(start_paused = true)]
async fn a_crowd_sends_no_more_extensions_than_it_must_where_leases_are_set_anew() {
    const GUARDS: usize = 500;
    let script = Script::new();
    let client = script.client();
    let mut guards = Vec::new();
    for _ in 0..GUARDS {
        guards.push(reserve(&client, MINUTE).await);
    }
    pass(10 * MINUTE).await;
    let most = usize::try_from((10 * MINUTE).as_millis() / FIRST_BEAT_MS).unwrap() + 1;
    let all = script.of(Route::Extend).len();
    assert!(all <= most * GUARDS, "{all} extensions, {most} of each at most");
    drop(guards);
}
