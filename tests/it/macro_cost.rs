//! The attribute costs what its requests cost, and nothing on top.

use std::future::ready;

use allocation_counter::measure;
use bytes::Bytes;
use http::{Request, Response};
use runcycles::models::CommitRequest;
use runcycles::{
    BoxFuture, CyclesClient, Error, JournalConfig, Reserve, Scope, Transport, TransportError, cycles, tokens,
};

/// Allows everything, with answers that were made before.
struct Canned;

impl Transport for Canned {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        const RESERVED: &str = r#"{"decision":"ALLOW","reservation_id":"res-1","affected_scopes":["tenant:acme"],"expires_at_ms":1900000000000,"remaining_ttl_ms":60000}"#;
        const COMMITTED: &str = r#"{"status":"COMMITTED","charged":{"unit":"TOKENS","amount":7}}"#;
        let settles = request.uri().path().ends_with("/commit");
        Box::pin(ready(Ok(Response::new(Bytes::from_static(if settles { COMMITTED } else { RESERVED }.as_bytes())))))
    }
}

#[cycles(tokens(9), "a.b", action_name = "chat", client = client, agent = user, actual = |spent| *spent)]
async fn by_attribute(client: &CyclesClient, user: &str) -> Result<u64, Error> {
    Ok(7)
}

async fn by_hand(client: &CyclesClient, user: &str) -> Result<u64, Error> {
    let request = Reserve::new("a.b", "chat").estimate(tokens(9)).subject(Scope::agent(user));
    let guard = client.reserve(request).await?;
    let spent = 7;
    let mut commit = CommitRequest::new(tokens(spent));
    commit.metrics.get_or_insert_default().latency_ms = Some(0);
    guard.commit(commit).await?;
    Ok(spent)
}

/// How often 32 calls allocate, once everything that is made only once is there.
fn allocations(call: impl AsyncFn(&CyclesClient) -> Result<u64, Error>) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = CyclesClient::builder("cyc_live_key", "http://authority.test")
        .journal(JournalConfig::disabled())
        .tenant("acme")
        .transport(Canned)
        .build();
    let calls = async |times: u32| {
        for _ in 0..times {
            assert_eq!(call(&client).await.expect("an authority that allows everything"), 7);
        }
    };
    runtime.block_on(calls(4));
    // The runtime boxes what is large.
    let measured = Box::pin(calls(32));
    measure(|| runtime.block_on(measured)).count_total
}

#[test]
fn the_attribute_allocates_what_its_requests_do() {
    let by_attribute = allocations(async |client| by_attribute(client, "bot").await);
    let by_hand = allocations(async |client| by_hand(client, "bot").await);
    assert!(by_attribute > 0, "nothing was counted");
    assert!(by_attribute <= by_hand, "{by_attribute} allocations with the attribute, {by_hand} by hand");
}
