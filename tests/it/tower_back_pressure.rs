//! A governed service among other layers: readiness, queues, limits and retries.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use runcycles::tower::BudgetLayer;
use runcycles::{Error, WithCyclesConfig, denial, tokens};
use serde_json::Value;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::clock::{pass, settle};
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::{Route, Sent};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a layer shows a request by reference")]
fn ask(_: &u32) -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o")
}

/// A service that is ready once it has been asked, and must be asked before each call. A clone is not ready.
#[derive(Default)]
struct Careful {
    is_ready: bool,
}

impl Clone for Careful {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<u32> for Careful {
    type Response = u32;
    type Error = BoxError;
    type Future = Ready<Result<u32, BoxError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called before it was ready");
        ready(Ok(request))
    }
}

#[tokio::test(start_paused = true)]
async fn the_instance_that_was_ready_is_the_one_that_is_called() {
    let script = Script::new();
    let mut service =
        ServiceBuilder::new().layer(BudgetLayer::new(ask).client(script.client())).service(Careful::default());
    for request in 0..3 {
        assert_eq!(service.ready().await.unwrap().call(request).await.unwrap(), request);
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_busy_keeps_its_callers_waiting_before_anything_is_reserved() {
    let script = Script::new();
    let inner = service_fn(async |request: u32| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, BoxError>(request)
    });
    let layer = BudgetLayer::new(ask).client(script.client());
    let service = ServiceBuilder::new().layer(layer).concurrency_limit(2).service(inner);
    let calls: Vec<_> = (0..6).map(|request| tokio::spawn(service.clone().oneshot(request))).collect();
    settle().await;
    assert_eq!(script.of(Route::Reserve).len(), 2, "no more holds than calls that can run");
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(script.of(Route::Commit).len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_permit_is_given_back_when_its_request_is_denied_or_given_up() {
    let script = Script::new();
    script.next(Route::Reserve, [reply::refusal(409, "BUDGET_EXCEEDED"), Reply::Silence]);
    let layer = BudgetLayer::new(ask).client(script.client());
    let inner = service_fn(|request: u32| ready(Ok::<_, BoxError>(request)));
    let mut service = ServiceBuilder::new().layer(layer).concurrency_limit(1).service(inner);
    assert!(service.ready().await.unwrap().call(0).await.is_err());
    let given_up = service.ready().await.unwrap().call(1);
    assert!(tokio::time::timeout(Duration::from_millis(100), given_up).await.is_err());
    assert_eq!(service.ready().await.unwrap().call(2).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_buffer_around_it_hands_on_requests_while_others_are_reserved() {
    let script = Script::new();
    script.next(Route::Reserve, [Reply::Pass.after(Duration::from_millis(500))]);
    let layer = BudgetLayer::new(ask).client(script.client());
    let inner = service_fn(|request: u32| ready(Ok::<_, BoxError>(request)));
    let service = ServiceBuilder::new().buffer(8).layer(layer).service(inner);
    let slow = tokio::spawn(service.clone().oneshot(1));
    settle().await;
    assert_eq!(service.clone().oneshot(2).await.unwrap(), 2);
    assert!(!slow.is_finished(), "the authority has not answered it yet");
    assert_eq!(slow.await.unwrap().unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_buffer_inside_of_it_is_governed_as_any_service() {
    let script = Script::new();
    let layer = BudgetLayer::new(ask).client(script.client());
    let inner = service_fn(|request: u32| ready(Ok::<_, BoxError>(request)));
    let service = ServiceBuilder::new().layer(layer).buffer(1).service(inner);
    let calls: Vec<_> = (0..20).map(|request| tokio::spawn(service.clone().oneshot(request))).collect();
    for (request, call) in (0..).zip(calls) {
        assert_eq!(call.await.unwrap().unwrap(), request);
    }
    assert_eq!(script.of(Route::Commit).len(), 20);
}

/// Repeats what failed, up to three attempts, and never what was denied.
#[derive(Clone)]
struct ThreeTimes(u32);

impl tower::retry::Policy<u32, u32, BoxError> for ThreeTimes {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut u32, result: &mut Result<u32, BoxError>) -> Option<Ready<()>> {
        let error = result.as_ref().err()?;
        self.0 += 1;
        (self.0 < 3 && denial(&**error).is_none()).then(|| ready(()))
    }

    fn clone_request(&mut self, request: &u32) -> Option<u32> {
        Some(*request)
    }
}

#[tokio::test(start_paused = true)]
async fn below_a_retry_each_attempt_is_reserved_and_settled_by_itself() {
    let script = Script::new();
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let inner = service_fn(move |request: u32| {
        let attempt = counted.fetch_add(1, Ordering::Relaxed);
        ready(if attempt < 2 { Err("the provider is overloaded".into()) } else { Ok(request) })
    });
    let layer = BudgetLayer::new(ask).client(script.client()).actual(|_: &u32| tokens(7));
    let service = ServiceBuilder::new().retry(ThreeTimes(0)).layer(layer).service(inner);
    assert_eq!(service.oneshot(5_u32).await.map_err(|error: BoxError| error.to_string()), Ok(5));
    let routes = script.routes();
    assert_eq!(routes, [Route::Reserve, Route::Release, Route::Reserve, Route::Release, Route::Reserve, Route::Commit]);
    let keys: std::collections::BTreeSet<_> = script.of(Route::Reserve).iter().map(Sent::key).collect();
    assert_eq!(keys.len(), 3, "each attempt has a reservation of its own");
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], Value::from(7));
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_not_repeated_by_a_retry_that_looks_for_it() {
    let script = Script::new();
    script.always(Route::Reserve, reply::refusal(409, "BUDGET_EXCEEDED"));
    let inner = service_fn(|request: u32| ready(Ok::<_, BoxError>(request)));
    let layer = BudgetLayer::new(ask).client(script.client());
    let service = ServiceBuilder::new().retry(ThreeTimes(0)).layer(layer).service(inner);
    let error: BoxError = service.oneshot(5_u32).await.unwrap_err();
    assert!(denial(&*error).is_some_and(Error::is_budget_exceeded));
    assert_eq!(script.routes(), [Route::Reserve]);
}

#[tokio::test(start_paused = true)]
async fn the_reservation_of_a_long_request_is_kept_alive() {
    let script = Script::new();
    let inner = service_fn(async |request: u32| {
        pass(Duration::from_secs(50)).await;
        Ok::<_, BoxError>(request)
    });
    let layer = BudgetLayer::new(|_: &u32| ask(&0).ttl(Duration::from_secs(20))).client(script.client());
    ServiceBuilder::new().layer(layer).service(inner).oneshot(1).await.unwrap();
    assert!(script.of(Route::Extend).len() >= 2, "{:?}", script.routes());
    assert_eq!(script.of(Route::Commit).len(), 1);
}
