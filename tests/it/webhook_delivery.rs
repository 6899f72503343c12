//! An authority tells those who subscribed, and its deliveries are believed by the verifier.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use runcycles::models::{
    Action, ActionQuota, ActionRules, CommitOveragePolicy, CommitRequest, Decision, DecisionRequest, ObserveMode,
    QuotaWindow, ReservationCreateRequest,
};
use runcycles::webhooks::{Event, EventData, EventType, RecentEvents, WebhookVerifier, handle_once};
use runcycles::{BoxFuture, Scope, Transport, TransportError, tokens};
use runcycles_authority::{Authority, AuthorityBuilder, Funding, ManualClock, Policy};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::support::clock::within_a_day;

const SECRET: &str = "whsec_test";
const URL: &str = "https://hooks.example.com/cycles";

/// An endpoint that records deliveries and answers by a script, and with 204 beyond it.
#[derive(Clone, Default)]
struct Endpoint(Arc<Inner>);

#[derive(Default)]
struct Inner {
    arrived: Mutex<Vec<Arrival>>,
    statuses: Mutex<VecDeque<u16>>,
    changed: Notify,
}

#[derive(Clone)]
struct Arrival {
    at: Instant,
    uri: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Arrival {
    fn event(&self) -> Event {
        self.event_by(&WebhookVerifier::new(SECRET))
    }

    #[track_caller]
    fn event_by(&self, verifier: &WebhookVerifier) -> Event {
        verifier.verify(&self.headers, &self.body).unwrap()
    }
}

impl Endpoint {
    fn answers(statuses: impl IntoIterator<Item = u16>) -> Self {
        let endpoint = Self::default();
        endpoint.0.statuses.lock().unwrap().extend(statuses);
        endpoint
    }

    fn arrived(&self) -> Vec<Arrival> {
        self.0.arrived.lock().unwrap().clone()
    }

    /// Waits until so many deliveries have arrived.
    async fn wait_for(&self, count: usize) -> Vec<Arrival> {
        let arrived = within_a_day(async {
            loop {
                let changed = self.0.changed.notified();
                if self.arrived().len() >= count {
                    return self.arrived();
                }
                changed.await;
            }
        });
        arrived.await.unwrap_or_else(|| panic!("not {count} deliveries but {}", self.arrived().len()))
    }
}

impl Transport for Endpoint {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let (head, body) = request.into_parts();
        let arrival = Arrival { at: Instant::now(), uri: head.uri.to_string(), headers: head.headers, body };
        self.0.arrived.lock().unwrap().push(arrival);
        self.0.changed.notify_waiters();
        let status = self.0.statuses.lock().unwrap().pop_front().unwrap_or(204);
        Box::pin(async move { Ok(Response::builder().status(status).body(Bytes::new()).unwrap()) })
    }
}

fn telling(endpoint: &Endpoint) -> AuthorityBuilder {
    Authority::builder().budget("tenant:acme", tokens(100)).admin_key("admin").webhook_transport(endpoint.clone())
}

fn reserve(estimate: u64) -> ReservationCreateRequest {
    let action = Action::new("llm.completion", "gpt-4o");
    ReservationCreateRequest::builder().action(action).estimate(tokens(estimate)).subject(Scope::tenant("acme")).build()
}

/// A request of the admin plane, with the admin key.
async fn ask(authority: &Authority, method: &str, path: &str, body: Value) -> (u16, Value) {
    ask_as(authority, ("x-admin-api-key", "admin"), method, path, body).await
}

