//! Committing a guard: what each first answer leads to.

use std::time::Duration;

use runcycles::models::{CommitRequest, CyclesMetrics, Metadata};
use runcycles::telemetry::gen_ai::ModelUsage;
use runcycles::{Error, ReservationGuard, Reserve, Scope, Settlement, TransportErrorKind, tokens, usd};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::Level;

use crate::support::clock::pass;
use crate::support::log::Log;
use crate::support::operations::reserve;
use crate::support::reply::{self, Reply, json};
use crate::support::script::Script;
use crate::support::sent::Route;

const DAY: Duration = Duration::from_secs(86_400);

async fn guard(script: &Script) -> ReservationGuard {
    script.client().reserve(reserve()).await.unwrap()
}

fn committed() -> Value {
    json!({ "status": "COMMITTED", "charged": { "unit": "TOKENS", "amount": 7 } })
}

/// Answers that leave open whether the spend is in the ledger.
fn open_outcomes() -> Vec<Reply> {
    vec![
        reply::timeout(),
        Reply::Fail(TransportErrorKind::Connect),
        Reply::Fail(TransportErrorKind::Interrupted),
        Reply::Lost,
        reply::refusal(500, "INTERNAL_ERROR"),
        reply::raw(503, "<html>unavailable</html>"),
        json(201, &committed()),
        reply::raw(204, ""),
        reply::raw(302, ""),
        reply::raw(200, ""),
        json(200, &json!({ "status": "COMMITTED" })),
        json(200, &json!({ "status": "ACTIVE", "charged": { "unit": "TOKENS", "amount": 7 } })),
        json(200, &json!({ "status": "COMMITTED", "charged": { "unit": "TOKENS", "amount": -7 } })),
    ]
}

/// Refusals that may pass: the spend is kept.
const MAY_PASS: [(u16, &str); 9] = [
    (401, "UNAUTHORIZED"),
    (403, "FORBIDDEN"),
    (409, "BUDGET_EXCEEDED"),
    (409, "OVERDRAFT_LIMIT_EXCEEDED"),
    (409, "DEBT_OUTSTANDING"),
    (409, "BUDGET_FROZEN"),
    (409, "MAX_EXTENSIONS_EXCEEDED"),
    (409, "CODE_OF_THE_FUTURE"),
    (418, "CODE_OF_THE_FUTURE"),
];

/// Refusals that are understood and final.
const FINAL: [(u16, &str); 6] = [
    (400, "INVALID_REQUEST"),
    (400, "UNIT_MISMATCH"),
    (404, "NOT_FOUND"),
    (409, "IDEMPOTENCY_MISMATCH"),
    (409, "BUDGET_CLOSED"),
    (409, "TENANT_CLOSED"),
];

#[tokio::test(start_paused = true)]
async fn a_valid_answer_settles_and_says_what_was_charged_returned_and_left_uncovered() {
    let script = Script::new();
    let answer = json!({
        "status": "COMMITTED",
        "charged": { "unit": "USD_MICROCENTS", "amount": 2_000_000 },
        "released": { "unit": "USD_MICROCENTS", "amount": 0 },
        "balances": [{ "scope": "s", "scope_path": "p", "remaining": { "unit": "USD_MICROCENTS", "amount": -1 } }],
    });
    script.next(Route::Commit, [json(200, &answer)]);
    let guard = script.client().reserve(Reserve::new("a", "b").estimate(usd!(0.02))).await.unwrap();
    let settlement = guard.commit(usd!(0.05)).await.unwrap();
    let Settlement::Committed { charged, released, uncovered, balances, .. } = &settlement else {
        panic!("{settlement:?}")
    };
    assert_eq!((charged, released.as_ref(), uncovered.as_ref()), (&usd!(0.02), Some(&usd!(0)), Some(&usd!(0.03))));
    assert_eq!(balances.len(), 1);
    assert!(settlement.is_final());
    let sent = script.of(Route::Commit);
    assert_eq!(sent[0].json()["actual"], json!({ "unit": "USD_MICROCENTS", "amount": 5_000_000 }));
}

