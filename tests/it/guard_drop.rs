//! What becomes of a guard that nobody settles.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use runcycles::tokens;
use serde_json::json;
use tokio::runtime::Handle;

use crate::support::clock::{pass, settle};
use crate::support::operations::reserve;
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;

#[tokio::test(start_paused = true)]
async fn a_dropped_guard_is_released_in_the_background() {
    let script = Script::new();
    drop(script.client().reserve(reserve()).await.unwrap());
    assert_eq!(script.routes(), [Route::Reserve], "dropping sends nothing itself");
    let released = script.wait_for(Route::Release, 1).await;
    assert_eq!((released[0].reservation(), &released[0].json()["reason"]), ("rsv_1", &json!("guard_dropped")));
    pass(Duration::from_secs(86_400)).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Release]);
}

#[tokio::test(start_paused = true)]
async fn a_guard_may_be_dropped_where_there_is_no_runtime() {
    let script = Script::new();
    let guard = script.client().reserve(reserve()).await.unwrap();
    std::thread::spawn(move || drop(guard)).join().unwrap();
    assert_eq!(script.wait_for(Route::Release, 1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guard_that_falls_to_a_panic_says_so() {
    let script = Script::new();
    let guard = script.client().reserve(reserve()).await.unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _guard = guard;
        std::panic::resume_unwind(Box::new("the action broke"));
    }));
    assert!(panicked.is_err());
    let released = script.wait_for(Route::Release, 1).await;
    assert_eq!(released[0].json()["reason"], "guarded_method_panicked");
}

#[tokio::test(start_paused = true)]
async fn a_guard_outlives_its_client_and_settles_all_the_same() {
    let script = Script::new();
    let client = script.client();
    let guard = client.reserve(reserve()).await.unwrap();
    drop(client);
    guard.commit(tokens(7)).await.unwrap();

    let client = script.client();
    let guard = client.reserve(reserve()).await.unwrap();
    drop(client);
    drop(guard);
    assert_eq!(script.wait_for(Route::Release, 1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_release_without_an_answer_is_repeated_with_the_same_bytes() {
    let script = Script::new();
    script.next(
        Route::Release,
        [reply::timeout(), reply::refusal(500, "INTERNAL_ERROR"), reply::refusal(401, "UNAUTHORIZED")],
    );
    drop(script.client().reserve(reserve()).await.unwrap());
    let released = script.wait_for(Route::Release, 4).await;
    assert!(released.iter().all(|sent| sent.body == released[0].body));
}

#[tokio::test(start_paused = true)]
async fn no_task_outlives_the_guards_it_serves() {
    let script = Script::new();
    let client = script.client();
    for _ in 0..10 {
        drop(client.reserve(reserve()).await.unwrap());
        client.reserve(reserve()).await.unwrap().commit(tokens(1)).await.unwrap();
    }
    script.wait_for(Route::Release, 10).await;
    pass(Duration::from_secs(86_400)).await;
    settle().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}
