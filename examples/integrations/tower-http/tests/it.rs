//! Requests of a client made of layers, on loopback.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use runcycles::tower::TripwireLayer;
use runcycles::{CyclesClient, Error, Tripwire, UnguardedCall, WithCyclesConfig, denial, tokens};
use runcycles_authority::Authority;
use runcycles_with_tower_http::{Attempts, ModelAnswer, model_client};
use serde_json::json;
use tower::{BoxError, ServiceBuilder, ServiceExt};

/// A model provider that fails some requests before it answers, and counts them.
struct Provider {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Provider {
    async fn start(failures: usize) -> Self {
        Self::saying(failures, "application/json; charset=utf-8", "hi".to_owned()).await
    }

    /// One whose answers are of a media type.
    async fn saying(failures: usize, media_type: &'static str, text: String) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let answer = move |headers: HeaderMap| {
            let is_failure = count.fetch_add(1, Ordering::Relaxed) < failures;
            let text = text.clone();
            async move {
                assert!(headers["user-agent"].to_str().unwrap().starts_with("runcycles-with-tower-http/"));
                if is_failure {
                    return StatusCode::TOO_MANY_REQUESTS.into_response();
                }
                let answer = json!({ "text": text, "usage": { "total_tokens": 42 } }).to_string();
                let (start, end) = answer.split_at(5);
                let parts = [start, end].map(|part| Ok::<_, Infallible>(part.to_owned()));
                ([(CONTENT_TYPE, media_type)], Body::from_stream(stream::iter(parts))).into_response()
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, Router::new().route("/chat", post(answer))).into_future());
        Self { address, requests }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        Request::post(format!("http://{}/chat", self.address)).body(Full::from("a prompt")).unwrap()
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn ask(_: &Request<Full<Bytes>>) -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(100)).action("llm.completion", "gpt-4o")
}

/// The answer of a client that makes three attempts.
async fn answer(cycles: &CyclesClient, provider: &Provider) -> Result<ModelAnswer, BoxError> {
    let cost = |usage: &serde_json::Value| Some(tokens(usage["total_tokens"].as_u64()?));
    let tripwire = Tripwire::refusing().host("127.0.0.1");
    let client = model_client(Attempts::new(3, Duration::ZERO), ask, cost, tripwire);
    cycles.run(client.oneshot(provider.request())).await
}

async fn authority(budget: u64) -> Authority {
    Authority::builder().budget("tenant:acme", tokens(budget)).start().await.unwrap()
}

/// What has been spent and is held, once everything is settled.
async fn settled(authority: &Authority, client: &CyclesClient) -> (u64, u64) {
    assert_eq!(client.flush(Duration::from_secs(5)).await.remaining, 0);
    let ledger = authority.ledger("tenant:acme").unwrap();
    (ledger.spent.value(), ledger.reserved.value())
}

#[tokio::test]
async fn each_attempt_is_reserved_and_the_answer_costs_what_it_says_it_used() {
    let (authority, provider) = (authority(100).await, Provider::start(2).await);
    let cycles = authority.client("acme");
    let answer = answer(&cycles, &provider).await.unwrap().into_body().collect().await.unwrap();
    assert!(answer.to_bytes().starts_with(b"{\"text\":\"hi\""));
    assert_eq!(provider.requests(), 3, "two holds were returned, or the third attempt had no room");
    assert_eq!(settled(&authority, &cycles).await, (42, 0));
}

#[tokio::test]
async fn a_denied_request_is_not_sent_and_not_repeated() {
    let (authority, provider) = (authority(99).await, Provider::start(0).await);
    let cycles = authority.client("acme");
    let error = answer(&cycles, &provider).await.unwrap_err();
    assert!(denial(&*error).is_some_and(Error::is_budget_exceeded), "{error}");
    assert_eq!(provider.requests(), 0);
}

#[tokio::test]
async fn an_answer_that_fails_in_the_end_reaches_the_caller_and_costs_nothing() {
    let (authority, provider) = (authority(100).await, Provider::start(9).await);
    let cycles = authority.client("acme");
    assert_eq!(answer(&cycles, &provider).await.unwrap().status(), 429);
    assert_eq!((provider.requests(), settled(&authority, &cycles).await), (3, (0, 0)));
}

#[tokio::test]
async fn a_streaming_answer_is_settled_when_it_has_been_read() {
    let (authority, provider) = (authority(100).await, Provider::start(0).await);
    let cycles = authority.client("acme");
    let unread = answer(&cycles, &provider).await.unwrap();
    assert_eq!(authority.ledger("tenant:acme").unwrap().reserved.value(), 100);
    drop(unread);
    assert_eq!(settled(&authority, &cycles).await, (0, 0), "unknown spend is released by default");
    answer(&cycles, &provider).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(settled(&authority, &cycles).await, (42, 0));
}

#[tokio::test]
async fn an_answer_that_is_too_long_or_no_json_costs_its_estimate() {
    for (media_type, bytes) in [("application/json", 4 << 20), ("text/event-stream", 2)] {
        let (authority, provider) = (authority(100).await, Provider::saying(0, media_type, "x".repeat(bytes)).await);
        let cycles = authority.client("acme");
        answer(&cycles, &provider).await.unwrap().into_body().collect().await.unwrap();
        assert_eq!(settled(&authority, &cycles).await, (100, 0), "{media_type}");
    }
}

#[tokio::test]
async fn a_stack_without_a_budget_trips() {
    let provider = Provider::start(0).await;
    let client = ServiceBuilder::new()
        .layer(TripwireLayer::new(Tripwire::refusing().host("127.0.0.1")))
        .map_err(BoxError::from)
        .service(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());
    let error = client.oneshot(provider.request()).await.unwrap_err();
    assert_eq!(error.downcast_ref::<UnguardedCall>().unwrap().host(), "127.0.0.1");
    assert_eq!(provider.requests(), 0);
}
