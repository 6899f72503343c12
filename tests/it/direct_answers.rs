//! An authority in the same process is asked without requests being written down; it answers what it answers over a wire.

use bytes::Bytes;
use http::{Request, Response};
use runcycles::models::{Caps, CommitOveragePolicy, CommitRequest, CyclesMetrics, IdempotencyKey, Metadata, Unit};
use runcycles::{
    BoxFuture, CyclesClient, Error, JournalConfig, Reserve, Scope, Transport, TransportError, tokens, usd,
};
use runcycles_authority::{Authority, Budget, InProcess, ManualClock};

const SCOPE: &str = "tenant:acme/app:chat/agent:bot";

/// The same way into an authority, by requests that are written down.
struct Written(InProcess);

impl Transport for Written {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.0.call(request)
    }
}

async fn authority() -> Authority {
    let mut caps = Caps::new();
    caps.max_tokens = Some(64);
    Authority::builder()
        .clock(ManualClock::at_epoch_ms(1_763_000_000_000))
        .budget("tenant:acme", tokens(1_000))
        .budget(SCOPE, Budget::new(tokens(300)).overdraft_limit(tokens(50)))
        .caps(SCOPE, Unit::Tokens, caps)
        .start()
        .await
        .unwrap()
}

fn by_requests(authority: &Authority) -> CyclesClient {
    CyclesClient::builder(authority.api_key("acme"), "http://in-process.test")
        .transport(Written(authority.transport()))
        .tenant("acme")
        .journal(JournalConfig::disabled())
        .build()
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

fn bot() -> Reserve<runcycles::models::Action, runcycles::Amount> {
    Reserve::new("llm.completion", "gpt-4o").estimate(tokens(100)).subject(Scope::app("chat").agent("bot"))
}

fn metadata() -> Metadata {
    Metadata::from_iter([("ticket".to_owned(), 7.into())])
}

fn of_bob(amount: u64) -> Reserve<runcycles::models::Action, runcycles::Amount> {
    bot().subject(Scope::agent("Bob").dimension("run", "r 1")).estimate(tokens(amount)).metadata(metadata())
}

fn show(error: &Error) -> String {
    // Ids of requests and traces are fresh each time.
    format!("{error} / {:?} / {:?} / {:?}", error.code(), error.status(), error.affected_scopes())
}

/// What a client sees of one call after the other.
async fn story(client: &CyclesClient) -> Vec<String> {
    let mut seen = Vec::new();
    let mut see = |text: String| seen.push(text);
    let mut measured = CommitRequest::new(tokens(40));
    measured.metrics =
        Some(CyclesMetrics { tokens_input: Some(12), model_version: Some("m".to_owned()), ..Default::default() });
    (measured.metadata, measured.idempotency_key) = (metadata(), key("commit-1"));
    for (request, commit) in [
        (bot().idempotency_key(key("first")), measured.clone()),
        // The same key again is the same reservation, which is settled by now.
        (bot().idempotency_key(key("first")), measured),
        // The same key for something else is refused.
        (bot().idempotency_key(key("first")).estimate(tokens(99)), CommitRequest::new(tokens(1))),
        (of_bob(5).overage_policy(CommitOveragePolicy::Reject), CommitRequest::new(tokens(6))),
        (of_bob(5).overage_policy(CommitOveragePolicy::AllowWithOverdraft), CommitRequest::new(tokens(9))),
        (bot().ttl(std::time::Duration::from_secs(5)), CommitRequest::new(tokens(330))),
        (bot().estimate(tokens(10_000)), CommitRequest::new(tokens(1))),
        (bot().estimate(usd!(0.01)), CommitRequest::new(tokens(1))),
        (bot().subject(Scope::tenant("other")), CommitRequest::new(tokens(1))),
        (of_bob(1), CommitRequest::new(usd!(1))),
    ] {
        match client.reserve(request).await {
            Ok(guard) => {
                let (caps, decision) = (guard.caps(), guard.decision());
                see(format!("{decision} {caps:?} {:?} {:?}", guard.affected_scopes(), guard.balances()));
                see(format!("{:?} {:?}", guard.expires_at_ms(), guard.lease().state));
                match guard.commit(commit).await {
                    Ok(settlement) => see(format!("{settlement:?}")),
                    Err(error) => see(show(&error)),
                }
            }
            Err(error) => see(show(&error)),
        }
    }
    seen
}

#[tokio::test]
async fn a_client_in_the_same_process_sees_what_a_client_elsewhere_does() {
    let (near, far) = (authority().await, authority().await);
    let (by_value, by_bytes) = (story(&near.client("acme")).await, story(&by_requests(&far)).await);
    assert_eq!(by_value, by_bytes);
    assert!(by_value.len() > 20, "{by_value:#?}");
    for scope in ["tenant:acme", SCOPE] {
        assert_eq!(near.ledger(scope), far.ledger(scope));
    }
}

#[tokio::test]
async fn a_key_is_known_whichever_way_it_comes() {
    let authority = authority().await;
    let (near, far) = (authority.client("acme"), by_requests(&authority));
    let request = of_bob(5).idempotency_key(key("shared")).build();
    let first = near.reserve(request.clone()).await.unwrap();
    let again = far.reserve(request).await.unwrap();
    assert_eq!(first.reservation_id(), again.reservation_id());

    let mut commit = CommitRequest::new(tokens(4));
    commit.metadata = metadata();
    let settled = again.commit(commit.clone()).await.unwrap();
    assert_eq!(first.commit(commit).await.unwrap(), settled);
    authority.assert_settled();
}
