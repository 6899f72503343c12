//! Releasing a guard.

use std::time::Duration;

use runcycles::{Error, ReservationGuard, Settlement, tokens};
use serde_json::json;

use crate::support::clock::pass;
use crate::support::operations::reserve;
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;

const DAY: Duration = Duration::from_secs(86_400);

async fn guard(script: &Script) -> ReservationGuard {
    script.client().reserve(reserve()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_release_says_why_and_what_was_returned() {
    let script = Script::new();
    let settlement = guard(&script).await.release("cached answer").await.unwrap();
    assert!(matches!(&settlement, Settlement::Released { released: Some(amount), .. } if *amount == tokens(10)));
    let sent = script.of(Route::Release);
    assert_eq!((sent[0].reservation(), &sent[0].json()["reason"]), ("rsv_1", &json!("cached answer")));
}

#[tokio::test(start_paused = true)]
async fn a_reason_that_is_too_long_is_told_and_left_out() {
    let script = Script::new();
    let error = guard(&script).await.release("é".repeat(257)).await.unwrap_err();
    assert!(matches!(&error, Error::Validation(error) if error.field() == "reason"), "{error}");
    pass(DAY).await;
    let sent = script.of(Route::Release);
    assert_eq!((sent.len(), sent[0].json().get("reason")), (1, None));
}

#[tokio::test(start_paused = true)]
async fn a_release_without_an_answer_is_repeated_and_then_goes_on_in_the_background() {
    let script = Script::new();
    script.next(Route::Release, [reply::timeout(), Reply::Silence, reply::refusal(401, "UNAUTHORIZED")]);
    assert_eq!(guard(&script).await.release("not needed").await.unwrap(), Settlement::Pending);
    let sent = script.wait_for(Route::Release, 4).await;
    assert!(sent.iter().all(|one| one.body == sent[0].body));
    pass(DAY).await;
    assert_eq!(script.of(Route::Release).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_gone_already_is_released_and_no_event_follows() {
    for gone in
        [reply::refusal(410, "RESERVATION_EXPIRED"), reply::raw(410, ""), reply::refusal(409, "RESERVATION_FINALIZED")]
    {
        let script = Script::new();
        script.always(Route::Release, gone);
        let settlement = guard(&script).await.release("not needed").await.unwrap();
        assert!(matches!(settlement, Settlement::Released { released: None, .. }), "{settlement:?}");
        pass(DAY).await;
        assert_eq!(script.routes(), [Route::Reserve, Route::Release]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_refused_for_good_is_an_error() {
    let script = Script::new();
    script.always(Route::Release, reply::refusal(404, "NOT_FOUND"));
    let error = guard(&script).await.release("not needed").await.unwrap_err();
    assert_eq!(error.status(), Some(404));
    pass(DAY).await;
    assert_eq!(script.of(Route::Release).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_release_at_any_moment_leaves_it_to_the_background() {
    let script = Script::new();
    drop(guard(&script).await.release("never polled"));
    assert_eq!(script.wait_for(Route::Release, 1).await[0].json()["reason"], "never polled");

    script.next(Route::Release, [Reply::Silence]);
    let guard = guard(&script).await;
    tokio::select! {
        settlement = guard.release("abandoned") => panic!("{settlement:?}"),
        _ = script.wait_for(Route::Release, 2) => {}
    }
    let sent = script.wait_for(Route::Release, 3).await;
    assert_eq!(sent[1].body, sent[2].body);
}
