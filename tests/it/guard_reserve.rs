//! How a guard comes to be, and what happens where it does not.

use std::time::Duration;

use runcycles::models::{Caps, Decision, ReservationId};
use runcycles::{Error, Reserve, Scope, Settlement, TransportErrorKind, tokens};
use serde_json::{Value, json};

use crate::support::clock::{pass, settle};
use crate::support::operations::{key, reserve};
use crate::support::reply::{self, Reply, json};
use crate::support::script::Script;
use crate::support::sent::Route;

const DAY: Duration = Duration::from_secs(86_400);

fn allowed(id: &str) -> Value {
    json!({ "decision": "ALLOW", "reservation_id": id, "affected_scopes": ["tenant:acme"], "remaining_ttl_ms": 60_000 })
}

/// A row of a list of reservations.
fn row(id: &str, key: Option<&str>) -> Value {
    json!({
        "reservation_id": id, "status": "ACTIVE", "idempotency_key": key, "subject": { "tenant": "acme" },
        "action": { "kind": "a", "name": "b" }, "reserved": { "unit": "TOKENS", "amount": 1 },
        "created_at_ms": 1, "expires_at_ms": 2, "scope_path": "tenant:acme", "affected_scopes": [],
    })
}

/// Answers that leave open whether budget is held.
fn open_outcomes() -> Vec<Reply> {
    vec![
        reply::timeout(),
        Reply::Fail(TransportErrorKind::Interrupted),
        Reply::Fail(TransportErrorKind::BodyTooLarge),
        reply::refusal(500, "INTERNAL_ERROR"),
        reply::raw(502, "<html>bad gateway</html>"),
        json(201, &allowed("rsv_1")),
        json(200, &json!({ "reservation_id": "rsv_1" })),
        reply::raw(200, "{\"decision\":\"ALLOW\""),
        Reply::Silence,
        Reply::Lost,
    ]
}

