//! What the client puts on the wire.

use std::time::{Duration, UNIX_EPOCH};

use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use runcycles::models::{
    BalanceParams, Include, ListReservationsParams, ReservationId, ReservationStatus, SortDirection, SortKey, Timestamp,
};
use runcycles::{CyclesClient, JournalConfig, Scope};
use serde_json::json;

use crate::support::operations::{self, call, key};
use crate::support::reply::{self, json};
use crate::support::script::{API_KEY, Script};
use crate::support::sent::Route;

#[tokio::test]
async fn each_operation_has_its_method_and_path() {
    for (route, method, target) in [
        (Route::Decide, "POST", "/v1/decide"),
        (Route::Reserve, "POST", "/v1/reservations"),
        (Route::List, "GET", "/v1/reservations"),
        (Route::Get, "GET", "/v1/reservations/rsv_1"),
        (Route::Commit, "POST", "/v1/reservations/rsv_1/commit"),
        (Route::Release, "POST", "/v1/reservations/rsv_1/release"),
        (Route::Extend, "POST", "/v1/reservations/rsv_1/extend"),
        (Route::Balances, "GET", "/v1/balances?tenant=acme"),
        (Route::Event, "POST", "/v1/events"),
        (Route::ActionKinds, "GET", "/v1/action-kinds"),
        (Route::ActionKind, "GET", "/v1/action-kinds/llm.completion"),
    ] {
        let script = Script::new();
        let _ = call(&script.client(), route).await;
        let sent = script.only();
        assert_eq!((sent.method.as_str(), sent.target()), (method, target));
        assert_eq!(sent.uri.authority().unwrap(), "authority.test");
        assert_eq!(sent.body.is_empty(), method == "GET");
    }
}

#[tokio::test]
async fn each_request_carries_the_key_as_a_sensitive_header_and_says_who_asks() {
    for route in operations::ALL {
        let script = Script::new();
        let _ = call(&script.client(), route).await;
        let sent = script.only();
        let header = |name: &str| sent.headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(header("x-cycles-api-key"), [API_KEY]);
        assert!(header("x-cycles-api-key")[0].is_sensitive());
        assert_eq!(header(USER_AGENT.as_str()), ["runcycles-rust/0.1.0"]);
        assert_eq!(header(ACCEPT.as_str()), ["application/json"]);
        let content_type: &[&str] = if sent.method == "POST" { &["application/json"] } else { &[] };
        assert_eq!(header(CONTENT_TYPE.as_str()), content_type);
    }
}

#[tokio::test]
async fn ids_travel_as_one_path_segment_whatever_they_hold() {
    for (id, encoded) in [
        ("res/1", "res%2F1"),
        ("res:1", "res%3A1"),
        ("a b?c#d", "a%20b%3Fc%23d"),
        ("%2e%2e", "%252e%252e"),
        ("../admin", "..%2Fadmin"),
        ("ré", "r%C3%A9"),
        ("\r\nHost: x", "%0D%0AHost%3A%20x"),
        ("A-Z_a.z~0", "A-Z_a.z~0"),
    ] {
        let script = Script::new();
        let id = ReservationId::new(id).unwrap();
        let _ = script.client().get_reservation(&id).await;
        assert_eq!(script.only().target(), format!("/v1/reservations/{encoded}"));
    }
}

#[tokio::test]
async fn every_filter_of_reservations_reaches_the_query() {
    let script = Script::new();
    let at = Timestamp::from_epoch_ms;
    let params = ListReservationsParams::new()
        .status(ReservationStatus::Active)
        .idempotency_key(&runcycles::models::IdempotencyKey::new("k&1=ü").unwrap())
        .within(
            Scope::toolset("t").agent("a").workflow("f").app("p").workspace("w").tenant("acme").dimension("run", "1"),
        )
        .created_from(at(0))
        .created_to(UNIX_EPOCH + Duration::from_millis(1))
        .expires_from(at(2))
        .expires_to(at(3))
        .finalized_from(at(4))
        .finalized_to(at(5))
        .sort(SortKey::ExpiresAt, SortDirection::Ascending)
        .include([Include::Metadata, Include::CommittedMetadata, Include::Evidence])
        .limit(200)
        .cursor("b3Bh+cXVl/==");
    script.client().list_reservations(&params).await.unwrap();
    let sent = script.only();
    let query: Vec<_> = sent.uri.query().unwrap().split('&').collect();
    assert_eq!(
        query,
        [
            "status=ACTIVE",
            "idempotency_key=k%261%3D%C3%BC",
            "tenant=acme",
            "workspace=w",
            "app=p",
            "workflow=f",
            "agent=a",
            "toolset=t",
            "from=1970-01-01T00%3A00%3A00.000Z",
            "to=1970-01-01T00%3A00%3A00.001Z",
            "expires_from=1970-01-01T00%3A00%3A00.002Z",
            "expires_to=1970-01-01T00%3A00%3A00.003Z",
            "finalized_from=1970-01-01T00%3A00%3A00.004Z",
            "finalized_to=1970-01-01T00%3A00%3A00.005Z",
            "sort_by=expires_at_ms",
            "sort_dir=asc",
            "include=metadata%2Ccommitted_metadata%2Cevidence",
            "limit=200",
            "cursor=b3Bh%2BcXVl%2F%3D%3D",
        ]
    );
}

