//! An authority delivers to a router over a socket.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, FromRequest as _, Request, State};
use axum::response::IntoResponse as _;
use axum::routing::post;
use http::StatusCode;
use runcycles::tokens;
use runcycles::webhooks::{Event, EventData, WebhookVerifier, sign};
use runcycles_authority::{Authority, Funding};
use runcycles_with_axum_webhooks::CyclesEvent;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const SECRET: &str = "whsec_test";

#[derive(Clone, FromRef)]
struct App {
    verifier: WebhookVerifier,
    events: mpsc::UnboundedSender<Event>,
}

async fn receive(State(events): State<mpsc::UnboundedSender<Event>>, CyclesEvent(event): CyclesEvent) -> StatusCode {
    events.send(event).map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::NO_CONTENT)
}

#[tokio::test]
async fn an_event_of_the_authority_reaches_the_handler() {
    let (events, mut received) = mpsc::unbounded_channel();
    let app = App { verifier: WebhookVerifier::new("whsec_next").also(SECRET), events };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/cycles", listener.local_addr().unwrap());
    let router = Router::new().route("/cycles", post(receive)).with_state(app);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });

    let authority = Authority::builder().budget("tenant:acme", tokens(5)).webhook(url, SECRET, ["budget"]);
    let authority = authority.start().await.unwrap();
    authority.fund("tenant:acme", Funding::Credit(tokens(7))).unwrap();
    let event = tokio::time::timeout(Duration::from_mins(1), received.recv()).await.unwrap().unwrap();
    let EventData::BudgetLifecycle(budget) = event.typed_data() else { panic!("{event:?}") };
    assert_eq!(budget.new_state.unwrap().allocated, Some(12));
    server.abort();
}

/// The status that a body is answered with.
async fn status(signature: Option<String>, body: Vec<u8>) -> StatusCode {
    let verifier = WebhookVerifier::new(SECRET).max_body_bytes(1_000);
    let mut request = Request::builder().method("POST").uri("/cycles");
    if let Some(signature) = signature {
        request = request.header("x-cycles-signature", signature);
    }
    match CyclesEvent::from_request(request.body(Body::from(body)).unwrap(), &verifier).await {
        Ok(_) => StatusCode::OK,
        Err(rejection) => rejection.into_response().status(),
    }
}

#[tokio::test]
async fn what_is_not_believed_is_refused_with_the_status_that_says_why() {
    let body = br#"{"event_id":"evt_1","event_type":"budget.funded","category":"budget","tenant_id":"acme",
        "timestamp":"2026-11-22T12:00:00Z","source":"cycles-server"}"#;
    let signed = |body: &[u8]| Some(sign(SECRET, body));
    assert_eq!(status(signed(body), body.to_vec()).await, StatusCode::OK);
    assert_eq!(status(None, body.to_vec()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(signed(b"{}"), body.to_vec()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(signed(b"{}"), b"{}".to_vec()).await, StatusCode::BAD_REQUEST);
    let large = vec![b' '; 1_001];
    assert_eq!(status(signed(&large), large).await, StatusCode::PAYLOAD_TOO_LARGE);
}