#[tokio::test(start_paused = true)]
async fn an_open_outcome_is_asked_about_once_with_the_same_bytes() {
    for first in open_outcomes() {
        let script = Script::new();
        script.next(Route::Reserve, [first.clone()]);
        let guard = script.client().reserve(reserve()).await.unwrap();
        let sent = script.of(Route::Reserve);
        assert_eq!(sent.len(), 2, "{first:?}");
        assert_eq!(sent[0].body, sent[1].body);
        assert_eq!(guard.reservation_id().as_str(), "rsv_1");
        guard.commit(tokens(7)).await.unwrap();
        pass(DAY).await;
        assert_eq!(script.routes(), [Route::Reserve, Route::Reserve, Route::Commit], "{first:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_two_open_outcomes_the_caller_is_told_and_the_hold_is_looked_for() {
    for reply in open_outcomes() {
        let script = Script::new();
        script.always(Route::Reserve, reply.clone());
        let error = script.client().reserve(reserve()).await.unwrap_err();
        assert!(error.is_retryable() && !error.is_denied(), "{error}");
        pass(DAY).await;
        assert_eq!(script.routes()[..2], [Route::Reserve; 2], "{reply:?}");
        let cleared = &script.sent()[2..];
        assert_eq!(cleared.len(), 1, "{cleared:?}");
        // A body that names a reservation tells what to release; otherwise its key finds it.
        match error {
            Error::Ambiguous { reservation_id: Some(_), .. } => {
                assert_eq!((cleared[0].route, cleared[0].reservation()), (Route::Release, "rsv_1"));
            }
            _ => assert_eq!(cleared[0].target(), "/v1/reservations?idempotency_key=k-1&status=ACTIVE"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_either_broken_answer_named_is_released() {
    let named = || json(200, &json!({ "reservation_id": "rsv_7" }));
    for [first, second] in [
        [named(), named()],
        [named(), reply::timeout()],
        [named(), reply::refusal(503, "INTERNAL_ERROR")],
        [named(), reply::refusal(401, "UNAUTHORIZED")],
        [named(), Reply::Fail(TransportErrorKind::Connect)],
        [reply::timeout(), named()],
    ] {
        let script = Script::new();
        script.next(Route::Reserve, [first, second]);
        script.client().reserve(reserve()).await.unwrap_err();
        let released = script.wait_for(Route::Release, 1).await;
        assert_eq!(released[0].reservation(), "rsv_7");
        pass(DAY).await;
        assert_eq!(script.routes(), [Route::Reserve, Route::Reserve, Route::Release]);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_looked_for_where_no_connection_was_made() {
    let script = Script::new();
    script.always(Route::Reserve, Reply::Fail(TransportErrorKind::Connect));
    script.client().reserve(reserve()).await.unwrap_err();
    pass(DAY).await;
    assert_eq!(script.routes(), [Route::Reserve; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_not_asked_about_again() {
    for (status, code) in [
        (400, "INVALID_REQUEST"),
        (401, "UNAUTHORIZED"),
        (403, "FORBIDDEN"),
        (404, "NOT_FOUND"),
        (409, "BUDGET_EXCEEDED"),
        (409, "IDEMPOTENCY_MISMATCH"),
        (409, "CODE_OF_THE_FUTURE"),
        (410, "RESERVATION_EXPIRED"),
        (429, "LIMIT_EXCEEDED"),
    ] {
        let script = Script::new();
        script.always(Route::Reserve, reply::refusal(status, code));
        let error = script.client().reserve(reserve()).await.unwrap_err();
        assert_eq!(error.status(), Some(status));
        pass(DAY).await;
        assert_eq!(script.routes(), [Route::Reserve], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_comes_without_an_allowance_is_given_back() {
    for decision in ["DENY", "ALLOW_LATER"] {
        let script = Script::new();
        let body = json!({ "decision": decision, "reservation_id": "rsv_7", "affected_scopes": [] });
        script.next(Route::Reserve, [json(200, &body)]);
        let error = script.client().reserve(reserve()).await.unwrap_err();
        assert_eq!(error.is_denied(), decision == "DENY");
        let released = script.wait_for(Route::Release, 1).await;
        assert_eq!(
            (released[0].reservation(), &released[0].json()["reason"]),
            ("rsv_7", &json!("decision_not_usable"))
        );
        pass(DAY).await;
        assert_eq!(script.routes(), [Route::Reserve, Route::Release]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_whose_answer_was_lost_is_found_by_its_key_and_released() {
    let script = Script::new();
    script.always(Route::Reserve, reply::timeout());
    script.next(Route::List, [json(200, &json!({ "reservations": [row("rsv_7", Some("k-1"))] }))]);
    script.client().reserve(reserve()).await.unwrap_err();
    let released = script.wait_for(Route::Release, 1).await;
    assert_eq!(released[0].reservation(), "rsv_7");
    assert_eq!(released[0].json()["reason"], "reservation_without_owner");
    pass(DAY).await;
    assert_eq!(script.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_never_releases_the_reservation_of_somebody_else() {
    // A server may ignore the filter, or keep no keys.
    for rows in [json!([row("rsv_9", Some("k-9"))]), json!([row("rsv_9", None)])] {
        let script = Script::new();
        script.always(Route::Reserve, reply::timeout());
        script.next(Route::List, [json(200, &json!({ "reservations": rows }))]);
        script.client().reserve(reserve()).await.unwrap_err();
        script.wait_for(Route::List, 1).await;
        pass(DAY).await;
        assert!(script.of(Route::Release).is_empty(), "{rows}");
    }
    let script = Script::new();
    script.always(Route::Reserve, reply::timeout());
    let rows = json!([row("rsv_9", Some("k-9")), row("rsv_7", Some("k-1"))]);
    script.next(Route::List, [json(200, &json!({ "reservations": rows }))]);
    script.client().reserve(reserve()).await.unwrap_err();
    assert_eq!(script.wait_for(Route::Release, 1).await[0].reservation(), "rsv_7");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_fails_is_repeated() {
    let script = Script::new();
    script.always(Route::Reserve, reply::timeout());
    script.next(
        Route::List,
        [
            reply::refusal(500, "INTERNAL_ERROR"),
            reply::timeout(),
            json(200, &json!({ "reservations": [row("rsv_7", Some("k-1"))] })),
        ],
    );
    script.next(Route::Release, [reply::timeout()]);
    script.client().reserve(reserve()).await.unwrap_err();
    let released = script.wait_for(Route::Release, 2).await;
    assert_eq!(released[0].body, released[1].body);
    assert_eq!(script.of(Route::List).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_reservation_on_its_way_has_its_hold_released() {
    let script = Script::new();
    script.next(Route::Reserve, [Reply::Silence]);
    script.next(Route::List, [json(200, &json!({ "reservations": [row("rsv_7", Some("k-1"))] }))]);
    let client = script.client();
    tokio::select! {
        _ = client.reserve(reserve()) => panic!("nobody answers"),
        _ = script.wait_for(Route::Reserve, 1) => {}
    }
    assert_eq!(script.wait_for(Route::Release, 1).await[0].reservation(), "rsv_7");
    pass(DAY).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::List, Route::Release]);
}

#[tokio::test(start_paused = true)]
async fn a_reservation_that_was_never_polled_sends_nothing() {
    let script = Script::new();
    drop(script.client().reserve(reserve()));
    settle().await;
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_guard_tells_what_was_granted() {
    let script = Script::new();
    let mut body = allowed("rsv_7");
    body["decision"] = json!("ALLOW_WITH_CAPS");
    body["caps"] = json!({ "max_tokens": 500, "tool_allowlist": ["web.search"] });
    body["balances"] = json!([{ "scope": "s", "scope_path": "p", "remaining": { "unit": "TOKENS", "amount": 3 } }]);
    body["expires_at_ms"] = json!(1_763_775_060_000_u64);
    body["cycles_evidence"] = json!({ "evidence_id": "e", "cycles_evidence_url": "u" });
    script.next(Route::Reserve, [json(200, &body)]);
    let request = Reserve::new("llm.completion", "gpt-4o").estimate(tokens(10)).subject(Scope::agent("bot"));
    let guard = script.client().reserve(request).await.unwrap();
    assert_eq!((guard.decision(), guard.is_capped()), (&Decision::AllowWithCaps, true));
    assert_eq!(guard.caps().map(|caps: &Caps| caps.clamp_max_tokens(800)), Some(500));
    assert_eq!(guard.subject(), &Scope::tenant("acme").agent("bot"));
    assert_eq!((guard.action().kind.as_str(), guard.reserved()), ("llm.completion", &tokens(10)));
    assert_eq!(guard.affected_scopes(), ["tenant:acme"]);
    assert_eq!((guard.balances().len(), guard.expires_at_ms()), (1, Some(1_763_775_060_000)));
    assert_eq!(guard.evidence().unwrap().evidence_id, "e");
    assert_eq!(guard.lease_left(), Duration::from_secs(60));
    assert!(!guard.is_observed());
}

#[tokio::test(start_paused = true)]
async fn a_guard_can_be_extended_by_hand() {
    let script = Script::new();
    let guard = script.client().reserve(reserve()).await.unwrap();
    let extended = guard.extend(Duration::from_secs(300)).await.unwrap();
    assert_eq!(extended.remaining_ttl_ms, Some(300_000));
    let sent = script.of(Route::Extend);
    assert_eq!((sent[0].reservation(), &sent[0].json()["extend_by_ms"]), ("rsv_1", &json!(300_000)));
}

#[tokio::test(start_paused = true)]
async fn where_the_authority_only_observes_nothing_is_kept_alive_or_settled() {
    let observing = || {
        let script = Script::new();
        script.always(Route::Reserve, json(200, &json!({ "decision": "ALLOW", "affected_scopes": ["tenant:acme"] })));
        script
    };
    let script = observing();
    let guard = script.client().reserve(reserve()).await.unwrap();
    assert!(guard.is_observed());
    assert_eq!(guard.reservation_id(), &ReservationId::new(format!("observed-{}", key())).unwrap());
    pass(DAY).await;
    assert_eq!(guard.commit(tokens(7)).await.unwrap(), Settlement::Observed);

    let guard = script.client().reserve(reserve()).await.unwrap();
    assert_eq!(guard.release("not needed").await.unwrap(), Settlement::Observed);
    drop(script.client().reserve(reserve()).await.unwrap());
    pass(DAY).await;
    assert_eq!(script.routes(), [Route::Reserve; 3]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_may_have_arrived_is_looked_for_whatever_the_next_one_is_answered() {
    for second in [
        reply::throttled("1"),
        reply::refusal(401, "UNAUTHORIZED"),
        reply::refusal(400, "INVALID_REQUEST"),
        reply::refusal(409, "BUDGET_EXCEEDED"),
        json(200, &json!({ "decision": "DENY", "affected_scopes": [] })),
        Reply::Fail(TransportErrorKind::Connect),
    ] {
        let script = Script::new();
        script.next(Route::Reserve, [Reply::Lost, second.clone()]);
        script.next(Route::List, [json(200, &json!({ "reservations": [row("rsv_1", Some("k-1"))] }))]);
        script.client().reserve(reserve()).await.unwrap_err();
        pass(DAY).await;
        assert_eq!(script.routes()[2..], [Route::List, Route::Release], "{second:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_whose_answer_was_lost_belongs_to_whoever_asks_again_with_its_key() {
    let listed = || json(200, &json!({ "reservations": [row("rsv_1", Some("k-1"))] }));
    for first in [Reply::Lost, json(200, &json!({ "reservation_id": "rsv_1" }))] {
        let script = Script::new();
        script.next(Route::Reserve, [first.clone(), first]);
        script.always(Route::List, listed());
        let client = script.client();
        client.reserve(reserve()).await.unwrap_err();
        pass(Duration::from_secs(1)).await;
        let guard = client.reserve(reserve()).await.unwrap();
        pass(DAY / 24).await;
        assert!(script.of(Route::List).is_empty() && script.of(Route::Release).is_empty(), "it has an owner");
        guard.commit(tokens(7)).await.unwrap();
        assert_eq!(script.of(Route::Commit).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_not_taken_from_a_sibling_with_the_same_key() {
    let script = Script::new();
    let client = script.client();
    script.always(Route::List, json(200, &json!({ "reservations": [row("rsv_1", Some("k-1"))] })));
    // Its commit is on its way for an hour, and its sibling gives up meanwhile.
    script.next(Route::Commit, [reply::throttled("3600")]);
    let owner = client.reserve(reserve()).await.unwrap();
    script.next(Route::Reserve, [Reply::Lost, Reply::Lost]);
    client.reserve(reserve()).await.unwrap_err();
    assert_eq!(owner.commit(tokens(7)).await.unwrap(), Settlement::Pending);
    pass(DAY / 48).await;
    assert!(script.of(Route::Release).is_empty(), "known spend is never released");
    assert_eq!(script.wait_for(Route::Commit, 2).await[1].reservation(), "rsv_1");
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_hold_was_given_back_is_refused_before_anything_is_sent() {
    let script = Script::new();
    let client = script.client();
    script.next(Route::Reserve, [Reply::Lost, Reply::Lost]);
    script.always(Route::List, json(200, &json!({ "reservations": [row("rsv_1", Some("k-1"))] })));
    client.reserve(reserve()).await.unwrap_err();
    script.wait_for(Route::Release, 1).await;
    let sent = script.sent().len();
    let error = client.reserve(reserve()).await.unwrap_err();
    assert!(matches!(&error, Error::Validation(problem) if problem.to_string().contains("another key")), "{error}");
    assert_eq!(script.sent().len(), sent);
}