async fn ask_as(
    authority: &Authority,
    (header, key): (&str, &str),
    method: &str,
    path: &str,
    body: Value,
) -> (u16, Value) {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(format!("http://authority{path}"));
    let request = request.header(header, key).header("content-type", "application/json").body(body).unwrap();
    let answer = authority.transport().call(request).await.unwrap();
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

/// Subscribes, and returns the subscription's id.
async fn subscribe(authority: &Authority, with: Value) -> String {
    let mut body = json!({ "url": URL, "event_types": ["budget.funded"], "signing_secret": SECRET });
    body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    let (status, answer) = ask(authority, "POST", "/v1/admin/webhooks", body).await;
    assert_eq!(status, 201, "{answer}");
    answer["subscription"]["subscription_id"].as_str().unwrap().to_owned()
}

fn credit(authority: &Authority) {
    authority.fund("tenant:acme", Funding::Credit(tokens(1))).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_happens_to_a_budget_is_told_signed_and_in_order() {
    let endpoint = Endpoint::default();
    let builder =
        telling(&endpoint).webhook(URL, SECRET, ["budget", "reservation.commit_overage", "reservation.denied"]);
    let authority = builder.start().await.unwrap();
    let client = authority.client("acme");
    let mut request = reserve(60);
    request.overage_policy = Some(CommitOveragePolicy::AllowIfAvailable);
    let id = client.create_reservation(&request).await.unwrap().reservation_id.unwrap();
    client.commit_reservation(&id, &CommitRequest::new(tokens(200))).await.unwrap();
    let question =
        DecisionRequest::builder().action(Action::new("a", "b")).estimate(tokens(5)).subject(Scope::tenant("acme"));
    client.decide(&question.build()).await.unwrap();
    authority.freeze("tenant:acme").unwrap();

    let arrived = endpoint.wait_for(5).await;
    let types: Vec<_> = arrived.iter().map(|arrival| arrival.event().event_type).collect();
    assert_eq!(
        types,
        [
            EventType::ReservationCommitOverage,
            EventType::BudgetExhausted,
            EventType::BudgetOverLimitEntered,
            EventType::ReservationDenied,
            EventType::BudgetFrozen,
        ]
    );
    let EventData::CommitOverage(overage) = arrived[0].event().typed_data() else { panic!("{types:?}") };
    assert_eq!((overage.estimated_amount, overage.actual_amount, overage.overage), (Some(60), Some(200), Some(140)));
    assert_eq!(overage.reservation_id.as_deref(), Some(id.as_str()));
    let EventData::BudgetThreshold(budget) = arrived[1].event().typed_data() else { panic!("{types:?}") };
    assert_eq!((budget.scope.as_deref(), budget.remaining, budget.spent), (Some("tenant:acme"), Some(0), Some(100)));
}

#[tokio::test(start_paused = true)]
async fn a_delivery_carries_what_leads_back_to_its_request() {
    let endpoint = Endpoint::default();
    let authority = telling(&endpoint).webhook(URL, SECRET, ["reservation"]).start().await.unwrap();
    let mut dry = reserve(1_000);
    dry.dry_run = Some(true);
    let answer = authority.client("acme").create_reservation(&dry).with_metadata().await.unwrap();

    let arrival = endpoint.wait_for(1).await.remove(0);
    let (event, header) = (arrival.event(), |name: &str| arrival.headers[name].to_str().unwrap().to_owned());
    assert_eq!(arrival.uri, URL);
    assert_eq!(
        (header("x-cycles-event-id"), header("content-type")),
        (event.event_id.to_string(), "application/json".to_owned())
    );
    assert_eq!(event.request_id.as_deref(), answer.metadata.request_id());
    assert_eq!(event.trace_id.as_deref(), answer.metadata.trace_id());
    assert_eq!(Some(&*header("x-cycles-trace-id")), answer.metadata.trace_id());
    let parent = format!("00-{}-", answer.metadata.trace_id().unwrap());
    assert!(header("traceparent").starts_with(&parent) && header("traceparent").len() == 55);
}

#[tokio::test(start_paused = true)]
async fn a_failed_delivery_is_tried_again_and_later_events_do_not_wait_for_it() {
    let endpoint = Endpoint::answers([500, 204, 301, 400]);
    let authority = telling(&endpoint).start().await.unwrap();
    let id = subscribe(&authority, json!({})).await;
    credit(&authority);
    let first = endpoint.wait_for(1).await[0].event().event_id;
    credit(&authority);
    let arrived = endpoint.wait_for(5).await;
    let retries: Vec<_> = arrived.iter().filter(|arrival| arrival.event().event_id == first).collect();
    assert_ne!(arrived[1].event().event_id, first, "the second event is not held up");
    let waits: Vec<_> = retries.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert_eq!(waits, [1, 2, 4].map(Duration::from_secs));
    assert!(retries.iter().all(|retry| retry.body == retries[0].body), "an event is one byte sequence");

    let (_, answer) = ask(&authority, "GET", &format!("/v1/admin/webhooks/{id}/deliveries"), Value::Null).await;
    let row = answer["deliveries"].as_array().unwrap().iter().find(|row| row["event_id"] == first.as_str()).unwrap();
    assert_eq!(
        (&row["status"], &row["attempts"], &row["response_status"]),
        (&json!("SUCCESS"), &json!(4), &json!(204))
    );
}

#[tokio::test(start_paused = true)]
async fn a_subscription_whose_deliveries_fail_is_disabled_and_can_be_resumed() {
    let endpoint = Endpoint::answers([503; 4]);
    let authority = telling(&endpoint).start().await.unwrap();
    let retries = json!({ "retry_policy": { "max_retries": 1, "initial_delay_ms": 100 }, "disable_after_failures": 2 });
    let id = subscribe(&authority, retries).await;
    let path = format!("/v1/admin/webhooks/{id}");
    credit(&authority);
    credit(&authority);
    endpoint.wait_for(4).await;
    crate::support::clock::settle().await;
    let (_, row) = ask(&authority, "GET", &path, Value::Null).await;
    assert_eq!((&row["status"], &row["consecutive_failures"]), (&json!("DISABLED"), &json!(2)), "{row}");
    credit(&authority);
    crate::support::clock::pass(Duration::from_secs(3_600)).await;
    assert_eq!(endpoint.arrived().len(), 4, "nothing is queued for it");
    let (_, told) = ask(&authority, "GET", "/v1/admin/events?event_type=webhook.disabled", Value::Null).await;
    assert_eq!(told["events"][0]["data"]["disable_reason"], "consecutive_failures_exceeded_threshold");
    let (_, told) = ask(&authority, "GET", "/v1/admin/events?category=system", Value::Null).await;
    assert_eq!(told["events"].as_array().unwrap().len(), 2, "each delivery that was given up is told");

    let (status, row) = ask(&authority, "PATCH", &path, json!({ "status": "ACTIVE" })).await;
    assert_eq!((status, &row["status"]), (200, &json!("ACTIVE")));
    credit(&authority);
    endpoint.wait_for(5).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_rotated_while_deliveries_go_on() {
    let endpoint = Endpoint::default();
    let authority = telling(&endpoint).start().await.unwrap();
    let id = subscribe(&authority, json!({ "signing_secret": "old" })).await;
    let verifier = WebhookVerifier::new("new").also("old");
    credit(&authority);
    endpoint.wait_for(1).await[0].event_by(&verifier);
    let rotated =
        ask(&authority, "PATCH", &format!("/v1/admin/webhooks/{id}"), json!({ "signing_secret": "new" })).await;
    assert_eq!(rotated.0, 200);
    credit(&authority);
    let arrival = endpoint.wait_for(2).await.remove(1);
    arrival.event_by(&verifier);
    assert!(WebhookVerifier::new("old").verify(&arrival.headers, &arrival.body).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_replayed_is_delivered_again_and_handled_once() {
    let endpoint = Endpoint::default();
    let authority = telling(&endpoint).start().await.unwrap();
    let id = subscribe(&authority, json!({})).await;
    for _ in 0..3 {
        credit(&authority);
    }
    endpoint.wait_for(3).await;
    let path = format!("/v1/admin/webhooks/{id}/replay");
    let window = json!({ "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z" });
    let mut small = window.clone();
    small["max_events"] = json!(2);
    let (status, refused) = ask(&authority, "POST", &path, small).await;
    assert_eq!((status, &refused["error"]), (400, &json!("INVALID_REQUEST")), "all of the window or nothing");
    let (status, answer) = ask(&authority, "POST", &path, window).await;
    assert_eq!((status, &answer["events_queued"]), (202, &json!(3)));

    let (recent, mut handled) = (RecentEvents::new(100), Vec::new());
    for arrival in endpoint.wait_for(6).await {
        let event = arrival.event();
        if handle_once(&recent, &event, || async { Ok::<_, TransportError>(()) }).await.unwrap().is_some() {
            handled.push(event.event_id);
        }
    }
    assert_eq!(handled.len(), 3);
}

#[tokio::test]
async fn tenants_see_and_ask_for_what_is_theirs() {
    let endpoint = Endpoint::default();
    let authority = telling(&endpoint).start().await.unwrap();
    let (_, created) = ask(&authority, "POST", "/v1/admin/api-keys",
        json!({ "tenant_id": "acme", "name": "hooks", "permissions": ["webhooks:read", "webhooks:write", "events:read"] })).await;
    let key = ("x-cycles-api-key", created["key_secret"].as_str().unwrap());
    let body = |types: &[&str]| json!({ "url": URL, "event_types": types });
    let (status, refused) = ask_as(&authority, key, "POST", "/v1/webhooks", body(&["api_key.created"])).await;
    assert_eq!(status, 400, "{refused}");
    let (status, made) = ask_as(&authority, key, "POST", "/v1/webhooks", body(&["budget.funded"])).await;
    assert_eq!(status, 201, "{made}");
    assert!(made["signing_secret"].as_str().unwrap().starts_with("whsec_"), "a secret is made where none is given");
    let own = format!("/v1/webhooks/{}", made["subscription"]["subscription_id"].as_str().unwrap());
    let (_, read) = ask_as(&authority, key, "GET", &own, Value::Null).await;
    assert!(read.get("signing_secret").is_none());
    assert!(!read.to_string().contains("whsec_"), "a secret is shown once");

    let others = format!("/v1/webhooks/{}", subscribe(&authority, json!({})).await);
    for (method, body) in [("GET", Value::Null), ("PATCH", json!({ "name": "mine" })), ("DELETE", Value::Null)] {
        let (status, answer) = ask_as(&authority, key, method, &others, body).await;
        assert_eq!((status, &answer["error"]), (404, &json!("WEBHOOK_NOT_FOUND")), "{method}");
    }
    let (_, list) = ask_as(&authority, key, "GET", "/v1/webhooks", Value::Null).await;
    assert_eq!(list["subscriptions"].as_array().unwrap().len(), 1);
    credit(&authority);
    let (_, events) = ask_as(&authority, key, "GET", "/v1/events", Value::Null).await;
    assert!(events["events"].as_array().unwrap().iter().all(|event| event["tenant_id"] == "acme"), "{events}");
    assert_eq!(ask_as(&authority, key, "DELETE", &own, Value::Null).await.0, 204);
    let plain = authority.api_key("acme");
    let (status, _) = ask_as(&authority, ("x-cycles-api-key", &plain), "GET", "/v1/webhooks", Value::Null).await;
    assert_eq!(status, 403, "a key needs the permission");
}

#[tokio::test]
async fn urls_within_the_authoritys_network_are_refused() {
    let authority = telling(&Endpoint::default()).start().await.unwrap();
    for url in [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://10.0.0.1/",
        "https://192.168.1.1:8443/",
        "https://169.254.169.254/latest",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0.0.0.0/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://169.254.43518/",
        "https://10.0.0.1./",
        "https://user:password@hooks.example.com/",
        "hooks.example.com",
        "",
        "https:///path",
    ] {
        let body = json!({ "url": url, "event_types": ["budget.funded"] });
        let (status, answer) = ask(&authority, "POST", "/v1/admin/webhooks", body).await;
        assert_eq!(status, 400, "{url}: {answer}");
        assert!(Authority::builder().webhook(url, SECRET, ["budget"]).start().await.is_err(), "{url}");
    }
    for url in ["http://127.0.0.1:9000/", "http://localhost:9000/", "https://[::1]/"] {
        subscribe(&authority, json!({ "url": url })).await;
    }
}

#[tokio::test]
async fn subscriptions_outlive_the_process() {
    let (dir, endpoint) = (tempfile::tempdir().unwrap(), Endpoint::default());
    let authority = telling(&endpoint).path(dir.path()).start().await.unwrap();
    let id = subscribe(&authority, json!({ "headers": { "x-team": "hush" } })).await;
    authority.close().await.unwrap();
    drop(authority);

    let authority = telling(&endpoint).path(dir.path()).start().await.unwrap();
    let (status, row) = ask(&authority, "GET", &format!("/v1/admin/webhooks/{id}"), Value::Null).await;
    assert_eq!((status, &row["url"]), (200, &json!(URL)));
    assert!(!row.to_string().contains("hush"), "values of headers are not shown");
    credit(&authority);
    let arrival = endpoint.wait_for(1).await.remove(0);
    assert_eq!(arrival.headers["x-team"], "hush");
    arrival.event();
}

#[tokio::test]
async fn a_reservation_that_lapses_is_told_and_nothing_is_where_nobody_listens() {
    let clock = ManualClock::new();
    let authority = telling(&Endpoint::default()).clock(clock.clone()).start().await.unwrap();
    credit(&authority);
    let (_, none) = ask(&authority, "GET", "/v1/admin/events", Value::Null).await;
    assert_eq!(none["events"], json!([]));
    subscribe(&authority, json!({})).await;
    authority.client("acme").create_reservation(&reserve(10)).await.unwrap();
    clock.advance(Duration::from_secs(3_600));
    credit(&authority);
    let (_, told) = ask(&authority, "GET", "/v1/admin/events?event_type=reservation.expired", Value::Null).await;
    let data = &told["events"][0]["data"];
    assert_eq!((&data["estimated_amount"], &data["scope"]), (&json!(10), &json!("tenant:acme")), "{told}");
    assert_eq!(told["events"][0]["actor"]["type"], "system");
}

#[tokio::test(start_paused = true)]
async fn what_is_observed_and_what_is_counted_is_told_as_such() {
    let endpoint = Endpoint::default();
    let quota = ActionQuota::new("llm.completion", 1, QuotaWindow::PerHour);
    let policy = Policy::new("all", "tenant:acme").actions(ActionRules::new().quota(quota));
    let builder = telling(&endpoint).policy("acme", policy);
    let events = ["reservation.observed_allowed", "reservation.observed_denied", "quota.threshold_approaching"];
    let authority =
        builder.webhook(URL, SECRET, events.into_iter().chain(["reservation.denied"])).start().await.unwrap();
    let client = authority.client("acme");
    for estimate in [5, 1_000] {
        let mut observed = reserve(estimate);
        (observed.observe_mode, observed.dry_run) = (Some(ObserveMode::Observe), Some(true));
        client.create_reservation(&observed).await.unwrap();
    }
    client.create_reservation(&reserve(5)).await.unwrap();

    let told: Vec<_> = endpoint.wait_for(3).await.iter().map(|arrival| arrival.event().typed_data()).collect();
    let [EventData::ObservedAllowed(allowed), EventData::ObservedDenied(denied), EventData::QuotaThreshold(quota)] =
        &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((allowed.estimated_amount, &allowed.decision), (Some(5), &Some(Decision::Allow)));
    assert_eq!(denied.deny_detail.as_ref().unwrap()["reason_code"], "BUDGET_EXCEEDED");
    assert_eq!((quota.used, quota.limit, quota.action_kind.as_deref()), (Some(1), Some(1), Some("llm.completion")));
}

#[tokio::test(start_paused = true)]
async fn only_whoever_has_the_admin_key_is_told_of_as_an_operator() {
    let endpoint = Endpoint::default();
    let authority = telling(&endpoint).webhook(URL, SECRET, ["reservation.denied"]).start().await.unwrap();
    let request = Request::post("http://authority/v1/reservations")
        .header("content-type", "application/json")
        .header("x-cycles-api-key", authority.api_key("acme"))
        .header("x-admin-api-key", "a guess")
        .body(Bytes::from(
            json!({
                "idempotency_key": "k", "dry_run": true, "subject": { "tenant": "acme" },
                "action": { "kind": "a", "name": "b" }, "estimate": { "unit": "TOKENS", "amount": 1_000 },
            })
            .to_string(),
        ))
        .unwrap();
    authority.transport().call(request).await.unwrap();
    let event = endpoint.wait_for(1).await[0].event();
    assert_eq!(event.actor.unwrap().kind.unwrap().as_str(), "api_key");
}
