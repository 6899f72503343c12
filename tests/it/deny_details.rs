//! Denials that say why in detail.

use runcycles::models::{QuotaWindow, ReasonCode, RiskClass};
use runcycles::{Error, Reserve, tokens};
use serde_json::{Value, json};

use crate::support::operations::{decide, reserve};
use crate::support::reply::json;
use crate::support::script::Script;
use crate::support::sent::Route;

fn quota_detail() -> Value {
    json!({
        "reason_code": "ACTION_QUOTA_EXCEEDED",
        "quota_violation": {
            "action_kind": "message.email.send", "window": "per_run", "window_key": "run-7", "used": 5, "limit": 5,
            "scope": "tenant:acme/agent:bot", "policy_id": "pol_1", "risk_class": "external_side_effect",
        },
        "blocked_by_scope": "tenant:acme/agent:bot",
        "blocked_by_policy": "pol_1",
        "suggested_fix": "Raise the quota of message.email.send in policy pol_1",
    })
}

fn refused(code: &str, details: &Value) -> crate::support::reply::Reply {
    json(409, &json!({ "error": code, "message": "no", "request_id": "r", "details": details }))
}

async fn denied(reply: crate::support::reply::Reply) -> Error {
    let script = Script::new();
    script.always(Route::Reserve, reply);
    script.client().reserve(reserve()).await.unwrap_err()
}

#[tokio::test]
async fn a_refusal_tells_the_quota_and_what_an_operator_can_do() {
    let error = denied(refused("ACTION_QUOTA_EXCEEDED", &json!({ "deny_detail": quota_detail() }))).await;
    let detail = error.deny_detail().unwrap();
    assert_eq!(detail.reason_code, ReasonCode::ActionQuotaExceeded);
    assert_eq!(detail.blocked_by_policy.as_deref(), Some("pol_1"));
    let quota = detail.quota_violation.unwrap();
    assert_eq!((quota.used, quota.limit, quota.window), (5, 5, QuotaWindow::PerRun));
    assert_eq!(quota.risk_class, Some(RiskClass::ExternalSideEffect));
    assert_eq!(
        error.to_string(),
        "blocked: tenant:acme/agent:bot: no; Raise the quota of message.email.send in policy pol_1"
    );
}

#[tokio::test]
async fn no_fallback_routes_around_an_operators_list_or_quota_of_actions() {
    for code in ["ACTION_QUOTA_EXCEEDED", "ACTION_KIND_NOT_ALLOWED", "ACTION_KIND_DENIED"] {
        let by_refusal = denied(refused(code, &json!({}))).await;
        let decision = json!({ "decision": "DENY", "affected_scopes": [], "reason_code": code });
        let by_decision = denied(json(200, &decision)).await;
        for error in [by_refusal, by_decision] {
            assert!(error.is_blocked() && !error.allows_fallback() && !error.is_retryable(), "{code}: {error:?}");
        }
    }
}

#[tokio::test]
async fn decisions_and_dry_runs_tell_the_detail_too() {
    let script = Script::new();
    let answer = json!({
        "decision": "DENY", "reason_code": "ACTION_QUOTA_EXCEEDED", "affected_scopes": [], "deny_detail": quota_detail(),
    });
    script.always(Route::Decide, json(200, &answer));
    script.always(Route::Reserve, json(200, &answer));
    let decided = script.client().decide(&decide()).await.unwrap();
    let dry = Reserve::new("a", "b").estimate(tokens(1)).dry_run(true).build();
    let dry = script.client().create_reservation(&dry).await.unwrap();
    assert_eq!(decided.deny_detail(), dry.deny_detail());
    assert_eq!(decided.deny_detail().unwrap().quota_violation.unwrap().window_key.as_deref(), Some("run-7"));
}

#[tokio::test]
async fn a_reason_that_is_told_in_the_detail_alone_is_the_reason() {
    let answer =
        json!({ "decision": "DENY", "affected_scopes": [], "deny_detail": { "reason_code": "BUDGET_EXCEEDED" } });
    assert!(denied(json(200, &answer)).await.is_budget_exceeded());
    let answer = json!({ "decision": "DENY", "affected_scopes": [], "deny_detail": { "reason_code": "NEW_REASON" } });
    assert!(denied(json(200, &answer)).await.is_blocked(), "a reason of a newer server is an operator's");
}

#[tokio::test]
async fn a_detail_that_does_not_fit_the_protocol_leaves_the_denial_as_it_is() {
    for detail in
        [json!(7), json!({}), json!({ "reason_code": "BUDGET_EXCEEDED", "quota_violation": { "used": "many" } })]
    {
        let error = denied(refused("BUDGET_EXCEEDED", &json!({ "deny_detail": detail.clone() }))).await;
        assert!(error.is_budget_exceeded(), "{detail}");
        assert_eq!(error.deny_detail(), None);
        assert_eq!(error.details().unwrap()["deny_detail"], detail, "what arrived is kept");
    }
}
