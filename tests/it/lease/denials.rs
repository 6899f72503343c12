//! What a lease does where the authority says no, or nothing.

use runcycles::{Error, Lease, Scope, SubReservation, tokens};
use runcycles_authority::{Authority, Call, Fault};

use super::{LONG, authority, ledger, open, sent};

/// Takes and spends an amount until the budget says no: how often, and the denial.
async fn spend_all(lease: &Lease, cost: u64) -> (u64, Error) {
    let mut times = 0;
    loop {
        match lease.take(tokens(cost)).await {
            Ok(sub) => sub.commit(tokens(cost)).unwrap(),
            Err(error) => return (times, error),
        }
        times += 1;
    }
}

#[tokio::test]
async fn the_last_of_a_budget_is_spent_by_calls_that_reserve_by_themselves() {
    let authority = authority(250).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let (times, denial) = spend_all(&lease, 10).await;
    assert!(denial.is_budget_exceeded(), "{denial}");
    assert!(denial.to_string().contains("tenant:acme has 0 tokens left and 10 tokens was asked for"), "{denial}");
    assert_eq!(times, 25, "all of it, and no more");
    let stats = lease.stats();
    assert_eq!((stats.chunks, stats.plain), (2, 6), "five calls that were allowed, and the one that was not");
    lease.close().await.unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (250, 0, 0));
    authority.assert_settled();
}

#[tokio::test]
async fn a_lease_keeps_nothing_from_its_own_calls() {
    let authority = authority(120).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    lease.take(tokens(60)).await.unwrap().commit(tokens(60)).unwrap();
    // 40 are left of the chunk, and 20 of the budget beside it.
    lease.take(tokens(60)).await.unwrap().commit(tokens(60)).unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (120, 0, 0));
    assert!(lease.take(tokens(1)).await.unwrap_err().is_budget_exceeded());
}

#[tokio::test]
async fn a_lease_opens_where_the_budget_has_too_little_for_a_chunk() {
    let authority = authority(50).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let sub = lease.take(tokens(30)).await.unwrap();
    assert!(!sub.is_leased());
    assert_eq!(sub.reserved(), tokens(30));
    sub.commit(tokens(20)).unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (20, 0, 30));
    assert_eq!(
        sent(&authority, Call::Reserve).len(),
        2,
        "the chunk, which is not asked for again at once, and the call"
    );
}

#[tokio::test]
async fn an_estimate_larger_than_a_chunk_is_reserved_by_itself_at_once() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let sub = lease.take(tokens(101)).await.unwrap();
    assert!(!sub.is_leased());
    drop(sub);
    client.flush(LONG).await;
    assert_eq!(sent(&authority, Call::Reserve).len(), 2);
    assert_eq!(ledger(&authority), (0, 0, 1_000));
}

#[tokio::test]
async fn what_no_call_could_do_about_is_an_error_when_the_lease_is_opened() {
    let authority = Authority::builder().tenant("acme").start().await.unwrap();
    let client = authority.client("acme");
    let error = client.lease(Scope::agent("crawler"), tokens(100)).open().await.unwrap_err();
    assert!(matches!(error, Error::NoBudget { .. }), "{error}");
}

#[tokio::test]
async fn a_frozen_budget_refuses_the_next_chunk_and_the_calls_after_it() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    authority.freeze("tenant:acme").unwrap();
    lease.take(tokens(70)).await.unwrap().commit(tokens(70)).unwrap();
    let error = lease.take(tokens(70)).await.unwrap_err();
    assert!(error.is_blocked(), "{error}");
    authority.unfreeze("tenant:acme").unwrap();
    assert!(!lease.take(tokens(70)).await.unwrap().is_leased(), "a chunk is not asked for again at once");
    lease.close().await.unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority).0, 70);
}

#[tokio::test]
async fn without_an_answer_a_call_reserves_by_itself_and_meets_the_same() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    for _ in 0..4 {
        authority.inject_on(Call::Reserve, Fault::Status(http::StatusCode::SERVICE_UNAVAILABLE));
    }
    let lease = open(&client, tokens(100)).await;
    let error = lease.take(tokens(10)).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert_eq!(authority.pending_faults(), 0);
}

#[tokio::test]
async fn overspend_that_no_chunk_covers_is_settled_by_the_overage_policy() {
    let authority = authority(100).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(80)).await;
    let sub: SubReservation = lease.take(tokens(80)).await.unwrap();
    sub.commit(tokens(95)).unwrap();
    lease.close().await.unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (95, 0, 5));
}
