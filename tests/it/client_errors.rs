//! Refusals, in the terms a caller acts on.

use std::time::Duration;

use runcycles::models::{ErrorCode, ReasonCode, SignedAmount, Unit};
use runcycles::{Error, denial, tokens, usd};
use serde_json::{Value, json};

use crate::support::operations::{call, reserve};
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;

/// The variant of an error.
fn variant(error: &Error) -> &'static str {
    match error {
        Error::BudgetExceeded { .. } => "BudgetExceeded",
        Error::Blocked { .. } => "Blocked",
        Error::NoBudget { .. } => "NoBudget",
        Error::UnitMismatch { .. } => "UnitMismatch",
        Error::Api { .. } => "Api",
        Error::Ambiguous { .. } => "Ambiguous",
        _ => "another",
    }
}

async fn refused(route: Route, reply: Reply) -> Error {
    let script = Script::new();
    script.always(route, reply);
    match route {
        // With a guard: where a denial that comes as a decision is an error too.
        Route::Reserve => script.client().reserve(reserve()).await.map(drop).unwrap_err(),
        route => call(&script.client(), route).await.unwrap_err(),
    }
}

async fn denied(body: Value) -> Error {
    refused(Route::Reserve, reply::json(200, &body)).await
}

#[tokio::test]
async fn every_code_has_its_variant_and_predicates() {
    // Code, status, variant, and whether it is a denial, retryable, about the key.
    for (code, status, name, [is_denied, is_retryable, is_auth]) in [
        ("INVALID_REQUEST", 400, "Api", [false, false, false]),
        ("UNAUTHORIZED", 401, "Api", [false, false, true]),
        ("FORBIDDEN", 403, "Api", [false, false, true]),
        ("NOT_FOUND", 404, "NoBudget", [false, false, false]),
        ("BUDGET_EXCEEDED", 409, "BudgetExceeded", [true, false, false]),
        ("OVERDRAFT_LIMIT_EXCEEDED", 409, "BudgetExceeded", [true, false, false]),
        ("DEBT_OUTSTANDING", 409, "BudgetExceeded", [true, false, false]),
        ("BUDGET_FROZEN", 409, "Blocked", [true, false, false]),
        ("BUDGET_CLOSED", 409, "Blocked", [true, false, false]),
        ("TENANT_CLOSED", 409, "Blocked", [true, false, false]),
        ("ACTION_QUOTA_EXCEEDED", 409, "Blocked", [true, false, false]),
        ("ACTION_KIND_DENIED", 409, "Blocked", [true, false, false]),
        ("ACTION_KIND_NOT_ALLOWED", 409, "Blocked", [true, false, false]),
        ("RESERVATION_EXPIRED", 410, "Api", [false, false, false]),
        ("RESERVATION_FINALIZED", 409, "Api", [false, false, false]),
        ("IDEMPOTENCY_MISMATCH", 409, "Api", [false, false, false]),
        ("UNIT_MISMATCH", 400, "UnitMismatch", [false, false, false]),
        ("MAX_EXTENSIONS_EXCEEDED", 409, "Api", [false, false, false]),
        ("LIMIT_EXCEEDED", 429, "Api", [false, true, false]),
        ("INTERNAL_ERROR", 500, "Api", [false, true, false]),
        ("CODE_OF_THE_FUTURE", 409, "Api", [false, false, false]),
    ] {
        for route in [Route::Reserve, Route::Decide, Route::Event] {
            let error = refused(route, reply::refusal(status, code)).await;
            assert_eq!(variant(&error), name, "{route:?} {code}");
            assert_eq!((error.code(), error.status()), (Some(&ErrorCode::from(code)), Some(status)));
            let predicates = [error.is_denied(), error.is_retryable(), error.is_auth()];
            assert_eq!(predicates, [is_denied, is_retryable, is_auth], "{code}");
            assert_eq!(error.is_budget_exceeded(), name == "BudgetExceeded");
            assert_eq!(error.is_blocked(), name == "Blocked");
            assert_eq!(denial(&error).is_some(), is_denied);
            assert_eq!(error.request_id(), Some("req_1"));
            assert!(error.to_string().contains(&format!("refused: {code}")), "{error}");
        }
    }
}

