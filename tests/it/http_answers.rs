//! Answers of a real HTTP server, through the default transport.

use std::error::Error as _;
use std::time::Duration;

use runcycles::models::{CommitRequest, ErrorCode};
use runcycles::{CyclesClient, Error, JournalConfig, Settlement, TransportErrorKind, tokens};
use serde_json::json;
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::operations::{self, call, decide, reservation, reserve};
use crate::support::script::API_KEY;
use crate::support::sent::Route;

const MIB: usize = 1 << 20;

fn client(server: &MockServer) -> CyclesClient {
    CyclesClient::builder(API_KEY, server.uri()).journal(JournalConfig::disabled()).tenant("acme").build()
}

/// A server that answers everything in one way.
async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

#[tokio::test]
async fn a_reservation_is_made_and_settled() {
    let server = MockServer::start().await;
    let reserved = json!({
        "decision": "ALLOW", "reservation_id": "res/1", "affected_scopes": ["tenant:acme"], "remaining_ttl_ms": 60_000,
    });
    Mock::given(method("POST"))
        .and(path("/v1/reservations"))
        .and(header("x-cycles-api-key", API_KEY))
        .and(header("user-agent", "runcycles-rust/0.1.0"))
        .and(header("content-type", "application/json"))
        .respond_with(ResponseTemplate::new(200).set_body_json(reserved))
        .expect(1)
        .mount(&server)
        .await;
    let committed = json!({ "status": "COMMITTED", "charged": { "unit": "TOKENS", "amount": 7 } });
    Mock::given(method("POST"))
        .and(path("/v1/reservations/res%2F1/commit"))
        .respond_with(ResponseTemplate::new(200).set_body_json(committed))
        .expect(1)
        .mount(&server)
        .await;
    let guard = client(&server).reserve(reserve()).await.unwrap();
    assert!(matches!(guard.commit(tokens(7)).await, Ok(Settlement::Committed { .. })));
}

#[tokio::test]
async fn redirects_are_not_followed_so_that_the_key_stays_at_home() {
    let elsewhere = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&elsewhere).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/v1/decide", elsewhere.uri());
        let server = answering(ResponseTemplate::new(status).insert_header("location", location.as_str())).await;
        for route in operations::ALL {
            let error = call(&client(&server), route).await.unwrap_err();
            assert!(matches!(error, Error::Ambiguous { .. }), "{route:?}: {error}");
            assert!(error.to_string().contains(&format!("HTTP {status}: redirects are not followed")), "{error}");
        }
    }
    elsewhere.verify().await;
}

#[tokio::test]
async fn a_page_for_people_is_ambiguous_as_a_success_and_an_api_error_otherwise() {
    let page = |status| ResponseTemplate::new(status).set_body_raw("<html>Bad gateway</html>", "text/html");
    for route in operations::ALL {
        let success = if route == Route::Event { 201 } else { 200 };
        let error = call(&client(&answering(page(success)).await), route).await.unwrap_err();
        assert!(matches!(error, Error::Ambiguous { .. }), "{route:?}: {error}");
    }
    let error = client(&answering(page(502)).await).decide(&decide()).await.unwrap_err();
    assert!(matches!(error, Error::Api { status: 502, code: None, .. }) && error.is_retryable(), "{error}");
    assert!(error.to_string().contains("is this the address of an authority?"), "{error}");
}

#[tokio::test]
async fn another_success_than_the_operations_own_is_ambiguous() {
    let body = json!({ "decision": "ALLOW", "affected_scopes": [], "reservation_id": "rsv_1" });
    for status in [201, 202, 206] {
        let server = answering(ResponseTemplate::new(status).set_body_json(&body)).await;
        let error = client(&server).create_reservation(&reserve()).await.unwrap_err();
        let Error::Ambiguous { reservation_id, .. } = &error else { panic!("{error}") };
        assert_eq!(reservation_id.as_ref(), Some(&reservation()));
    }
    let empty = answering(ResponseTemplate::new(204)).await;
    let commit = CommitRequest::new(tokens(1));
    let error = client(&empty).commit_reservation(&reservation(), &commit).await.unwrap_err();
    assert!(error.to_string().contains("HTTP 204 instead of 200"), "{error}");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_ambiguous() {
    let body = b"{\"decision\":\"ALLOW\",\"note\":\"\xc3\x28\xff\"}";
    let server = answering(ResponseTemplate::new(200).set_body_bytes(body)).await;
    let error = client(&server).decide(&decide()).await.unwrap_err();
    assert!(matches!(error, Error::Ambiguous { .. }), "{error}");

    let server = answering(ResponseTemplate::new(409).set_body_bytes(body)).await;
    let error = client(&server).decide(&decide()).await.unwrap_err();
    assert!(matches!(error, Error::Api { status: 409, code: None, .. }), "{error}");
}

#[tokio::test]
async fn a_body_is_read_up_to_sixteen_mebibytes_and_no_further() {
    let padded = |bytes: usize| {
        let mut body = br#"{"decision":"ALLOW"}"#.to_vec();
        body.resize(bytes, b' ');
        ResponseTemplate::new(200).set_body_bytes(body)
    };
    client(&answering(padded(16 * MIB)).await).decide(&decide()).await.unwrap();
    let error = client(&answering(padded(16 * MIB + 1)).await).decide(&decide()).await.unwrap_err();
    let Error::Transport(cause) = &error else { panic!("{error}") };
    assert_eq!(cause.kind(), TransportErrorKind::BodyTooLarge);
}

#[tokio::test]
async fn a_throttle_says_when_to_come_back() {
    let body = json!({ "error": "LIMIT_EXCEEDED", "message": "slow down", "request_id": "req_9" });
    let template = ResponseTemplate::new(429).insert_header("Retry-After", "7").set_body_json(body);
    let error = client(&answering(template).await).decide(&decide()).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(429), Some(&ErrorCode::LimitExceeded)));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn headers_of_an_answer_reach_the_caller() {
    let template = ResponseTemplate::new(200)
        .insert_header("X-Request-Id", "req_7")
        .insert_header("X-Cycles-Tenant", "acme")
        .set_body_json(json!({ "decision": "ALLOW" }));
    let answer = client(&answering(template).await).decide(&decide()).with_metadata().await.unwrap();
    assert_eq!((answer.metadata.request_id(), answer.metadata.tenant()), (Some("req_7"), Some("acme")));
}

#[tokio::test]
async fn an_error_of_the_transport_names_its_cause_and_neither_address_nor_key() {
    let server = answering(ResponseTemplate::new(200).set_delay(Duration::from_secs(600))).await;
    let hurried = CyclesClient::builder(API_KEY, server.uri())
        .journal(JournalConfig::disabled())
        .tenant("acme")
        .connect_timeout(Duration::from_millis(50))
        .read_timeout(Duration::from_millis(50))
        .build();
    let error = hurried.decide(&decide()).await.unwrap_err();
    let Error::Transport(cause) = &error else { panic!("{error}") };
    assert!(cause.is_timeout(), "{cause}");
    assert!(cause.source().is_some());
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(API_KEY) && !shown.contains(&server.uri()), "{shown}");
}
