//! Streams that are counted as they flow: how they settle, and when they ask for more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_core::Stream;
use runcycles::{Error, Metered, Reserve, Scope, Settlement, context, metered, tokens, usd};
use serde_json::{Value, json};

use crate::support::clock::{pass, settle};
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::{Route, Sent};
use crate::support::stream::{collect, items, made, next};

/// A stream under a reservation of 10 tokens; each number is an item that costs as much.
async fn flowing<S: Stream<Item = Result<u64, Error>>>(script: &Script, stream: S) -> Metered<S, fn(&u64) -> u64> {
    let client = script.client().scoped(Scope::agent("bot"));
    let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(tokens(10))).await.unwrap();
    metered(guard, stream, |size| *size)
}

fn ok(sizes: &[u64]) -> impl Stream<Item = Result<u64, Error>> + use<> {
    let sizes = sizes.to_vec();
    items(sizes.into_iter().map(Ok))
}

fn amounts(sent: &[Sent], member: &str) -> Vec<u64> {
    sent.iter().map(|sent| sent.json()[member]["amount"].as_u64().unwrap()).collect()
}

fn action_failed() -> Error {
    Error::Action("the model broke".into())
}

#[tokio::test(start_paused = true)]
async fn what_was_delivered_is_committed_before_the_end_of_the_stream_is_told() {
    let script = Script::new();
    let mut stream = flowing(&script, ok(&[1, 2, 1])).await;
    let mut seen = Vec::new();
    while let Some(item) = next(&mut stream).await {
        seen.push(item.unwrap());
    }
    assert_eq!(seen, [1, 2, 1]);
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!(commit["actual"], json!({ "unit": "TOKENS", "amount": 4 }));
    assert!(commit["metrics"]["latency_ms"].is_u64());
    assert!(matches!(stream.settlement(), Some(Settlement::Committed { .. })), "{stream:?}");
    assert!(next(&mut stream).await.is_none(), "and it stays ended");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_delivers_nothing_costs_nothing() {
    let script = Script::new();
    assert!(collect(flowing(&script, ok(&[])).await, 0).await.is_empty());
    assert_eq!(amounts(&script.of(Route::Commit), "actual"), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_settles_what_it_delivered_in_the_background() {
    let script = Script::new();
    let mut stream = flowing(&script, ok(&[3, 1])).await;
    next(&mut stream).await.unwrap().unwrap();
    drop(stream);
    let commit = script.wait_for(Route::Commit, 1).await[0].json();
    assert_eq!(
        (&commit["actual"]["amount"], &commit["metadata"]["settled_after"]),
        (&json!(3), &json!("cancellation"))
    );

    drop(flowing(&script, ok(&[3])).await);
    let release = script.wait_for(Route::Release, 1).await[0].json();
    assert_eq!(release["reason"], "guarded_method_cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_panics_settles_what_it_delivered() {
    let script = Script::new();
    let mut given = 0;
    let broken = made(move || {
        given += 1;
        assert!(given < 3, "the model broke");
        Some(Ok(2))
    });
    let mut stream = flowing(&script, broken).await;
    next(&mut stream).await.unwrap().unwrap();
    next(&mut stream).await.unwrap().unwrap();
    let handle = tokio::spawn(async move { next(&mut stream).await.is_some() });
    assert!(handle.await.unwrap_err().is_panic());
    let commit = script.wait_for(Route::Commit, 1).await[0].json();
    assert_eq!((&commit["actual"]["amount"], &commit["metadata"]["settled_after"]), (&json!(4), &json!("panic")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_be_dropped_by_a_panic_where_there_is_no_runtime() {
    let script = Script::new();
    let stream = flowing(&script, ok(&[1])).await;
    let thrown = std::thread::spawn(move || {
        let thrown = catch_unwind(AssertUnwindSafe(move || {
            let _stream = stream;
            std::panic::resume_unwind(Box::new("the reader broke"));
        }));
        thrown.is_err()
    });
    assert!(thrown.join().unwrap());
    assert_eq!(script.wait_for(Route::Release, 1).await[0].json()["reason"], "guarded_method_panicked");
}

#[tokio::test(start_paused = true)]
async fn an_error_item_passes_through_and_the_stream_goes_on() {
    let script = Script::new();
    let stream = flowing(&script, items([Ok(1), Err(action_failed()), Ok(2)])).await;
    let seen: Vec<_> = collect(stream, 3).await.into_iter().map(Result::ok).collect();
    assert_eq!(seen, [Some(1), None, Some(2)]);
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!((&commit["actual"]["amount"], &commit["metadata"]), (&json!(3), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_settles_what_it_delivered_or_returns_the_hold() {
    let script = Script::new();
    collect(flowing(&script, items([Ok(1), Err(action_failed())])).await, 2).await;
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!((&commit["actual"]["amount"], &commit["metadata"]["settled_after"]), (&json!(1), &json!("error")));

    collect(flowing(&script, items([Err(action_failed())])).await, 1).await;
    assert_eq!(script.of(Route::Release)[0].json()["reason"], "guarded_method_failed");

    let mut stream = flowing(&script, items([Err(action_failed())])).await;
    next(&mut stream).await.unwrap().unwrap_err();
    drop(stream);
    assert_eq!(script.wait_for(Route::Release, 2).await[1].json()["reason"], "guarded_method_failed");
}

#[tokio::test(start_paused = true)]
async fn more_than_was_reserved_comes_out_of_further_slices_for_the_same_subject_and_action() {
    let script = Script::new();
    let stream = flowing(&script, ok(&[4, 4, 4, 4, 4])).await;
    assert_eq!(collect(stream, 5).await.len(), 5);
    settle().await;
    let reserved = script.of(Route::Reserve);
    assert!(reserved.len() >= 2);
    for sent in &reserved[1..] {
        let (first, slice) = (reserved[0].json(), sent.json());
        assert_eq!((&slice["subject"], &slice["action"]), (&first["subject"], &first["action"]));
    }
    let committed = amounts(&script.of(Route::Commit), "actual");
    assert_eq!(committed.iter().sum::<u64>(), 20, "{committed:?}");
    for (sent, actual) in script.of(Route::Commit).iter().zip(&committed) {
        let number: usize = sent.reservation().trim_start_matches("rsv_").parse().unwrap();
        assert!(*actual <= amounts(&reserved, "estimate")[number - 1], "a slice holds what is committed of it");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_slice_is_asked_for_at_half_and_returned_if_it_is_not_needed() {
    let script = Script::new();
    let mut stream = flowing(&script, ok(&[4, 1, 1])).await;
    next(&mut stream).await.unwrap().unwrap();
    assert_eq!(script.of(Route::Reserve).len(), 1);
    next(&mut stream).await.unwrap().unwrap();
    assert_eq!(script.of(Route::Reserve).len(), 1, "five of ten, which the next poll sees");
    next(&mut stream).await.unwrap().unwrap();
    assert_eq!(amounts(&script.of(Route::Reserve), "estimate"), [10, 10]);
    assert!(next(&mut stream).await.is_none());
    let released = script.wait_for(Route::Release, 1).await;
    assert_eq!(
        (released[0].reservation(), &released[0].json()["reason"]),
        ("rsv_2", &json!("stream_slice_not_needed"))
    );
    assert_eq!(script.of(Route::Commit)[0].reservation(), "rsv_1");
}

#[tokio::test(start_paused = true)]
async fn a_slice_that_is_on_its_way_when_the_stream_ends_is_returned() {
    let script = Script::new();
    script.next(Route::Reserve, [Reply::Pass, Reply::Pass.after(Duration::from_secs(1))]);
    let stream = flowing(&script, ok(&[6])).await;
    assert_eq!(collect(stream, 1).await.len(), 1);
    assert_eq!(script.wait_for(Route::Release, 1).await[0].reservation(), "rsv_2");
    assert!(script.of(Route::List).is_empty(), "nobody has to look for it");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_asks_for_more_at_a_time() {
    let script = Script::new();
    script.always(Route::Reserve, Reply::Pass.after(Duration::from_millis(50)));
    let stream = flowing(&script, ok(&[5; 40])).await;
    assert_eq!(collect(stream, 40).await.len(), 40);
    let asked = amounts(&script.of(Route::Reserve), "estimate");
    assert_eq!(asked[..5], [10, 10, 20, 40, 80], "{asked:?}");
    assert!(asked[5..].iter().all(|size| *size == 80), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_item_that_waits_for_a_slice_is_not_lost_with_the_future_that_reads_it() {
    let script = Script::new();
    script.next(Route::Reserve, [Reply::Pass, Reply::Pass.after(Duration::from_secs(1))]);
    let mut stream = flowing(&script, ok(&[12])).await;
    let early = tokio::time::timeout(Duration::from_millis(10), next(&mut stream)).await;
    assert!(early.is_err(), "it waits");
    assert_eq!(next(&mut stream).await.unwrap().unwrap(), 12);
}

#[tokio::test(start_paused = true)]
async fn inside_the_stream_its_reservation_is_the_context() {
    let script = Script::new();
    let mut steps = 0;
    let reporting = made(move || {
        steps += 1;
        let context = context().expect("a context");
        match steps {
            1 => {
                context.record_usage(&tokens(2)).unwrap();
                context.insert_metadata("model", "gpt-4o");
                Some(Ok(3))
            }
            _ => None,
        }
    });
    assert_eq!(collect(flowing(&script, reporting).await, 1).await.len(), 1);
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!((&commit["actual"]["amount"], &commit["metadata"]["model"]), (&json!(5), &json!("gpt-4o")));
    assert!(context().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_final_amount_counts_for_all_slices_and_never_for_less_than_was_delivered() {
    for (total, settled) in [(30, 30), (10, 24)] {
        let script = Script::new();
        let mut sizes = [12, 12].into_iter();
        let reporting = made(move || {
            let size = sizes.next();
            if size.is_none() {
                context().expect("a context").set_actual(tokens(total)).unwrap();
            }
            size.map(Ok)
        });
        assert_eq!(collect(flowing(&script, reporting).await, 2).await.len(), 2);
        pass(Duration::from_secs(1)).await;
        assert_eq!(amounts(&script.of(Route::Commit), "actual").iter().sum::<u64>(), settled);
    }
}

#[tokio::test(start_paused = true)]
async fn usage_that_cannot_be_counted_cuts_the_stream() {
    let script = Script::new();
    let client = script.client();
    let guard = client.reserve(Reserve::new("a", "b").estimate(tokens(10))).await.unwrap();
    let stream = metered(guard, ok(&[1]), |_| usd!(1));
    let items = collect(stream, 1).await;
    let Err(Error::StreamCut(cut)) = &items[0] else { panic!("{items:?}") };
    assert!(matches!(cut.cause, Error::Validation(_)), "{cut:?}");
    assert_eq!(script.of(Route::Release)[0].json()["reason"], "stream_cut");

    let guard = client.reserve(Reserve::new("a", "b").estimate(tokens(10))).await.unwrap();
    let items = collect(metered(guard, ok(&[1]), |_| -1), 1).await;
    assert!(matches!(items[0], Err(Error::StreamCut(_))), "{items:?}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_only_observed_is_never_cut() {
    let script = Script::new();
    script.next(Route::Reserve, [reply::json(200, &json!({ "decision": "ALLOW", "affected_scopes": [] }))]);
    let stream = flowing(&script, ok(&[100, 100])).await;
    assert_eq!(collect(stream, 2).await.len(), 2);
    assert_eq!(script.routes(), [Route::Reserve]);
}