#[tokio::test(start_paused = true)]
async fn what_is_covered_in_full_leaves_nothing_uncovered() {
    let script = Script::new();
    let settlement = guard(&script).await.commit(tokens(7)).await.unwrap();
    assert!(matches!(settlement, Settlement::Committed { uncovered: None, released: None, .. }));
    let settlement = guard(&script).await.commit(tokens(0)).await.unwrap();
    assert!(matches!(settlement, Settlement::Committed { uncovered: None, .. }));
}

#[tokio::test(start_paused = true)]
async fn an_open_outcome_is_repeated_at_once_with_the_same_bytes() {
    for first in open_outcomes() {
        let script = Script::new();
        script.next(Route::Commit, [first.clone()]);
        let settlement = guard(&script).await.commit(tokens(7)).await.unwrap();
        assert!(matches!(settlement, Settlement::Committed { .. }), "{first:?}: {settlement:?}");
        pass(DAY).await;
        let sent = script.of(Route::Commit);
        assert_eq!(sent.len(), 2, "{first:?}");
        assert_eq!(sent[0].body, sent[1].body);
        assert_eq!(script.sent().len(), 3, "{:?}", script.sent());
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_took_long_is_repeated_without_its_caller() {
    let script = Script::new();
    script.next(Route::Commit, [Reply::Silence]);
    let settlement = guard(&script).await.commit(tokens(7)).await.unwrap();
    assert_eq!((settlement, script.of(Route::Commit).len()), (Settlement::Pending, 1));
    pass(DAY).await;
    let sent = script.of(Route::Commit);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].body, sent[1].body);
}

