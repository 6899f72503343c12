//! Requests of reqwest clients, on loopback.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use runcycles::telemetry::gen_ai::ModelUsage;
use runcycles::{Error, Scope, Tripwire, UnguardedCall, UnknownSpend, WithCyclesConfig, cycles, denial, tokens};
use runcycles_authority::{Authority, Call};
use runcycles_with_reqwest_middleware::{BudgetMiddleware, TripwireMiddleware, TripwireResolver};
use serde_json::{Value, json};

/// A model provider that fails some requests before it answers, and counts them.
struct Provider {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Provider {
    async fn start(failures: usize) -> Self {
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let answer = move || {
            let is_failure = count.fetch_add(1, Ordering::Relaxed) < failures;
            async move {
                if is_failure {
                    return StatusCode::SERVICE_UNAVAILABLE.into_response();
                }
                json!({ "text": "hi", "usage": { "total_tokens": 42 } }).to_string().into_response()
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, Router::new().route("/chat", post(answer))).into_future());
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}/chat", self.address)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn config() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(100)).action("llm.completion", "gpt-4o").subject(Scope::agent("bot"))
}

/// What a whole answer says it used.
fn usage() -> impl FnMut(Option<&[u8]>) -> Option<runcycles::Amount> + Send + Sync {
    let mut text = Vec::new();
    move |part| {
        let Some(part) = part else {
            let answer: Value = serde_json::from_slice(&text).ok()?;
            return Some(tokens(answer["usage"]["total_tokens"].as_u64()?));
        };
        text.extend_from_slice(part);
        None
    }
}

/// A client that repeats what fails three times, with a budget below.
fn client(budget: BudgetMiddleware) -> ClientWithMiddleware {
    let at_once = ExponentialBackoff::builder().retry_bounds(Duration::ZERO, Duration::ZERO).build_with_max_retries(3);
    ClientBuilder::new(reqwest::Client::new())
        .with(RetryTransientMiddleware::new_with_policy(at_once))
        .with(budget)
        .with(TripwireMiddleware::new(Tripwire::refusing().host("127.0.0.1")))
        .build()
}

async fn authority(budget: u64) -> Authority {
    Authority::builder().budget("tenant:acme", tokens(budget)).start().await.unwrap()
}

/// What has been spent and is held, once everything is settled.
async fn settled(authority: &Authority, client: &runcycles::CyclesClient) -> (u64, u64) {
    assert_eq!(client.flush(Duration::from_secs(5)).await.remaining, 0);
    let ledger = authority.ledger("tenant:acme").unwrap();
    (ledger.spent.value(), ledger.reserved.value())
}

#[tokio::test]
async fn below_a_retry_each_attempt_is_reserved_and_failed_ones_cost_nothing() {
    let (authority, provider) = (authority(1_000).await, Provider::start(2).await);
    let cycles = authority.client("acme");
    let response = client(BudgetMiddleware::new(|_| Some(config())).client(cycles.clone()).read(usage))
        .post(provider.url())
        .send()
        .await
        .unwrap();
    assert_eq!(response.url().path(), "/chat");
    assert!(response.text().await.unwrap().contains("hi"));
    assert_eq!(provider.requests(), 3);
    assert_eq!(settled(&authority, &cycles).await, (42, 0));
}

#[tokio::test]
async fn failed_attempts_are_charged_where_the_call_says_so() {
    let (authority, provider) = (authority(1_000).await, Provider::start(2).await);
    let cycles = authority.client("acme");
    let budget = BudgetMiddleware::new(|_| Some(config().unknown_spend(UnknownSpend::ChargeEstimate)));
    client(budget.client(cycles.clone()).read(usage)).post(provider.url()).send().await.unwrap().text().await.unwrap();
    assert_eq!(settled(&authority, &cycles).await, (242, 0));
}

#[tokio::test]
async fn a_denied_request_is_not_sent_and_not_repeated() {
    let (authority, provider) = (authority(99).await, Provider::start(0).await);
    let client = client(BudgetMiddleware::new(|_| Some(config())).client(authority.client("acme")));
    let error = client.post(provider.url()).send().await.unwrap_err();
    assert!(denial(&error).is_some_and(Error::is_budget_exceeded), "{error}");
    assert_eq!(provider.requests(), 0);
}

#[tokio::test]
async fn an_answer_is_settled_with_the_usage_in_it_once_it_has_been_read() {
    let (authority, provider) = (authority(1_000).await, Provider::start(0).await);
    let cycles = authority.client("acme");
    let client = client(BudgetMiddleware::new(|_| Some(config())).client(cycles.clone()).read(usage));
    let unread = client.post(provider.url()).send().await.unwrap();
    assert_eq!(authority.ledger("tenant:acme").unwrap().reserved.value(), 100);
    drop(unread);
    assert_eq!(settled(&authority, &cycles).await, (0, 0), "unknown spend is released by default");
    client.post(provider.url()).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(settled(&authority, &cycles).await, (42, 0));
}

#[tokio::test]
async fn an_answer_without_a_reader_costs_the_estimate() {
    let (authority, provider) = (authority(1_000).await, Provider::start(0).await);
    let cycles = authority.client("acme");
    let client = client(BudgetMiddleware::new(|_| Some(config())));
    cycles.run(async { client.post(provider.url()).send().await.unwrap().text().await }).await.unwrap();
    assert_eq!(settled(&authority, &cycles).await, (100, 0));
}

/// Tells the reservation what a request took.
struct Tells;

#[async_trait]
impl Middleware for Tells {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let context = runcycles::context().expect("it is below a budget");
        context.record_usage(&tokens(7)).expect("it is in the reservation's unit");
        context.record_model_usage(&ModelUsage::new("gpt-4o").tokens(3, 4));
        next.run(request, extensions).await
    }
}

