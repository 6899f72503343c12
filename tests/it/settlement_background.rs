//! What the background does, and how to wait for it.

use std::time::Duration;

use runcycles::CyclesClientBuilder;
use runcycles::{CyclesClient, CyclesConfig, JournalConfig, RetryConfig, Settlement, tokens};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::Instant;
use tracing::Level;

use crate::support::clock::pass;
use crate::support::log::Log;
use crate::support::operations::reserve;
use crate::support::reply::{self, Reply};
use crate::support::script::{API_KEY, Script};
use crate::support::sent::Route;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// A client whose settlements are repeated in its own way.
fn with_retry(script: &Script, set: impl FnOnce(&mut RetryConfig)) -> CyclesClient {
    let mut config = CyclesConfig::new(API_KEY, "http://authority.test");
    config.subject.tenant = Some("acme".to_owned());
    set(&mut config.retry);
    CyclesClientBuilder::from_config(config).journal(JournalConfig::disabled()).transport(script.clone()).build()
}

async fn commit(client: &CyclesClient) -> Settlement {
    client.reserve(reserve()).await.unwrap().commit(tokens(7)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_flush_with_nothing_to_do_returns_at_once() {
    let script = Script::new();
    let started = Instant::now();
    let report = script.client().flush(DAY).await;
    assert_eq!((report.settled, report.remaining, started.elapsed()), (0, 0, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_flush_really_sends_and_reports_what_is_settled_and_what_remains() {
    let script = Script::new();
    let client = script.client();
    script.always(Route::Commit, reply::refusal(401, "UNAUTHORIZED"));
    for _ in 0..3 {
        assert_eq!(commit(&client).await, Settlement::Pending);
    }
    drop(client.reserve(reserve()).await.unwrap());
    let report = client.flush(SECOND / 10).await;
    assert_eq!((report.settled, report.remaining), (1, 3), "the release and the commits");
    assert_eq!(script.of(Route::Commit).len(), 6, "each was tried at once");

    script.always(Route::Commit, Reply::Pass);
    let report = client.flush(SECOND / 10).await;
    assert_eq!((report.settled, report.remaining), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_flush_ends_at_its_deadline_and_the_settlement_goes_on() {
    let script = Script::new();
    let client = script.client();
    script.next(Route::Commit, [reply::timeout(), reply::timeout(), Reply::Silence]);
    commit(&client).await;
    let started = Instant::now();
    let report = client.flush(SECOND).await;
    assert_eq!((report.settled, report.remaining, started.elapsed().as_secs()), (0, 1, 1));
    let report = client.flush(Duration::MAX).await;
    assert_eq!((report.settled, report.remaining), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_flush_never_comes_earlier_than_the_authority_asked_for() {
    let script = Script::new();
    let client = script.client();
    script.next(Route::Commit, [reply::throttled("60")]);
    commit(&client).await;
    let report = client.flush(30 * SECOND).await;
    assert_eq!((report.settled, report.remaining, script.of(Route::Commit).len()), (0, 1, 1));
    let report = client.flush(31 * SECOND).await;
    assert_eq!((report.settled, report.remaining), (1, 0));
    let sent = script.of(Route::Commit);
    assert!(sent[1].at - sent[0].at >= 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_is_out_of_attempts_still_waits_as_long_as_the_authority_asked_for() {
    let script = Script::new();
    let client = with_retry(&script, |retry| retry.enabled = false);
    script.next(Route::Commit, [reply::throttled("60")]);
    assert_eq!(commit(&client).await, Settlement::Pending);
    let report = client.flush(30 * SECOND).await;
    assert_eq!((report.settled, report.remaining, script.of(Route::Commit).len()), (0, 1, 1));
    client.flush(DAY).await;
    let sent = script.of(Route::Commit);
    assert_eq!(sent.len(), 2);
    assert!(sent[1].at - sent[0].at >= 60 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn without_retries_only_a_flush_repeats() {
    let script = Script::new();
    let client = with_retry(&script, |retry| retry.enabled = false);
    script.next(Route::Commit, [reply::timeout(), reply::timeout()]);
    assert_eq!(commit(&client).await, Settlement::Pending);
    pass(DAY).await;
    assert_eq!(script.of(Route::Commit).len(), 2);
    assert_eq!(client.flush(SECOND).await.settled, 1);
}

#[tokio::test(start_paused = true)]
async fn endless_waits_work() {
    let script = Script::new();
    let client = with_retry(&script, |retry| {
        (retry.initial_delay, retry.max_delay, retry.multiplier) = (Duration::MAX, Duration::MAX, f32::MAX);
        retry.max_attempts = u32::MAX;
    });
    script.next(Route::Commit, [reply::timeout(), reply::timeout(), reply::timeout()]);
    assert_eq!(commit(&client).await, Settlement::Pending);
    let report = client.flush(SECOND).await;
    assert_eq!((report.settled, report.remaining), (0, 1));
    assert_eq!(client.flush(SECOND).await.settled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_longest_wait_below_the_first_is_a_wait() {
    let script = Script::new();
    let client = with_retry(&script, |retry| {
        (retry.initial_delay, retry.max_delay) = (10 * SECOND, SECOND);
    });
    script.always(Route::Commit, reply::timeout());
    commit(&client).await;
    pass(DAY).await;
    let sent = script.of(Route::Commit);
    assert_eq!(sent.len(), 7);
    assert!(sent[1..].windows(2).all(|pair| pair[1].at - pair[0].at <= SECOND + SECOND / 100));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_eight_attempts_are_under_way_at_a_time() {
    let script = Script::new();
    let client = script.client();
    script.always(Route::Release, Reply::Pass.after(SECOND));
    for _ in 0..50 {
        drop(client.reserve(reserve()).await.unwrap());
    }
    let started = Instant::now();
    let report = client.flush(DAY).await;
    assert_eq!((report.settled, report.remaining), (50, 0));
    assert_eq!(script.most_in_flight(), 8);
    assert_eq!(started.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_slow_settlement_does_not_hold_up_the_others() {
    let script = Script::new();
    let client = script.client();
    script.next(Route::Release, [Reply::Silence]);
    for _ in 0..5 {
        drop(client.reserve(reserve()).await.unwrap());
    }
    script.wait_for(Route::Release, 5).await;
    let report = client.flush(SECOND).await;
    assert_eq!(report.remaining, 1);
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_in_the_background_costs_one_attempt_and_no_settlement() {
    let script = Script::new();
    let client = script.client();
    script.next(Route::Commit, [reply::timeout(), reply::timeout()]);
    script.always(Route::Commit, Reply::Panic);
    commit(&client).await;
    pass(DAY).await;
    assert_eq!(script.of(Route::Commit).len(), 3);
    script.recover();
    let report = client.flush(SECOND).await;
    assert_eq!((report.settled, report.remaining), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_background_ends_with_its_work() {
    let script = Script::new();
    let client = script.client();
    script.next(Route::Commit, [reply::timeout(), reply::timeout()]);
    commit(&client).await;
    assert_ne!(Handle::current().metrics().num_alive_tasks(), 0);
    client.flush(DAY).await;
    pass(DAY).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

#[test]
fn what_a_runtime_leaves_behind_is_settled_by_the_next() {
    let runtime = || -> Runtime { Builder::new_current_thread().enable_time().start_paused(true).build().unwrap() };
    let script = Script::new();
    let client = script.client();
    script.next(Route::Commit, [reply::timeout(), reply::timeout(), Reply::Silence]);
    let first = runtime();
    first.block_on(async {
        commit(&client).await;
        script.wait_for(Route::Commit, 3).await;
    });
    drop(first);

    let report = runtime().block_on(client.flush(DAY));
    assert_eq!((report.settled, report.remaining), (1, 0));
    let sent = script.of(Route::Commit);
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|one| one.body == sent[0].body));
}

#[tokio::test(start_paused = true)]
async fn what_the_log_tells_never_shows_the_key() {
    let log = Log::start();
    let script = Script::new();
    let client = script.client();
    for reply in [reply::refusal(401, "UNAUTHORIZED"), reply::timeout(), reply::refusal(400, "INVALID_REQUEST")] {
        script.next(Route::Reserve, [reply::timeout()]);
        script.next(Route::Commit, [reply.clone(), reply]);
        let _ = client.reserve(reserve()).await.unwrap().commit(tokens(7)).await;
    }
    client.flush(DAY).await;
    log.told(Level::WARN, &["no final answer", "rsv_1"]);
    assert!(log.lines().iter().all(|line| !line.contains(API_KEY)), "{:#?}", log.lines());
}
