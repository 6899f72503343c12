//! Chunks are replaced in time, and kept alive while calls use them.

use std::time::Duration;

use runcycles::{Lease, Scope, tokens};
use runcycles_authority::Call;

use super::{commits, sent};
use crate::support::clock::{pass, settle};
use crate::support::office::Office;

async fn office() -> Office {
    Office::with(|builder| builder.budget("tenant:acme", tokens(1_000)).record_requests()).await
}

async fn open(office: &Office) -> Lease {
    let lease = office.client().lease(Scope::agent("crawler"), tokens(100));
    lease.settle_every(Duration::from_secs(10)).open().await.unwrap()
}

/// Spent and reserved.
fn ledger(office: &Office) -> (u64, u64) {
    let (spent, reserved, _) = super::ledger(&office.authority);
    (spent, reserved)
}

/// Lets time pass for the lease and for the authority.
async fn both_pass(office: &Office, time: Duration) {
    office.advance(time);
    pass(time).await;
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_spent_is_committed_every_so_often_and_calls_do_not_notice() {
    let office = office().await;
    let lease = open(&office).await;
    for round in 1..=5_u64 {
        lease.try_take(tokens(20)).unwrap().commit(tokens(7)).unwrap();
        both_pass(&office, Duration::from_secs(10)).await;
        assert_eq!(commits(&office.authority).len() as u64, round);
        assert_eq!(ledger(&office), (7 * round, 100));
    }
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_nobody_took_from_is_returned_until_somebody_does() {
    let office = office().await;
    let lease = open(&office).await;
    both_pass(&office, Duration::from_secs(10)).await;
    assert_eq!(ledger(&office), (0, 0));
    both_pass(&office, Duration::from_secs(3_600)).await;
    assert_eq!(office.authority.requests().len(), 2, "nothing is asked for meanwhile");
    lease.take(tokens(20)).await.unwrap().commit(tokens(7)).unwrap();
    assert_eq!((ledger(&office), lease.stats().plain), ((0, 100), 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlasts_its_chunk_keeps_it_alive_and_settles_with_it() {
    let office = office().await;
    let lease = open(&office).await;
    let long = lease.take(tokens(20)).await.unwrap();
    for _ in 0..30 {
        both_pass(&office, Duration::from_secs(10)).await;
        lease.take(tokens(20)).await.unwrap().commit(tokens(1)).unwrap();
    }
    assert!(!sent(&office.authority, Call::Extend).is_empty());
    let (spent, reserved) = ledger(&office);
    assert_eq!((spent, reserved), (29, 200), "the chunk of the long call, and the latest one");
    long.commit(tokens(20)).unwrap();
    settle().await;
    assert_eq!(ledger(&office), (49, 100));
    assert!(sent(&office.authority, Call::Event).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_spent_of_a_chunk_that_lapsed_all_the_same_is_recorded_by_an_event() {
    let office = office().await;
    let lease = open(&office).await;
    let sub = lease.take(tokens(20)).await.unwrap();
    // The process was asleep for a day.
    office.advance(Duration::from_secs(86_400));
    sub.commit(tokens(20)).unwrap();
    lease.close().await.unwrap();
    settle().await;
    assert_eq!(sent(&office.authority, Call::Event).len(), 1);
    assert_eq!(ledger(&office), (20, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_on_after_a_lease_and_the_calls_that_took_of_it() {
    let office = office().await;
    let lease = open(&office).await;
    let sub = lease.take(tokens(20)).await.unwrap();
    drop(lease);
    both_pass(&office, Duration::from_secs(120)).await;
    drop(sub);
    settle().await;
    assert_eq!(ledger(&office), (0, 0));
    let before = office.authority.requests().len();
    both_pass(&office, Duration::from_secs(3_600)).await;
    assert_eq!(office.authority.requests().len(), before);
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_cannot_be_replaced_is_settled_in_time_all_the_same() {
    let office = office().await;
    let lease = open(&office).await;
    lease.take(tokens(20)).await.unwrap().commit(tokens(7)).unwrap();
    office.authority.freeze("tenant:acme").unwrap();
    both_pass(&office, Duration::from_secs(10)).await;
    assert_eq!(ledger(&office), (7, 0));
    assert!(lease.take(tokens(20)).await.unwrap_err().is_blocked());
    office.authority.unfreeze("tenant:acme").unwrap();
    both_pass(&office, Duration::from_secs(1)).await;
    assert!(lease.take(tokens(20)).await.unwrap().is_leased());
}
