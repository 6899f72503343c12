//! The orderly end of a client.

use std::time::Duration;

use runcycles::{Error, HeartbeatPolicy, LeaseState, Settlement, WithCyclesConfig, tokens};
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::support::clock::{pass, settle};
use crate::support::operations::reserve;
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_shut_down_reserves_no_more() {
    let script = Script::new();
    let client = script.client();
    let view = client.scoped(runcycles::Scope::agent("bot"));
    assert!(client.shutdown(DAY).await.is_clean());
    for client in [client.clone(), client, view] {
        assert!(matches!(client.reserve(reserve()).await, Err(Error::ShutDown)));
        let config = WithCyclesConfig::new(tokens(1)).action("a", "b");
        let call = client.execute(config, async |_| -> Result<(), Error> { unreachable!("an action without a hold") });
        assert!(matches!(call.await, Err(Error::ShutDown)));
    }
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_with_nothing_to_do_returns_at_once_and_so_does_the_next() {
    let client = Script::new().client();
    let started = Instant::now();
    for _ in 0..3 {
        let report = client.shutdown(DAY).await;
        assert_eq!((report.settled, report.remaining, report.live), (0, 0, 0));
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn guards_are_kept_alive_and_waited_for_until_they_are_settled() {
    let script = Script::new();
    let client = script.client();
    let guard = client.reserve(reserve()).await.unwrap();
    let dropped = client.reserve(reserve()).await.unwrap();
    let action = tokio::spawn(async move {
        pass(300 * SECOND).await;
        drop(dropped);
        guard.commit(tokens(7)).await
    });
    let started = Instant::now();
    let report = client.shutdown(DAY).await;
    assert_eq!((report.live, report.remaining, started.elapsed().as_secs()), (0, 0, 300));
    assert!(matches!(action.await.unwrap(), Ok(Settlement::Committed { .. })));
    assert!(script.of(Route::Extend).len() > 4, "the leases lasted");
    assert_eq!((script.of(Route::Commit).len(), script.of(Route::Release).len()), (1, 1));
    settle().await;
    assert_eq!(tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_everything_ends_and_the_report_says_what_is_left() {
    let script = Script::new();
    let client = script.client();
    let guard = client.reserve(reserve()).await.unwrap();
    script.always(Route::Commit, reply::refusal(401, "UNAUTHORIZED"));
    client.reserve(reserve()).await.unwrap().commit(tokens(7)).await.unwrap();
    script.always(Route::Release, Reply::Silence);
    drop(client.reserve(reserve()).await.unwrap());
    let started = Instant::now();
    let report = client.shutdown(5 * SECOND).await;
    assert_eq!((report.settled, report.remaining, report.live), (0, 2, 1));
    assert_eq!((report.is_clean(), started.elapsed().as_secs()), (false, 5));

    pass(SECOND).await;
    assert_eq!(tasks(), 0, "no task or timer is left");
    let sent = script.sent().len();
    pass(DAY).await;
    assert_eq!(script.sent().len(), sent, "and nothing is sent");
    assert_eq!(guard.lease().state, LeaseState::Lost);
    drop(guard);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_tried_again_by_the_next_shutdown_or_flush() {
    let script = Script::new();
    let client = script.client();
    script.always(Route::Commit, reply::timeout());
    for _ in 0..2 {
        client.reserve(reserve()).await.unwrap().commit(tokens(7)).await.unwrap();
    }
    assert_eq!(client.shutdown(SECOND).await.remaining, 2);
    assert_eq!(client.shutdown(SECOND).await.remaining, 2);
    script.recover();
    script.next(Route::Commit, [reply::throttled("60")]);
    let report = client.flush(10 * SECOND).await;
    assert_eq!((report.settled, report.remaining), (1, 1));
    pass(SECOND).await;
    assert_eq!(tasks(), 0, "not even for what the authority asked to wait for");
    let report = client.shutdown(DAY).await;
    assert_eq!((report.settled, report.remaining), (1, 0));
    let sent = script.of(Route::Commit);
    assert!(sent[sent.len() - 1].at - sent[sent.len() - 2].at >= 50 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_ends_after_the_shutdown_is_settled_all_the_same() {
    let script = Script::new();
    let client = script.client();
    let guards = [(); 4].map(|()| client.reserve(reserve()));
    let mut live = Vec::new();
    for guard in guards {
        live.push(guard.await.unwrap());
    }
    assert_eq!(client.shutdown(SECOND).await.live, 4);

    assert!(matches!(live.pop().unwrap().commit(tokens(7)).await, Ok(Settlement::Committed { .. })));
    drop(live.pop());
    pass(SECOND).await;
    assert_eq!(script.of(Route::Release).len(), 1);

    // What gets no clear answer then waits for nobody.
    script.always(Route::Commit, reply::timeout());
    script.always(Route::Release, reply::throttled("60"));
    assert_eq!(live.pop().unwrap().commit(tokens(7)).await.unwrap(), Settlement::Pending);
    drop(live.pop());
    pass(DAY).await;
    assert_eq!((script.of(Route::Commit).len(), script.of(Route::Release).len()), (3, 2));
    assert_eq!(tasks(), 0);
    script.recover();
    assert_eq!(client.flush(SECOND).await.settled, 2);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_shutdown_stops_the_waiting_and_nothing_else() {
    let script = Script::new();
    let client = script.client();
    let guard = client.reserve(reserve()).await.unwrap();
    let stopped = tokio::time::timeout(SECOND, client.shutdown(DAY)).await;
    assert!(stopped.is_err());
    assert!(matches!(client.reserve(reserve()).await, Err(Error::ShutDown)));
    pass(300 * SECOND).await;
    assert_eq!(guard.lease().state, LeaseState::Kept);
    drop(guard);
    assert!(client.shutdown(SECOND).await.is_clean());
    assert_eq!(script.of(Route::Release).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reservation_on_its_way_is_waited_for() {
    let script = Script::new();
    script.next(Route::Reserve, [Reply::Pass.after(2 * SECOND)]);
    let client = script.client();
    let reserving = tokio::spawn({
        let client = client.clone();
        async move { client.reserve(reserve()).await.unwrap().release("not needed").await.unwrap() }
    });
    script.wait_for(Route::Reserve, 1).await;
    assert!(client.shutdown(DAY).await.is_clean());
    assert!(matches!(reserving.await.unwrap(), Settlement::Released { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlives_the_shutdown_loses_its_lease_and_follows_its_policy() {
    let script = Script::new();
    let client = script.builder().heartbeat(HeartbeatPolicy::Cancel).build();
    let call = tokio::spawn({
        let client = client.clone();
        async move {
            let config = WithCyclesConfig::new(tokens(10)).action("a", "b").ttl(60 * SECOND);
            client.execute(config, async |_| -> Result<(), Error> { std::future::pending().await }).await
        }
    });
    script.wait_for(Route::Reserve, 1).await;
    pass(SECOND).await;
    let started = Instant::now();
    assert_eq!(client.shutdown(SECOND).await.live, 1);
    let Err(Error::LeaseLost { reason, .. }) = call.await.unwrap() else { panic!("a call without a lease") };
    assert!(reason.contains("shut down"), "{reason}");
    assert_eq!(started.elapsed().as_secs(), 59);
    assert_eq!(script.of(Route::Release).len(), 1);
}
