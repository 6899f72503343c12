//! What the reference's admin server answers in its own way.

use runcycles::admin::{Admin, NewApiKey, NewTenant};
use runcycles::models::Unit;
use runcycles::{Error, usd};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const BUDGETS: &str = "/v1/admin/budgets";

async fn answer(server: &MockServer, verb: &str, at: &str, status: u16, body: &Value) {
    let reply = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method(verb)).and(path(at)).respond_with(reply).expect(1).mount(server).await;
}

fn admin(server: &MockServer) -> Admin {
    Admin::builder("secret", server.uri()).build()
}

fn ledger(allocated: i64, remaining: i64) -> Value {
    let usd = |amount: i64| json!({ "unit": "USD_MICROCENTS", "amount": amount });
    json!({
        "ledger_id": "6f0c", "tenant_id": "acme", "scope": "tenant:acme", "scope_path": "tenant:acme",
        "unit": "USD_MICROCENTS", "allocated": usd(allocated), "remaining": usd(remaining), "reserved": usd(0),
        "spent": usd(0), "debt": usd(0), "overdraft_limit": usd(0), "is_over_limit": false, "status": "ACTIVE",
        "created_at": "2026-11-22T06:00:00Z", "rollover_policy": "NONE", "something_new": 1,
    })
}

#[tokio::test]
async fn a_request_carries_the_admin_key_and_names_the_tenant_of_the_scope() {
    let server = MockServer::start().await;
    let created = ResponseTemplate::new(201).set_body_json(ledger(500_000_000, 500_000_000));
    Mock::given(method("POST"))
        .and(path(BUDGETS))
        .and(header("x-admin-api-key", "secret"))
        .and(header("content-type", "application/json"))
        .and(body_partial_json(json!({
            "tenant_id": "acme", "scope": "tenant:acme/agent:bot", "unit": "USD_MICROCENTS",
            "allocated": { "unit": "USD_MICROCENTS", "amount": 500_000_000 },
        })))
        .respond_with(created)
        .expect(1)
        .mount(&server)
        .await;
    let created = admin(&server).budget("tenant:acme/agent:bot").create(usd!(5)).await.unwrap();
    assert_eq!(created.extra["something_new"], 1);
    let sent = &server.received_requests().await.unwrap()[0];
    assert!(!sent.headers.contains_key("x-cycles-api-key"));
}

#[tokio::test]
async fn funding_names_scope_unit_and_tenant_and_may_leave_less_than_nothing() {
    let server = MockServer::start().await;
    let usd = |amount: i64| json!({ "unit": "USD_MICROCENTS", "amount": amount });
    let funded = json!({
        "operation": "RESET_SPENT", "previous_allocated": usd(5), "new_allocated": usd(1),
        "previous_remaining": usd(-3), "new_remaining": usd(-9), "timestamp": "2026-11-22T06:00:00Z",
    });
    Mock::given(method("POST"))
        .and(path("/v1/admin/budgets/fund"))
        .and(query_param("scope", "tenant:acme"))
        .and(query_param("unit", "USD_MICROCENTS"))
        .and(query_param("tenant_id", "acme"))
        .and(body_partial_json(json!({
            "operation": "RESET_SPENT", "idempotency_key": "fund/tenant%3Aacme/USD_MICROCENTS/RESET_SPENT/2026-11",
        })))
        .respond_with(ResponseTemplate::new(200).set_body_json(funded))
        .expect(1)
        .mount(&server)
        .await;
    let funded = admin(&server).budget("tenant:acme").start_period(usd!(1), "2026-11").await.unwrap();
    assert_eq!((funded.previous_remaining.value(), funded.new_remaining.value()), (-3, -9));
}

#[tokio::test]
async fn a_duplicate_is_looked_up() {
    let server = MockServer::start().await;
    let duplicate = json!({ "error": "DUPLICATE_RESOURCE", "message": "Budget already exists", "request_id": "r" });
    answer(&server, "POST", BUDGETS, 409, &duplicate).await;
    answer(&server, "GET", "/v1/admin/budgets/lookup", 200, &ledger(7, -2)).await;
    let found = admin(&server).budget("tenant:acme").ensure(usd!(5)).await.unwrap();
    assert_eq!((found.allocated.value(), found.remaining.value()), (7, -2));
}

#[tokio::test]
async fn a_tenant_that_is_there_comes_with_200_and_a_new_one_with_201() {
    for status in [200, 201] {
        let server = MockServer::start().await;
        let body = json!({
            "tenant_id": "acme", "name": "Acme", "status": "ACTIVE", "created_at": "2026-11-22T06:00:00Z",
        });
        answer(&server, "POST", "/v1/admin/tenants", status, &body).await;
        assert_eq!(admin(&server).create_tenant(NewTenant::new("acme", "Acme")).await.unwrap().name, "Acme");
    }
}

#[tokio::test]
async fn an_answer_that_fits_no_tenant_is_not_taken_for_one() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/v1/admin/tenants", 202, &json!({})).await;
    let error = admin(&server).create_tenant(NewTenant::new("acme", "Acme")).await.unwrap_err();
    assert!(matches!(error, Error::Ambiguous { .. }), "{error}");
    assert!(error.to_string().contains("HTTP 202 instead of 200 or 201"), "{error}");
}

#[tokio::test]
async fn a_secret_of_a_key_is_not_in_the_error_for_a_broken_answer() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/v1/admin/api-keys", 201, &json!({ "key_secret": "cyc_live_secret" })).await;
    let error = admin(&server).create_api_key(NewApiKey::new("acme", "bots")).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("cyc_live_secret"), "{error:?}");
}

#[tokio::test]
async fn a_conflict_that_is_no_repetition_is_an_error() {
    let server = MockServer::start().await;
    let conflict = json!({ "error": "INVALID_REQUEST", "message": "Budget is already frozen", "request_id": "r" });
    answer(&server, "POST", "/v1/admin/budgets/freeze", 409, &conflict).await;
    answer(&server, "GET", "/v1/admin/budgets/lookup", 200, &ledger(7, 7)).await;
    let error = admin(&server).budget("tenant:acme").freeze(Unit::UsdMicrocents).await.unwrap_err();
    assert_eq!(error.status(), Some(409));
}