#[tokio::test(start_paused = true)]
async fn after_two_open_outcomes_the_settlement_goes_on_in_the_background_with_the_same_bytes() {
    for reply in open_outcomes() {
        let script = Script::new();
        script.next(Route::Commit, [reply.clone(), reply.clone(), reply.clone()]);
        let settlement = guard(&script).await.commit(tokens(7)).await.unwrap();
        assert_eq!((settlement.is_final(), script.of(Route::Commit).len()), (false, 2), "{reply:?}");
        pass(DAY).await;
        let sent = script.of(Route::Commit);
        assert_eq!(sent.len(), 4, "{reply:?}");
        assert!(sent.iter().all(|other| other.body == sent[0].body));
        assert!(script.of(Route::Release).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_in_the_background_come_ever_later_and_end_until_somebody_flushes() {
    let script = Script::new();
    script.always(Route::Commit, reply::refusal(503, "INTERNAL_ERROR"));
    let client = script.client();
    let log = Log::start();
    client.reserve(reserve()).await.unwrap().commit(tokens(7)).await.unwrap();
    pass(DAY).await;
    let sent = script.of(Route::Commit);
    assert_eq!(sent.len(), 7, "two at once and five in the background");
    let waits: Vec<_> = sent.windows(2).map(|pair| (pair[1].at - pair[0].at).as_millis()).collect();
    for (wait, longest) in waits.iter().zip([0, 500, 1_000, 2_000, 4_000, 8_000]) {
        // Half of a wait is certain and half is chance; timers count in milliseconds.
        assert!((longest / 2..=longest + 1).contains(wait), "{waits:?}");
    }
    log.told(Level::ERROR, &["not confirmed", "rsv_1", "7 tokens", "flush"]);

    script.always(Route::Commit, Reply::Pass);
    let report = client.flush(Duration::from_secs(1)).await;
    assert_eq!((report.settled, report.remaining), (1, 0));
    assert!(script.of(Route::Commit).iter().all(|other| other.body == sent[0].body));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_settlement_is_pending_and_never_comes_back_early() {
    // What the header says, and the least and the most that is waited.
    for (retry_after, least, most) in [
        ("7", 7_000, 7_001),
        ("60", 60_000, 60_001),
        ("31536000", 3_600_000, 3_600_001),
        ("99999999999999999999", 3_600_000, 3_600_001),
        ("0", 250, 501),
        ("soon", 250, 501),
    ] {
        let script = Script::new();
        script.next(Route::Commit, [reply::throttled(retry_after)]);
        let started = Instant::now();
        let settlement = guard(&script).await.commit(tokens(7)).await.unwrap();
        assert_eq!((settlement, started.elapsed()), (Settlement::Pending, Duration::ZERO));
        let sent = script.wait_for(Route::Commit, 2).await;
        let waited = (sent[1].at - sent[0].at).as_millis();
        assert!((least..=most).contains(&waited), "{retry_after}: {waited}");
        assert_eq!(sent[0].body, sent[1].body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_may_pass_keeps_the_spend_and_never_releases() {
    for (status, code) in MAY_PASS {
        let script = Script::new();
        let client = script.client();
        script.always(Route::Commit, reply::refusal(status, code));
        let settlement = client.reserve(reserve()).await.unwrap().commit(tokens(7)).await.unwrap();
        assert_eq!((settlement, script.of(Route::Commit).len()), (Settlement::Pending, 1), "{code}");
        pass(DAY).await;
        script.always(Route::Commit, Reply::Pass);
        assert_eq!(client.flush(Duration::from_secs(1)).await.settled, 1, "{code}");
        let sent = script.of(Route::Commit);
        assert!(sent.iter().all(|other| other.body == sent[0].body));
        assert!(script.of(Route::Release).is_empty() && script.of(Route::Event).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_no_cycles_error_is_never_final() {
    for (status, body) in [(400, "{}"), (401, ""), (403, "<html>"), (404, "not here"), (409, "null"), (422, "{}")] {
        let script = Script::new();
        script.next(Route::Commit, [reply::raw(status, body)]);
        let settlement = guard(&script).await.commit(tokens(7)).await.unwrap();
        assert_eq!(settlement, Settlement::Pending, "{status}");
        assert_eq!(script.wait_for(Route::Commit, 2).await.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_refusal_is_told_and_ends_the_settlement_without_a_release() {
    for (status, code) in FINAL {
        let script = Script::new();
        script.always(Route::Commit, reply::refusal(status, code));
        let log = Log::start();
        let error = guard(&script).await.commit(tokens(7)).await.unwrap_err();
        assert_eq!(error.code().unwrap().as_str(), code);
        log.told(Level::ERROR, &["in no ledger", "rsv_1", "7 tokens"]);
        pass(DAY).await;
        assert_eq!(script.routes(), [Route::Reserve, Route::Commit], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_was_settled_before_is_left_alone_with_a_warning() {
    let script = Script::new();
    script.always(Route::Commit, reply::refusal(409, "RESERVATION_FINALIZED"));
    let log = Log::start();
    let settlement = guard(&script).await.commit(tokens(7)).await.unwrap();
    assert_eq!(settlement, Settlement::AlreadyFinalized);
    log.told(Level::WARN, &["settled before", "rsv_1"]);
    pass(DAY).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
}

#[tokio::test(start_paused = true)]
async fn a_lapsed_reservation_is_settled_by_an_event_with_the_same_key_and_everything_the_commit_had() {
    for lapsed in [
        reply::refusal(410, "RESERVATION_EXPIRED"),
        reply::refusal(409, "RESERVATION_EXPIRED"),
        reply::raw(410, "gone"),
    ] {
        let script = Script::new();
        script.always(Route::Commit, lapsed);
        let event = json!({ "status": "APPLIED", "event_id": "evt_7", "charged": { "unit": "TOKENS", "amount": 5 } });
        script.next(Route::Event, [json(201, &event)]);
        let mut request = reserve();
        request.subject = Scope::agent("bot").dimension("run", "42");
        request.action = request.action.tag("prod");
        let guard = script.client().reserve(request).await.unwrap();
        let metrics = CyclesMetrics { tokens_input: Some(3), ..CyclesMetrics::default() };
        let metadata: Metadata = json!({ "ticket": 7 }).as_object().cloned().unwrap();
        let commit = CommitRequest::builder().actual(tokens(7)).metrics(metrics).metadata(metadata).build();
        let key = commit.idempotency_key.clone();
        let settlement = guard.commit(commit).await.unwrap();
        let Settlement::RecoveredByEvent { event_id, uncovered, .. } = settlement else { panic!("{settlement:?}") };
        assert_eq!((event_id.as_str(), uncovered), ("evt_7", Some(tokens(2))));

        assert_eq!(script.routes(), [Route::Reserve, Route::Commit, Route::Event]);
        let expected = json!({
            "idempotency_key": key.as_str(),
            "subject": { "tenant": "acme", "agent": "bot", "dimensions": { "run": "42" } },
            "action": { "kind": "llm.completion", "name": "gpt-4o", "tags": ["prod"] },
            "actual": { "unit": "TOKENS", "amount": 7 },
            "metrics": { "tokens_input": 3 },
            "metadata": {
                "ticket": 7,
                "recovered_reservation_id": "rsv_1",
                "recovery_reason": "commit_after_reservation_expired",
            },
        });
        assert_eq!(script.of(Route::Event)[0].json(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_final_answer_is_repeated_and_its_commit_is_not() {
    for reply in [
        reply::timeout(),
        reply::refusal(500, "INTERNAL_ERROR"),
        json(200, &json!({ "status": "APPLIED", "event_id": "e" })),
    ] {
        let script = Script::new();
        script.always(Route::Commit, reply::refusal(410, "RESERVATION_EXPIRED"));
        script.next(Route::Event, [reply.clone(), reply.clone(), reply]);
        assert_eq!(guard(&script).await.commit(tokens(7)).await.unwrap(), Settlement::Pending);
        let events = script.wait_for(Route::Event, 4).await;
        pass(DAY).await;
        assert!(events.iter().all(|event| event.body == events[0].body));
        assert_eq!((script.of(Route::Commit).len(), script.of(Route::Event).len()), (1, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_refused_for_good_is_told_and_one_that_may_pass_is_kept() {
    let lapsed = || {
        let script = Script::new();
        script.always(Route::Commit, reply::refusal(410, "RESERVATION_EXPIRED"));
        script
    };
    for (status, code) in FINAL {
        let script = lapsed();
        script.always(Route::Event, reply::refusal(status, code));
        let error = guard(&script).await.commit(tokens(7)).await.unwrap_err();
        assert_eq!(error.code().unwrap().as_str(), code);
        pass(DAY).await;
        assert_eq!(script.of(Route::Event).len(), 1);
    }
    for (status, code) in MAY_PASS.into_iter().chain([(410, "RESERVATION_EXPIRED"), (429, "LIMIT_EXCEEDED")]) {
        let script = lapsed();
        script.next(Route::Event, [reply::refusal(status, code)]);
        assert_eq!(guard(&script).await.commit(tokens(7)).await.unwrap(), Settlement::Pending, "{code}");
        script.wait_for(Route::Event, 2).await;
        pass(DAY).await;
        assert_eq!(script.routes(), [Route::Reserve, Route::Commit, Route::Event, Route::Event]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_amount_in_another_unit_is_told_and_the_estimate_is_committed_in_its_place() {
    let script = Script::new();
    let request = CommitRequest::new(usd!(0.01));
    let key = request.idempotency_key.clone();
    let error = guard(&script).await.commit(request).await.unwrap_err();
    let Error::Validation(error) = error else { panic!("{error}") };
    assert_eq!(
        error.to_string(),
        "invalid actual.unit: found USD_MICROCENTS, expected TOKENS, the unit of the reservation"
    );
    let expected = json!({
        "idempotency_key": key.as_str(),
        "actual": { "unit": "TOKENS", "amount": 10 },
        "metadata": { "actual_source": "estimate" },
    });
    assert_eq!(script.of(Route::Commit)[0].json(), expected);
}

#[tokio::test(start_paused = true)]
async fn measurements_out_of_range_are_told_and_the_amount_is_committed_without_them() {
    let script = Script::new();
    let metrics = CyclesMetrics { tokens_input: Some(u64::MAX), ..CyclesMetrics::default() };
    let commit = CommitRequest::builder().actual(tokens(7)).metrics(metrics).build();
    let error = guard(&script).await.commit(commit).await.unwrap_err();
    assert!(matches!(&error, Error::Validation(error) if error.field() == "metrics.tokens_input"), "{error}");
    let sent = script.of(Route::Commit)[0].json();
    assert_eq!((&sent["actual"]["amount"], sent.get("metrics"), sent.get("metadata")), (&json!(7), None, None));
}

#[tokio::test(start_paused = true)]
async fn a_guard_commits_what_is_known_of_its_action() {
    let script = Script::new();
    let reported = guard(&script).await;
    reported.set_metrics(CyclesMetrics { latency_ms: Some(12), ..CyclesMetrics::default() });
    let usage = ModelUsage::new("gpt-4o").response_model("m".repeat(200)).tokens(3, 4);
    reported.record_model_usage(&usage);
    reported.set_actual(tokens(7)).unwrap();
    reported.commit_known().await.unwrap();
    let silent = guard(&script).await;
    silent.record_model_usage(&usage);
    silent.commit_known().await.unwrap();

    let [reported, silent] = &*script.of(Route::Commit) else { panic!("{:?}", script.routes()) };
    let (reported, silent) = (reported.json(), silent.json());
    // A name that is too long is cut, and keeps nothing else out.
    let mut metrics = json!({ "tokens_input": 3, "tokens_output": 4, "model_version": "m".repeat(128) });
    assert_eq!(silent["metrics"], metrics);
    metrics["latency_ms"] = json!(12);
    assert_eq!((&reported["actual"]["amount"], &reported["metrics"]), (&json!(7), &metrics));
    assert_eq!(reported.get("metadata"), None);
    assert_eq!((&silent["actual"]["amount"], &silent["metadata"]["actual_source"]), (&json!(10), &json!("estimate")));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_commit_at_any_moment_leaves_it_to_the_background() {
    // Before it was polled, in its first attempt, and in its repetition.
    for (attempts, replies) in [(0, vec![]), (1, vec![Reply::Silence]), (2, vec![reply::timeout(), Reply::Silence])] {
        let script = Script::new();
        for reply in replies {
            script.next(Route::Commit, [reply]);
        }
        let guard = guard(&script).await;
        let commit = CommitRequest::new(tokens(7));
        let key = commit.idempotency_key.clone();
        let committing = guard.commit(commit);
        if attempts > 0 {
            tokio::select! {
                settlement = committing => panic!("{settlement:?}"),
                _ = script.wait_for(Route::Commit, attempts) => {}
            }
        } else {
            drop(committing);
        }
        script.wait_for(Route::Commit, attempts + 1).await;
        pass(DAY).await;
        let sent = script.of(Route::Commit);
        assert_eq!(sent.len(), attempts + 1);
        assert!(sent.iter().all(|one| one.key() == key.as_str() && one.body == sent[0].body), "{sent:?}");
        assert!(script.of(Route::Release).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_settlement_in_progress_needs_no_heartbeat() {
    let script = Script::new();
    script.always(Route::Commit, reply::refusal(401, "UNAUTHORIZED"));
    guard(&script).await.commit(tokens(7)).await.unwrap();
    pass(DAY).await;
    assert!(script.of(Route::Extend).is_empty());
}
