//! Guarded calls whose action runs between two callbacks.

use std::time::Duration;

use runcycles::models::Level;
use runcycles::{Error, Mode, Scope, UnknownSpend, WithCyclesConfig, metered, tokens};
use runcycles_authority::Authority;
use serde_json::json;

use crate::support::clock::settle;
use crate::support::script::Script;
use crate::support::sent::Route;
use crate::support::stream::{collect, items};

const BUDGET: &str = "tenant:acme/agent:bot";

fn config() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o").subject(Scope::agent("bot"))
}

async fn authority() -> Authority {
    Authority::builder().budget(BUDGET, tokens(100)).start().await.unwrap()
}

fn spent_and_held(authority: &Authority) -> (u64, u64) {
    let ledger = authority.ledger(BUDGET).unwrap();
    (ledger.spent.value(), ledger.reserved.value())
}

#[tokio::test]
async fn a_call_begins_in_one_place_and_is_settled_in_another() {
    let authority = authority().await;
    let guard = authority.client("acme").begin(config()).await.unwrap();
    assert_eq!(spent_and_held(&authority), (0, 10));
    guard.commit(tokens(7)).await.unwrap();
    assert_eq!(spent_and_held(&authority), (7, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_ends_counts_as_cancelled_and_is_settled_by_its_own_policy() {
    let script = Script::new();
    let client = script.client();
    drop(client.begin(config()).await.unwrap());
    let released = script.wait_for(Route::Release, 1).await;
    assert_eq!(released[0].json()["reason"], "guarded_method_cancelled");

    drop(client.begin(config().unknown_spend(UnknownSpend::ChargeEstimate)).await.unwrap());
    let committed = script.wait_for(Route::Commit, 1).await;
    assert_eq!(committed[0].json()["actual"], json!({ "unit": "TOKENS", "amount": 10 }));
    assert_eq!(committed[0].json()["metadata"]["settled_after"], "cancellation");
}

#[tokio::test]
async fn a_call_that_begins_holds_to_the_levels_it_requires_and_leaves_nothing_held() {
    let authority = authority().await;
    let config = config().require([Level::Tenant]);
    let error = authority.client("acme").begin(config).await.unwrap_err();
    assert!(matches!(error, Error::UnbudgetedScope { ref scopes, .. } if scopes == &["tenant:acme"]), "{error}");
    assert_eq!(spent_and_held(&authority), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_switched_off_begins_and_is_settled_without_asking_anybody() {
    let script = Script::new();
    let guard = script.client().begin(config().mode(Mode::Off)).await.unwrap();
    assert!(guard.is_observed());
    guard.commit(tokens(7)).await.unwrap();
    settle().await;
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn a_stream_flows_from_the_guard_of_a_call_that_begins() {
    let authority = authority().await;
    let client = authority.client("acme");
    let guard = client.begin(config().needs_authority()).await.unwrap();
    let words = items(["why", "is", "the", "sky", "blue"].map(Ok::<_, Error>));
    let told = collect(metered(guard, words, |word: &&str| word.len()), 5).await;
    assert_eq!(told.len(), 5);
    client.flush(Duration::from_secs(5)).await;
    assert_eq!(spent_and_held(&authority), (15, 0));
}
