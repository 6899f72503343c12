//! Leases of an authority that takes its time.

use std::time::Duration;

use runcycles::{CyclesClient, Lease, Scope, tokens};
use tokio::time::Instant;

use crate::support::clock::{pass, settle};
use crate::support::reply::Reply;
use crate::support::script::Script;
use crate::support::sent::Route;

const SECOND: Duration = Duration::from_secs(1);

/// A lease whose chunks live for a minute, of which 7 tokens are spent. Whatever is asked for after the first chunk hangs.
async fn hung(script: &Script, client: &CyclesClient) -> Lease {
    let lease = client.lease(Scope::agent("crawler"), tokens(100)).settle_every(10 * SECOND).open().await.unwrap();
    lease.try_take(tokens(20)).unwrap().commit(tokens(7)).unwrap();
    script.always(Route::Reserve, Reply::Silence);
    script.always(Route::Extend, Reply::Silence);
    lease
}

/// What the only commit says was spent.
fn committed(script: &Script) -> u64 {
    let [commit] = &script.of(Route::Commit)[..] else { panic!("one commit") };
    commit.json()["actual"]["amount"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_chunk_is_committed_by_a_close_while_its_successor_is_asked_for() {
    let script = Script::new();
    let lease = hung(&script, &script.client()).await;
    pass(10 * SECOND).await;
    settle().await;
    assert_eq!(script.of(Route::Reserve).len(), 2);
    let started = Instant::now();
    lease.close().await.unwrap();
    assert_eq!((committed(&script), started.elapsed()), (7, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_of_a_chunk_that_ran_out_while_its_successor_is_asked_for() {
    let script = Script::new();
    let client = script.builder().read_timeout(60 * SECOND).build();
    let lease = hung(&script, &client).await;
    pass(40 * SECOND).await;
    assert!(lease.try_take(tokens(20)).is_some(), "it is there");
    pass(21 * SECOND).await;
    assert_eq!(script.of(Route::Reserve).len(), 2, "the second is still being asked for");
    assert!(lease.try_take(tokens(20)).is_none());
    assert_eq!(committed(&script), 7);
}
