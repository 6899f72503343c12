//! One reservation that backs many small calls.

mod calls;
mod cost;
mod denials;
mod guarded;
mod hung;
mod interleavings;
mod judged;
mod restart;
mod rotation;

use std::time::Duration;

use runcycles::models::Amount;
use runcycles::{CyclesClient, Lease, Scope, tokens};
use runcycles_authority::{Authority, Call, RecordedRequest};
use serde_json::Value;

const LONG: Duration = Duration::from_secs(20);

/// An authority with a budget of some tokens, which records requests.
async fn authority(budget: u64) -> Authority {
    Authority::builder().budget("tenant:acme", tokens(budget)).record_requests().start().await.unwrap()
}

async fn open(client: &CyclesClient, chunk: Amount) -> Lease {
    client.lease(Scope::agent("crawler"), chunk).action("llm.completion", "small").open().await.unwrap()
}

/// Spent, reserved and remaining.
fn ledger(authority: &Authority) -> (u64, u64, i64) {
    let ledger = authority.ledger("tenant:acme").unwrap();
    (ledger.spent.value(), ledger.reserved.value(), ledger.remaining.value())
}

/// The requests of one kind.
fn sent(authority: &Authority, call: Call) -> Vec<RecordedRequest> {
    authority.requests().into_iter().filter(|request| request.call == Some(call)).collect()
}

/// What commits have said, in the order of their answers.
fn commits(authority: &Authority) -> Vec<Value> {
    let commits = sent(authority, Call::Commit);
    commits.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

/// Waits until something is so that is under way in the background.
async fn until(mut is_so: impl FnMut() -> bool) {
    tokio::time::timeout(LONG, async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("what was waited for");
}
