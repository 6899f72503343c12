//! Lists as streams.

use runcycles::models::{BalanceParams, ListReservationsParams, ReservationStatus};
use runcycles::{Error, Scope};
use serde_json::{Value, json};

use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;
use crate::support::stream::{collect, next};

fn balance(scope: &str) -> Value {
    json!({ "scope": scope, "scope_path": scope, "remaining": { "unit": "TOKENS", "amount": 1 } })
}

fn page(scopes: &[&str], next_cursor: Option<&str>, has_more: Option<bool>) -> Reply {
    let balances: Vec<_> = scopes.iter().map(|scope| balance(scope)).collect();
    reply::json(200, &json!({ "balances": balances, "next_cursor": next_cursor, "has_more": has_more }))
}

fn params() -> BalanceParams {
    BalanceParams::within(Scope::tenant("acme")).limit(2)
}

/// The scopes and errors that a stream of balances gives.
async fn walk(script: &Script) -> Vec<Result<String, Error>> {
    let items = collect(script.client().balances(params()), 100).await;
    items.into_iter().map(|item| item.map(|balance| balance.scope)).collect()
}

fn scopes(items: Vec<Result<String, Error>>) -> Vec<String> {
    items.into_iter().map(Result::unwrap).collect()
}

fn targets(script: &Script) -> Vec<String> {
    script.sent().iter().map(|sent| sent.uri.query().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_stream_walks_all_pages_with_the_same_filters() {
    let script = Script::new();
    script.next(
        Route::Balances,
        [page(&["a", "b"], Some("p 2"), Some(true)), page(&[], Some("p3"), None), page(&["c"], None, Some(false))],
    );
    assert_eq!(scopes(walk(&script).await), ["a", "b", "c"]);
    assert_eq!(
        targets(&script),
        ["tenant=acme&limit=2", "tenant=acme&limit=2&cursor=p%202", "tenant=acme&limit=2&cursor=p3"]
    );
}

#[tokio::test]
async fn reservations_are_walked_in_the_same_way() {
    let script = Script::new();
    let row = |id: &str| {
        json!({
            "reservation_id": id, "status": "ACTIVE", "subject": { "tenant": "acme" },
            "action": { "kind": "a", "name": "b" }, "reserved": { "unit": "TOKENS", "amount": 1 },
            "created_at_ms": 1, "expires_at_ms": 2, "scope_path": "tenant:acme", "affected_scopes": [],
        })
    };
    script.next(
        Route::List,
        [
            reply::json(200, &json!({ "reservations": [row("r1"), row("r2")], "next_cursor": "n", "has_more": true })),
            reply::json(200, &json!({ "reservations": [row("r3")] })),
        ],
    );
    let params = ListReservationsParams::new().status(ReservationStatus::Active);
    let rows = collect(script.client().reservations(params), 10).await;
    let ids: Vec<_> = rows.into_iter().map(|row| row.unwrap().reservation_id.to_string()).collect();
    assert_eq!(ids, ["r1", "r2", "r3"]);
    assert_eq!(targets(&script), ["status=ACTIVE", "status=ACTIVE&cursor=n"]);
}

#[tokio::test]
async fn a_stream_starts_at_a_cursor_of_the_callers() {
    let script = Script::new();
    script.next(Route::Balances, [page(&["z"], None, None)]);
    let items = collect(script.client().balances(params().cursor("saved")), 10).await;
    assert_eq!((items.len(), targets(&script)), (1, vec!["tenant=acme&limit=2&cursor=saved".to_owned()]));
}

#[tokio::test]
async fn a_server_that_says_there_is_no_more_is_believed() {
    for last in
        [page(&["a"], Some("left over"), Some(false)), page(&["a"], Some(""), None), page(&["a"], Some(""), Some(true))]
    {
        let script = Script::new();
        script.always(Route::Balances, last);
        assert_eq!(scopes(walk(&script).await), ["a"]);
        assert_eq!(script.sent().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_repeats_a_cursor_gives_an_error_and_no_endless_list() {
    // The same cursor at once, and two in turns.
    let (same, turns) = (Script::new(), Script::new());
    same.always(Route::Balances, page(&["a"], Some("p"), None));
    for _ in 0..20 {
        turns.next(Route::Balances, [page(&["a"], Some("p"), None), page(&["b"], Some("q"), None)]);
    }
    for script in [same, turns] {
        let items = walk(&script).await;
        let (last, before) = items.split_last().unwrap();
        let error = last.as_ref().unwrap_err();
        assert!(matches!(error, Error::Ambiguous { .. }), "{error}");
        assert!(before.iter().all(Result::is_ok) && before.len() < 5);
    }
}

#[tokio::test]
async fn an_error_on_the_way_comes_after_the_items_before_it_and_ends_the_stream() {
    let script = Script::new();
    script.next(Route::Balances, [page(&["a"], Some("p"), None), reply::refusal(500, "INTERNAL_ERROR")]);
    let mut stream = script.client().balances(params());
    assert_eq!(next(&mut stream).await.unwrap().unwrap().scope, "a");
    assert!(next(&mut stream).await.unwrap().unwrap_err().is_retryable());
    assert!(next(&mut stream).await.is_none());
    assert!(next(&mut stream).await.is_none());
    assert_eq!(script.sent().len(), 2);
}

#[tokio::test]
async fn a_page_is_asked_for_only_when_the_one_before_is_used_up() {
    let script = Script::new();
    script.next(Route::Balances, [page(&["a", "b"], Some("p"), None)]);
    let mut stream = script.client().balances(params());
    assert!(script.sent().is_empty(), "a stream asks for nothing until it is polled");
    next(&mut stream).await.unwrap().unwrap();
    next(&mut stream).await.unwrap().unwrap();
    assert_eq!(script.sent().len(), 1);
}

#[tokio::test]
async fn a_filter_out_of_range_is_the_streams_only_item() {
    let script = Script::new();
    let items = collect(script.client().balances(params().limit(0)), 10).await;
    assert!(matches!(items.as_slice(), [Err(Error::Validation(_))]));
    assert!(script.sent().is_empty());
}
