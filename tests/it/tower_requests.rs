//! Requests of a service that a layer governs.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use runcycles::tower::{Ask, BudgetLayer, Cost, by_status};
use runcycles::{Context, Error, Scope, UnknownSpend, WithCyclesConfig, context, denial, tokens, usd};
use runcycles_authority::Authority;
use serde_json::json;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::clock::settle;
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;

fn ask(request: &Request<String>) -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", request.uri().path())
}

fn request(path: &str) -> Request<String> {
    Request::builder().uri(path).body("a question".to_owned()).unwrap()
}

/// A service that answers with what it was asked, and how often it was called.
fn echo() -> (
    impl Service<Request<String>, Response = Response<String>, Error = BoxError, Future: Send> + Clone,
    Arc<AtomicUsize>,
) {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let service = service_fn(move |request: Request<String>| {
        count.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, BoxError>(Response::new(request.into_body())) }
    });
    (service, calls)
}

#[tokio::test]
async fn a_request_is_settled_with_what_its_response_cost() {
    let authority = Authority::builder().budget("tenant:acme", usd!(1)).start().await.unwrap();
    let layer = BudgetLayer::new(|request: &Request<String>| {
        WithCyclesConfig::new(usd!(0.02)).action("llm.completion", request.uri().path()).subject(Scope::agent("bot"))
    })
    .actual(|response: &Response<String>| usd!(0.001).checked_mul(response.body().len() as u64).ok())
    .client(authority.client("acme"));
    let (echo, _) = echo();
    let answer = ServiceBuilder::new().layer(layer).service(echo).oneshot(request("/chat")).await.unwrap();
    assert_eq!(answer.body(), "a question");
    let ledger = authority.ledger("tenant:acme").unwrap();
    assert_eq!((ledger.spent.value(), ledger.reserved.value()), (usd!(0.01).value(), 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_is_reserved_before_the_inner_service_is_called() {
    let script = Script::new();
    let asked = script.clone();
    let service = service_fn(move |_: Request<String>| {
        assert_eq!(asked.routes(), [Route::Reserve]);
        async { Ok::<_, BoxError>(()) }
    });
    let layer = BudgetLayer::new(ask).client(script.client());
    ServiceBuilder::new().layer(layer).service(service).oneshot(request("/chat")).await.unwrap();
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
    assert_eq!(script.sent()[0].json()["action"], json!({ "kind": "llm.completion", "name": "/chat" }));
    assert_eq!(script.sent()[1].json()["metadata"]["actual_source"], "estimate");
}

#[tokio::test]
async fn a_denied_request_never_reaches_the_inner_service() {
    let authority = Authority::builder().budget("tenant:acme", tokens(9)).start().await.unwrap();
    let (echo, calls) = echo();
    let layer = BudgetLayer::new(ask).client(authority.client("acme"));
    let error = ServiceBuilder::new().layer(layer).service(echo).oneshot(request("/chat")).await.unwrap_err();
    assert!(denial(&*error).is_some_and(Error::is_budget_exceeded), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_service_that_cannot_fail_answers_a_denial_with_a_response() {
    let authority = Authority::builder().budget("tenant:acme", tokens(9)).start().await.unwrap();
    let service = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
    let layer = BudgetLayer::new(ask).client(authority.client("acme")).refused_as(|error: Error| {
        let mut response = Response::new(error.to_string());
        *response.status_mut() = StatusCode::PAYMENT_REQUIRED;
        response
    });
    let answer = ServiceBuilder::new().layer(layer).service(service).oneshot(request("/chat")).await.unwrap();
    assert_eq!(answer.status(), 402);
    assert!(answer.body().contains("tenant:acme has 9 tokens left and 10 tokens was asked for"), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_services_own_can_stand_for_a_denial() {
    #[derive(Debug, PartialEq)]
    struct Denied(bool);
    let script = Script::new();
    script.always(Route::Reserve, reply::refusal(409, "BUDGET_FROZEN"));
    let service = service_fn(async |_: Request<String>| Ok::<(), _>(()));
    let layer = BudgetLayer::new(ask).client(script.client()).refused_with(|error: Error| Denied(error.is_blocked()));
    let refused = ServiceBuilder::new().layer(layer).service(service).oneshot(request("/chat")).await;
    assert_eq!(refused, Err(Denied(true)));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_asks_for_nothing_passes_outside_of_any_guarded_call() {
    let script = Script::new();
    let service = service_fn(async |_: Request<String>| Ok::<_, BoxError>(context().is_none()));
    let layer = BudgetLayer::new(|_: &Request<String>| Ask::nothing()).client(script.client());
    let is_outside = ServiceBuilder::new().layer(layer).service(service).oneshot(request("/health")).await.unwrap();
    assert!(is_outside);
    assert_eq!(script.routes(), []);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_closure_refuses_is_not_asked_about() {
    let script = Script::new();
    let (echo, calls) = echo();
    let layer = BudgetLayer::new(|request: &Request<String>| {
        let agent = request.uri().path().trim_start_matches('/');
        Scope::agent(agent).validate().map(|()| ask(request).subject(Scope::agent(agent)))
    })
    .client(script.client());
    let error = ServiceBuilder::new().layer(layer).service(echo).oneshot(request("/jane@acme")).await.unwrap_err();
    assert!(error.to_string().contains("subject.agent"), "{error}");
    assert_eq!((script.routes().len(), calls.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_inner_service_returns_the_hold_and_keeps_its_type() {
    let script = Script::new();
    let service = service_fn(async |_: Request<String>| Err::<(), _>(std::io::Error::other("the model is away")));
    let layer = BudgetLayer::new(ask).client(script.client()).refused_with(std::io::Error::other);
    let error = ServiceBuilder::new().layer(layer).service(service).oneshot(request("/chat")).await.unwrap_err();
    assert_eq!(error.to_string(), "the model is away");
    assert_eq!(script.of(Route::Release)[0].json()["reason"], "guarded_method_failed");
}

#[tokio::test(start_paused = true)]
async fn a_response_that_failed_returns_the_hold_and_reaches_the_caller() {
    let script = Script::new();
    let service = service_fn(async |_: Request<String>| {
        Ok::<_, BoxError>(Response::builder().status(503).body("overloaded".to_owned()).unwrap())
    });
    let layer = BudgetLayer::new(ask).client(script.client()).actual(by_status::<String>);
    let answer = ServiceBuilder::new().layer(layer).service(service).oneshot(request("/chat")).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_str()), (503, "overloaded"));
    assert_eq!(script.routes(), [Route::Reserve, Route::Release]);
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_response_is_known_to_have_cost_is_committed() {
    let script = Script::new();
    let service = service_fn(async |_: Request<String>| {
        context().unwrap().record_usage(&tokens(4)).unwrap();
        Ok::<_, BoxError>(Response::builder().status(500).body(String::new()).unwrap())
    });
    let layer = BudgetLayer::new(ask).client(script.client()).actual(|_: &Response<String>| Cost::Failed);
    ServiceBuilder::new().layer(layer).service(service).oneshot(request("/chat")).await.unwrap();
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 4);
}

#[tokio::test(start_paused = true)]
async fn the_inner_service_has_the_context_of_its_request_when_it_is_called_and_while_it_runs() {
    let script = Script::new();
    let service = service_fn(|_: Request<String>| {
        let at_call = context().map(|context| context.reservation_id().clone());
        async move {
            tokio::task::yield_now().await;
            let context = context().unwrap();
            context.set_actual(tokens(3)).unwrap();
            Ok::<_, BoxError>(at_call.as_ref() == Some(context.reservation_id()))
        }
    });
    let layer = BudgetLayer::new(ask).client(script.client());
    assert!(ServiceBuilder::new().layer(layer).service(service).oneshot(request("/chat")).await.unwrap());
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 3);
}

#[tokio::test(start_paused = true)]
async fn the_caps_of_the_decision_narrow_the_request() {
    let script = Script::new();
    script.next(
        Route::Reserve,
        [reply::json(
            200,
            &json!({
                "decision": "ALLOW_WITH_CAPS", "reservation_id": "rsv_1", "affected_scopes": ["tenant:acme"],
                "caps": { "max_tokens": 7 }, "expires_at_ms": 4_000_000_000_000_u64
            }),
        )],
    );
    let (echo, _) = echo();
    let layer =
        BudgetLayer::new(ask).client(script.client()).narrow(|request: &mut Request<String>, context: &Context| {
            *request.body_mut() = format!("at most {} tokens", context.clamp_max_tokens(100));
        });
    let answer = ServiceBuilder::new().layer(layer).service(echo).oneshot(request("/chat")).await.unwrap();
    assert_eq!(answer.body(), "at most 7 tokens");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_before_it_is_allowed_is_never_made() {
    let script = Script::new();
    script.next(Route::Reserve, [reply::Reply::Pass.after(Duration::from_secs(2))]);
    let (echo, calls) = echo();
    let layer = BudgetLayer::new(ask).client(script.client());
    let call = ServiceBuilder::new().layer(layer).service(echo).oneshot(request("/chat"));
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    script.wait_for(Route::List, 1).await;
    assert_eq!((script.of(Route::Commit).len(), calls.load(Ordering::Relaxed)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_given_up_settles_by_what_is_known_and_otherwise_by_the_calls_policy() {
    for (policy, recorded, expected) in [
        (UnknownSpend::Release, None, (Route::Release, json!(null))),
        (UnknownSpend::ChargeEstimate, None, (Route::Commit, json!(10))),
        (UnknownSpend::Release, Some(tokens(4)), (Route::Commit, json!(4))),
    ] {
        let script = Script::new();
        let service = service_fn(move |_: Request<String>| {
            if let Some(spent) = &recorded {
                context().unwrap().record_usage(spent).unwrap();
            }
            std::future::pending::<Result<(), BoxError>>()
        });
        let layer = BudgetLayer::new(move |request: &Request<String>| ask(request).unknown_spend(policy));
        let mut service = ServiceBuilder::new().layer(layer.client(script.client())).service(service);
        let call = service.ready().await.unwrap().call(request("/chat"));
        assert!(tokio::time::timeout(Duration::from_secs(5), call).await.is_err());
        settle().await;
        let sent = script.sent().pop().unwrap();
        assert_eq!((sent.route, sent.json()["actual"]["amount"].clone()), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_asks_through_the_client_and_for_the_scope_of_the_place_that_makes_it() {
    let script = Script::new();
    let (echo, _) = echo();
    let service = ServiceBuilder::new().layer(BudgetLayer::new(ask)).service(echo);
    let client = script.client().scoped(Scope::workflow("run-42"));
    client.run(async { service.oneshot(request("/chat")).await }).await.unwrap();
    assert_eq!(script.sent()[0].json()["subject"], json!({ "tenant": "acme", "workflow": "run-42" }));
}

#[tokio::test(start_paused = true)]
async fn each_request_can_ask_through_a_client_of_its_own() {
    let (one, other) = (Script::new(), Script::new());
    let (ones, others) = (one.client(), other.client());
    let layer = BudgetLayer::new(move |request: &Request<String>| {
        Ask::from(ask(request)).through(if request.uri().path() == "/one" { ones.clone() } else { others.clone() })
    });
    let (echo, _) = echo();
    let service = ServiceBuilder::new().layer(layer).service(echo);
    service.clone().oneshot(request("/one")).await.unwrap();
    service.oneshot(request("/other")).await.unwrap();
    assert_eq!((one.routes().len(), other.routes().len()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_cost_is_in_another_unit_settles_its_estimate() {
    let script = Script::new();
    let (echo, _) = echo();
    let layer = BudgetLayer::new(ask).client(script.client()).actual(|_: &Response<String>| usd!(0.01));
    ServiceBuilder::new().layer(layer).service(echo).oneshot(request("/chat")).await.unwrap();
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!(
        (commit["actual"]["amount"].clone(), commit["metadata"]["actual_source"].clone()),
        (json!(10), json!("estimate"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_inner_service_is_the_callers_and_settles() {
    let script = Script::new();
    let service = service_fn(|_: Request<String>| async {
        if context().is_some() {
            std::panic::resume_unwind(Box::new("the service broke"));
        }
        Ok::<_, BoxError>(())
    });
    let layer = BudgetLayer::new(ask).client(script.client());
    let service = ServiceBuilder::new().layer(layer).service(service);
    let panicked = tokio::spawn(service.oneshot(request("/chat"))).await.unwrap_err();
    assert!(panicked.is_panic());
    let released = script.wait_for(Route::Release, 1).await;
    assert_eq!(released[0].json()["reason"], "guarded_method_panicked");
}

#[tokio::test(start_paused = true)]
async fn any_service_is_governed_and_not_only_one_of_http() {
    let script = Script::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let tool = service_fn(move |tool: &'static str| {
        kept.lock().unwrap().push(tool);
        async move { Ok::<_, BoxError>(tool.len()) }
    });
    let layer = BudgetLayer::new(|tool: &&'static str| WithCyclesConfig::new(tokens(10)).action("tool.call", *tool))
        .actual(|length: &usize| tokens(*length as u64))
        .client(script.client());
    ServiceBuilder::new().layer(layer).service(tool).oneshot("search").await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["search"]);
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 6);
}