#[tokio::test]
async fn what_is_told_of_a_request_below_is_committed_with_its_measurements() {
    let authority = Authority::builder().budget("tenant:acme", tokens(1_000)).record_requests().start().await.unwrap();
    let (cycles, provider) = (authority.client("acme"), Provider::start(0).await);
    let budget = BudgetMiddleware::new(|_| Some(config())).client(cycles.clone());
    let client = ClientBuilder::new(reqwest::Client::new()).with(budget).with(Tells).build();
    client.post(provider.url()).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(settled(&authority, &cycles).await, (7, 0));
    let requests = authority.requests();
    let commit = requests.iter().find(|request| request.call == Some(Call::Commit)).unwrap();
    let commit: Value = serde_json::from_slice(&commit.body).unwrap();
    assert_eq!(commit["metrics"], json!({ "tokens_input": 3, "tokens_output": 4 }));
    assert_eq!(commit.get("metadata"), None);
}

#[tokio::test]
async fn a_tripwire_refuses_what_nobody_guards() {
    let (authority, provider) = (authority(1_000).await, Provider::start(0).await);
    let client = client(BudgetMiddleware::new(|_| None));
    let error = client.post(provider.url()).send().await.unwrap_err();
    let mut causes = std::iter::successors(Some(&error as &(dyn StdError + 'static)), |error| (*error).source());
    assert!(causes.any(<dyn std::error::Error>::is::<UnguardedCall>), "{error:?}");
    assert_eq!(provider.requests(), 0);

    let guarded = async |_| client.post(provider.url()).send().await.map_err(|error| Error::Action(error.into()));
    authority.client("acme").execute(config(), guarded).await.unwrap();
    assert_eq!(provider.requests(), 1);
}

/// Finds every host on loopback.
struct Loopback(SocketAddr);

impl Resolve for Loopback {
    fn resolve(&self, _name: Name) -> Resolving {
        let addresses: Addrs = Box::new(std::iter::once(self.0));
        Box::pin(std::future::ready(Ok(addresses)))
    }
}

#[cycles(tokens(100), "llm.completion", action_name = "gpt-4o", client = cycles)]
async fn ask(cycles: &runcycles::CyclesClient, client: &reqwest::Client, url: &str) -> Result<u16, Error> {
    let response = client.post(url).send().await.map_err(|error| Error::Action(error.into()))?;
    Ok(response.status().as_u16())
}

#[tokio::test]
async fn a_plain_client_trips_when_it_connects_outside_of_any_guarded_call() {
    let (authority, provider) = (authority(1_000).await, Provider::start(0).await);
    let tripwire = Tripwire::refusing();
    let client = reqwest::Client::builder()
        .dns_resolver(TripwireResolver::by(tripwire.clone(), Loopback(provider.address)))
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let url = format!("http://api.openai.com:{}/chat", provider.address.port());
    assert_eq!(ask(&authority.client("acme"), &client, &url).await.unwrap(), 200);
    assert!(client.post(&url).send().await.is_err());
    assert!(client.post(url.replace("api.openai.com", "example.com")).send().await.is_ok());
    assert_eq!(provider.requests(), 2);
    let report = tripwire.report();
    assert_eq!((report.seen(), report.unguarded()), (2, 1));
    assert!(
        report.hosts()[0].first_from.as_deref().is_some_and(|place| place.contains("it::a_plain_client_trips")),
        "{report}"
    );
}
