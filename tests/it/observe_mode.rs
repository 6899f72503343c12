//! Calls that are observed and not held to the answer.

use runcycles::models::{Decision, ObserveMode};
use runcycles::{Error, ObservedDenial, Reserve, Settlement, WithCyclesConfig, tokens};
use serde_json::json;

use crate::support::log::Log;
use crate::support::reply::{Reply, json};
use crate::support::script::Script;
use crate::support::sent::Route;

fn denial() -> Reply {
    json(200, &json!({ "decision": "DENY", "reason_code": "BUDGET_EXCEEDED", "affected_scopes": ["tenant:acme"] }))
}

fn observed() -> runcycles::models::ReservationCreateRequest {
    Reserve::new("llm.completion", "gpt-4o").estimate(tokens(10)).observe_mode(ObserveMode::Observe).build()
}

#[tokio::test]
async fn a_call_that_asks_to_be_observed_asks_for_a_dry_run_too_and_settles_nothing() {
    let script = Script::new();
    script.always(Route::Reserve, json(200, &json!({ "decision": "ALLOW", "affected_scopes": ["tenant:acme"] })));
    let guard = script.client().reserve(observed()).await.unwrap();
    assert!(guard.is_observed());
    let body = script.only().json();
    assert_eq!((&body["observe_mode"], &body["dry_run"]), (&json!("OBSERVE"), &json!(true)));
    assert!(matches!(guard.commit(tokens(3)).await, Ok(Settlement::Observed)));
    assert_eq!(script.routes(), [Route::Reserve]);
}

#[tokio::test]
async fn a_call_that_asks_to_be_observed_runs_although_it_would_be_denied() {
    let log = Log::start();
    let script = Script::new();
    script.always(Route::Reserve, denial());
    let guard = script.client().reserve(observed()).await.unwrap();
    assert_eq!(*guard.decision(), Decision::Deny);
    log.told(tracing::Level::INFO, &["would have been denied", "BUDGET_EXCEEDED", "llm.completion"]);
}

#[tokio::test]
async fn a_hold_that_a_server_makes_for_an_observed_call_is_returned() {
    let script = Script::new();
    let guard = script.client().reserve(observed()).await.unwrap();
    assert!(guard.is_observed(), "what was held is no hold of this call");
    let released = script.wait_for(Route::Release, 1).await;
    assert_eq!(released[0].reservation(), "rsv_1");
    assert_eq!(released[0].json()["reason"], "observed_only");
}

#[tokio::test]
async fn enforcing_is_what_is_sent_where_it_is_asked_for() {
    let script = Script::new();
    let request = Reserve::new("a", "b").estimate(tokens(1)).observe_mode(ObserveMode::Enforce);
    assert!(!script.client().reserve(request).await.unwrap().is_observed());
    let body = script.of(Route::Reserve)[0].json();
    assert_eq!((&body["observe_mode"], body.get("dry_run")), (&json!("ENFORCE"), None));
}

#[tokio::test]
async fn observing_without_a_dry_run_is_refused_before_a_server_could_hold_for_it() {
    let script = Script::new();
    let mut request = observed();
    request.dry_run = None;
    assert!(matches!(script.client().reserve(request).await, Err(Error::Validation(_))));
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn a_denial_of_an_observed_tenant_holds_unless_the_client_lets_it_run() {
    let call = || WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o");
    let script = Script::new();
    script.always(Route::Reserve, denial());
    let denied: Result<(), Error> = script.client().execute(call(), |_| async { Ok(()) }).await;
    assert!(denied.unwrap_err().is_budget_exceeded());

    let lenient = script.builder().observed_denial(ObservedDenial::Run).build();
    let ran: Result<u8, Error> = lenient.execute(call(), |_| async { Ok(7) }).await;
    assert_eq!(ran.unwrap(), 7);
    assert_eq!(script.routes(), [Route::Reserve, Route::Reserve], "nothing is held, so nothing is settled");
}

#[tokio::test]
async fn a_refusal_is_never_taken_for_an_observation() {
    let script = Script::new();
    script.always(Route::Reserve, crate::support::reply::refusal(409, "BUDGET_EXCEEDED"));
    let lenient = script.builder().observed_denial(ObservedDenial::Run).build();
    let request = Reserve::new("a", "b").estimate(tokens(1));
    assert!(lenient.reserve(request).await.unwrap_err().is_budget_exceeded());
}