#[tokio::test]
async fn not_found_is_a_missing_reservation_where_the_path_names_one() {
    for route in [Route::Get, Route::Commit, Route::Release, Route::Extend] {
        let error = refused(route, reply::refusal(404, "NOT_FOUND")).await;
        assert!(matches!(&error, Error::Api { status: 404, code: Some(ErrorCode::NotFound), .. }), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_hands_over_all_the_authority_said() {
    let body = json!({
        "error": "BUDGET_EXCEEDED",
        "message": "Insufficient remaining budget",
        "request_id": "req_body",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "details": {
            "scope": "tenant:acme/agent:bot", "unit": "USD_MICROCENTS", "requested": 2_000_000, "remaining": -500_000,
            "reason": "DEBT_OUTSTANDING", "own": [1],
        },
        "cycles_evidence": { "evidence_id": "e", "cycles_evidence_url": "u" },
    });
    let reply = reply::json(409, &body)
        .header("retry-after", "7")
        .header("x-request-id", "req_header")
        .header("x-cycles-trace-id", "header");
    let error = refused(Route::Reserve, reply).await;
    let Error::BudgetExceeded { message, retry_after, refusal, .. } = &error else { panic!("{error}") };
    assert_eq!(*retry_after, Some(Duration::from_secs(7)));
    assert_eq!(refusal.scope(), Some("tenant:acme/agent:bot"));
    assert_eq!(refusal.requested(), Some(usd!(0.02)));
    assert_eq!(refusal.remaining(), Some(SignedAmount::new(Unit::UsdMicrocents, -500_000)));
    assert_eq!(refusal.reason(), Some(&ReasonCode::DebtOutstanding));
    assert!(message.starts_with("tenant:acme/agent:bot has -$0.005 left and $0.02 was asked for; "), "{message}");
    assert_eq!((error.request_id(), error.trace_id()), (Some("req_body"), Some("4bf92f3577b34da6a3ce929d0e0e4736")));
    assert_eq!(error.details().unwrap()["own"], json!([1]));
    assert_eq!(error.evidence().unwrap().evidence_id, "e");
}

#[tokio::test]
async fn a_denials_message_says_what_to_do_as_far_as_the_authority_told() {
    let with = |code: &str, details: Value| {
        reply::json(409, &json!({ "error": code, "message": "no", "request_id": "r", "details": details }))
    };
    for (code, details, text) in [
        ("BUDGET_EXCEEDED", json!({}), "budget exceeded: no; ask for less, take a cheaper action, or fund the budget"),
        (
            "BUDGET_EXCEEDED",
            json!({ "scope": "tenant:acme" }),
            "budget exceeded: tenant:acme: no; ask for less, take a cheaper action, or fund the budget",
        ),
        (
            "BUDGET_EXCEEDED",
            json!({ "scope": "tenant:acme", "unit": "TOKENS", "requested": "ten", "remaining": 5 }),
            "budget exceeded: tenant:acme: no; ask for less, take a cheaper action, or fund the budget",
        ),
        ("OVERDRAFT_LIMIT_EXCEEDED", json!({}), "budget exceeded: no; the budget is over its limit until it is funded"),
        ("DEBT_OUTSTANDING", json!({}), "budget exceeded: no; repay the budget's debt"),
        ("BUDGET_FROZEN", json!({ "scope": "tenant:acme" }), "blocked: tenant:acme: no"),
    ] {
        assert_eq!(refused(Route::Reserve, with(code, details)).await.to_string(), text);
    }
}

#[tokio::test]
async fn a_unit_mismatch_names_the_units_that_have_budgets() {
    let body = json!({
        "error": "UNIT_MISMATCH", "message": "no budget in CREDITS", "request_id": "r",
        "details": { "expected_units": ["USD_MICROCENTS", 7, "GPU_SECONDS"] },
    });
    let error = refused(Route::Reserve, reply::json(400, &body)).await;
    let Error::UnitMismatch { expected, .. } = &error else { panic!("{error}") };
    assert_eq!(*expected, [Unit::UsdMicrocents, Unit::from("GPU_SECONDS")]);
    assert_eq!(error.to_string(), "unit mismatch: no budget in CREDITS");
}

#[tokio::test]
async fn retry_after_counts_in_whole_seconds_only() {
    for (header, seconds) in [
        ("0", Some(0)),
        ("7", Some(7)),
        ("99999999999999999999", Some(u64::MAX)),
        ("-1", None),
        ("1.5", None),
        ("+1", None),
        ("", None),
        ("Sun, 22 Nov 2026 00:00:00 GMT", None),
    ] {
        let error = refused(Route::Reserve, reply::throttled(header)).await;
        assert_eq!(error.retry_after(), seconds.map(Duration::from_secs), "{header}");
    }
}

#[tokio::test]
async fn a_denial_that_comes_as_a_decision_is_the_same_error() {
    for (reason, name) in [
        (Some("BUDGET_EXCEEDED"), "BudgetExceeded"),
        (Some("OVERDRAFT_LIMIT_EXCEEDED"), "BudgetExceeded"),
        (Some("DEBT_OUTSTANDING"), "BudgetExceeded"),
        (Some("BUDGET_FROZEN"), "Blocked"),
        (Some("BUDGET_CLOSED"), "Blocked"),
        (Some("TENANT_CLOSED"), "Blocked"),
        (Some("ACTION_QUOTA_EXCEEDED"), "Blocked"),
        (Some("ACTION_KIND_DENIED"), "Blocked"),
        (Some("ACTION_KIND_NOT_ALLOWED"), "Blocked"),
        (Some("REASON_OF_THE_FUTURE"), "Blocked"),
        (Some("BUDGET_NOT_FOUND"), "NoBudget"),
        (None, "BudgetExceeded"),
    ] {
        let error = denied(json!({
            "decision": "DENY", "reason_code": reason, "affected_scopes": ["tenant:acme"], "retry_after_ms": 1_500,
        }))
        .await;
        assert_eq!(variant(&error), name, "{reason:?}");
        assert_eq!(error.is_denied(), name != "NoBudget");
        assert_eq!((error.status(), error.code()), (Some(200), None));
        assert_eq!(error.affected_scopes(), ["tenant:acme"]);
        assert_eq!(error.retry_after(), Some(Duration::from_millis(1_500)));
        assert_eq!(error.refusal().unwrap().reason(), reason.map(ReasonCode::from).as_ref());
    }
}

#[tokio::test]
async fn an_unknown_decision_is_no_allowance() {
    let error = denied(json!({ "decision": "ALLOW_LATER", "affected_scopes": [] })).await;
    assert_eq!(variant(&error), "Ambiguous");
    assert!(error.to_string().contains("ALLOW_LATER"), "{error}");
}

#[tokio::test]
async fn a_denial_is_found_below_contexts_and_boxes() {
    #[derive(Debug)]
    struct Wrapped(Error);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the agent failed")
        }
    }
    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    async fn error(code: &str) -> Error {
        refused(Route::Reserve, reply::refusal(409, code)).await
    }

    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(error("BUDGET_EXCEEDED").await);
    assert!(denial(&*boxed).is_some_and(Error::is_budget_exceeded));

    let wrapped: Box<dyn std::error::Error> = Box::new(Wrapped(error("BUDGET_FROZEN").await));
    assert!(denial(&*wrapped).is_some_and(Error::is_blocked));

    let context = anyhow::Error::new(Wrapped(error("DEBT_OUTSTANDING").await)).context("step 3").context("run 42");
    assert!(denial(context.as_ref()).is_some_and(Error::is_budget_exceeded));

    // A guarded call inside a guarded call: the outer error is no denial, the inner one is.
    let nested = Error::Action(Box::new(Wrapped(error("BUDGET_EXCEEDED").await)));
    assert!(!nested.is_denied());
    assert!(denial(&nested).is_some_and(Error::is_budget_exceeded));

    let other = anyhow::Error::new(error("IDEMPOTENCY_MISMATCH").await).context("step 3");
    assert!(denial(other.as_ref()).is_none());
    assert!(denial(&std::io::Error::other("no error of ours")).is_none());
}

#[tokio::test]
async fn amounts_in_a_refusal_that_make_no_sense_are_left_out() {
    for details in [
        json!({ "unit": "TOKENS", "requested": -1, "remaining": 1.5 }),
        json!({ "unit": 7, "requested": 1, "remaining": 1 }),
        json!({ "requested": 1, "remaining": 1 }),
        json!({ "unit": "TOKENS", "requested": { "amount": 1 }, "remaining": null }),
    ] {
        let body = json!({ "error": "BUDGET_EXCEEDED", "message": "no", "request_id": "r", "details": details });
        let error = refused(Route::Reserve, reply::json(409, &body)).await;
        let refusal = error.refusal().unwrap();
        let asked = Some(tokens(10));
        assert_eq!((refusal.requested(), refusal.remaining()), (asked, None), "what was asked for is known without");
    }
}