#[tokio::test]
async fn every_filter_of_balances_reaches_the_query() {
    let script = Script::new();
    let params =
        BalanceParams::within(Scope::workspace("w").agent("a")).include_children(true).limit(1).cursor("next page");
    script.client().get_balances(&params).await.unwrap();
    assert_eq!(
        script.only().target(),
        "/v1/balances?workspace=w&agent=a&include_children=true&limit=1&cursor=next%20page"
    );
}

#[tokio::test]
async fn a_path_in_the_base_url_is_kept_and_slashes_at_its_end_are_not() {
    for (base, target) in [
        ("http://authority.test", "/v1/reservations"),
        ("http://authority.test/", "/v1/reservations"),
        ("http://authority.test:7878/cycles/eu///", "/cycles/eu/v1/reservations"),
        ("https://[::1]:7878/", "/v1/reservations"),
    ] {
        let script = Script::new();
        let client = CyclesClient::builder(API_KEY, base)
            .journal(JournalConfig::disabled())
            .tenant("acme")
            .transport(script.clone())
            .build();
        client.create_reservation(&operations::reserve()).await.unwrap();
        assert_eq!(script.only().target(), target, "{base}");
    }
}

#[tokio::test]
async fn an_operation_sends_nothing_until_it_is_awaited_and_repeats_nothing() {
    let script = Script::new();
    let client = script.client();
    drop(client.decide(&operations::decide()));
    assert!(script.sent().is_empty());

    script.always(Route::Decide, reply::refusal(503, "INTERNAL_ERROR"));
    client.decide(&operations::decide()).await.unwrap_err();
    assert_eq!(script.only().key(), key().as_str());
}

#[tokio::test]
async fn what_headers_say_comes_with_every_answer_on_request() {
    let script = Script::new();
    let client = script.client();
    let headers = |reply: reply::Reply| {
        reply
            .header("x-request-id", "req_7")
            .header("x-cycles-trace-id", "4bf92f3577b34da6a3ce929d0e0e4736")
            .header("x-cycles-tenant", "acme")
            .header("x-ratelimit-remaining", "41")
            .header("x-ratelimit-reset", "1763775060")
            .header("x-own", "mine")
    };
    script.next(
        Route::Decide,
        [headers(json(200, &json!({ "decision": "ALLOW" }))), json(200, &json!({ "decision": "DENY" }))],
    );
    let answer = client.decide(&operations::decide()).with_metadata().await.unwrap();
    let metadata = answer.metadata;
    assert_eq!(metadata.request_id(), Some("req_7"));
    assert_eq!(metadata.trace_id(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
    assert_eq!(metadata.tenant(), Some("acme"));
    assert_eq!((metadata.rate_limit_remaining(), metadata.rate_limit_reset()), (Some(41), Some(1_763_775_060)));
    assert_eq!(metadata.header("x-own"), Some("mine"));

    let bare = client.decide(&operations::decide()).with_metadata().await.unwrap().metadata;
    assert_eq!((bare.request_id(), bare.tenant(), bare.rate_limit_remaining()), (None, None, None));

    script.next(Route::Event, [headers(json(201, &json!({ "status": "APPLIED", "event_id": "e" })))]);
    let event = client.create_event(&operations::event()).with_metadata().await.unwrap();
    assert_eq!(event.metadata.request_id(), Some("req_7"));
}
