//! Answers that are no success are typed errors, whatever they are.

use std::error::Error as _;
use std::time::Duration;

use runcycles::models::Decision;
use runcycles::{Error, TransportErrorKind};
use serde_json::json;
use tokio::time::Instant;

use crate::support::operations::{self, call, decide, reserve};
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;

/// A body that would be valid for the operation, by the status it belongs to.
fn valid_body(route: Route) -> (u16, serde_json::Value) {
    let tokens = json!({ "unit": "TOKENS", "amount": 7 });
    match route {
        Route::Decide => (200, json!({ "decision": "ALLOW" })),
        Route::Reserve => (200, json!({ "decision": "ALLOW", "reservation_id": "rsv_1", "affected_scopes": [] })),
        Route::List => (200, json!({ "reservations": [] })),
        Route::Get => (
            200,
            json!({
                "reservation_id": "rsv_1", "status": "ACTIVE", "subject": { "tenant": "acme" },
                "action": { "kind": "a", "name": "b" }, "reserved": tokens, "created_at_ms": 1, "expires_at_ms": 2,
                "scope_path": "tenant:acme", "affected_scopes": ["tenant:acme"],
            }),
        ),
        Route::Commit => (200, json!({ "status": "COMMITTED", "charged": tokens })),
        Route::Release => (200, json!({ "status": "RELEASED", "released": tokens })),
        Route::Extend => (200, json!({ "status": "ACTIVE", "expires_at_ms": 1 })),
        Route::Balances => (200, json!({ "balances": [] })),
        Route::ActionKinds => (200, json!({ "version": "1.0.0", "kinds": [] })),
        Route::ActionKind => (200, json!({ "kind": "llm.completion", "risk_class": "side_effect" })),
        Route::Event => (201, json!({ "status": "APPLIED", "event_id": "evt_1" })),
        Route::Evidence | Route::KeySet => panic!("{route:?} is no operation"),
    }
}

async fn answer(route: Route, reply: Reply) -> Result<(), Error> {
    let script = Script::new();
    script.next(route, [reply]);
    call(&script.client(), route).await
}

#[tokio::test]
async fn only_the_exact_status_of_an_operation_is_its_success() {
    for route in operations::ALL {
        let (success, body) = valid_body(route);
        answer(route, reply::json(success, &body)).await.unwrap();
        for status in [200, 201, 202, 204, 206, 301, 302, 307] {
            if status == success {
                continue;
            }
            let error = answer(route, reply::json(status, &body)).await.unwrap_err();
            assert!(matches!(error, Error::Ambiguous { .. }) && error.is_retryable(), "{route:?} {status}: {error}");
            assert!(error.to_string().contains(&format!("HTTP {status}")), "{error}");
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_ambiguous_whatever_it_is() {
    let deep = "[".repeat(100_000);
    for route in operations::ALL {
        let (success, mut body) = valid_body(route);
        let valid = body.to_string();
        for bytes in [
            &b""[..],
            b"<!doctype html><title>Welcome</title>",
            &valid.as_bytes()[..valid.len() - 1],
            b"\xff\xfe{}",
            b"null",
            b"[]",
            b"{}",
            deep.as_bytes(),
            &[valid.as_bytes(), b" trailing"].concat(),
        ] {
            if route == Route::Decide && bytes == b"[]" {
                continue;
            }
            let error = answer(route, reply::raw(success, bytes.to_vec())).await.unwrap_err();
            assert!(matches!(error, Error::Ambiguous { .. }), "{route:?}: {error}");
        }
        if body.get("status").is_some() && route != Route::Get {
            body["status"] = json!("SOMETHING_ELSE");
            let error = answer(route, reply::json(success, &body)).await.unwrap_err();
            assert!(error.to_string().contains("the status is SOMETHING_ELSE, not "), "{error}");
        }
    }
}

#[tokio::test]
async fn a_refusal_that_is_no_cycles_error_keeps_its_status_and_headers() {
    for route in operations::ALL {
        for (status, body) in [
            (400, "{}"),
            (401, ""),
            (403, "<html>forbidden</html>"),
            (404, "not here"),
            (409, r#"{"error":"BUDGET_EXCEEDED","message":"no id"}"#),
            (502, "<html>bad gateway</html>"),
            (503, "null"),
        ] {
            let reply = reply::raw(status, body).header("x-request-id", "req_proxy").header("retry-after", "3");
            let error = answer(route, reply).await.unwrap_err();
            assert!(matches!(error, Error::Api { code: None, .. }), "{route:?} {status}: {error}");
            assert_eq!((error.status(), error.request_id()), (Some(status), Some("req_proxy")));
            assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
            assert_eq!((error.is_retryable(), error.is_auth()), (status >= 500, matches!(status, 401 | 403)));
            assert!(!error.is_denied());
        }
    }
}

#[tokio::test]
async fn an_attempt_without_an_answer_says_how_it_failed() {
    for (kind, text) in [
        (TransportErrorKind::Timeout, "no complete answer in time"),
        (TransportErrorKind::Connect, "no connection to the authority"),
        (TransportErrorKind::Interrupted, "the connection failed before a complete answer"),
        (TransportErrorKind::BodyTooLarge, "the answer is larger than the transport reads"),
        (TransportErrorKind::Setup, "the transport could not be set up"),
    ] {
        let error = answer(Route::Commit, Reply::Fail(kind)).await.unwrap_err();
        let Error::Transport(cause) = &error else { panic!("{error}") };
        assert_eq!(cause.kind(), kind);
        assert!(error.is_retryable());
        assert_eq!(
            (error.to_string().as_str(), error.source().unwrap().to_string().as_str()),
            ("no answer from the authority", text)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_when_connecting_and_reading_have_had_their_time() {
    for route in operations::ALL {
        let script = Script::new();
        let builder = script.builder().connect_timeout(Duration::from_secs(1)).read_timeout(Duration::from_secs(3));
        script.next(route, [Reply::Silence]);
        let started = Instant::now();
        let error = call(&builder.build(), route).await.unwrap_err();
        assert!(matches!(&error, Error::Transport(cause) if cause.is_timeout()), "{error}");
        assert_eq!(started.elapsed().as_secs(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_within_the_time_counts_and_endless_timeouts_work() {
    let script = Script::new();
    script.always(Route::Decide, Reply::Pass.after(Duration::from_secs(6)));
    script.client().decide(&decide()).await.unwrap();
    let patient = script.builder().connect_timeout(Duration::MAX).read_timeout(Duration::MAX).build();
    patient.decide(&decide()).await.unwrap();
    script.next(Route::Decide, [Reply::Pass.after(Duration::from_millis(7_001))]);
    script.client().decide(&decide()).await.unwrap_err();
}

#[tokio::test]
async fn low_level_operations_hand_decisions_over_as_they_are() {
    for decision in ["ALLOW", "ALLOW_WITH_CAPS", "DENY", "ALLOW_LATER"] {
        let script = Script::new();
        let body = json!({ "decision": decision, "affected_scopes": ["tenant:acme"], "reason_code": "NEW_REASON" });
        script.always(Route::Reserve, reply::json(200, &body));
        script.always(Route::Decide, reply::json(200, &body));
        let reserved = script.client().create_reservation(&reserve()).await.unwrap();
        let decided = script.client().decide(&decide()).await.unwrap();
        assert_eq!((reserved.decision, decided.decision), (Decision::from(decision), Decision::from(decision)));
        assert_eq!(reserved.reason_code.unwrap().as_str(), "NEW_REASON");
    }
}
