//! Taking of a lease, and settling.

use runcycles::{Error, Scope, credits, tokens};
use runcycles_authority::Call;
use serde_json::json;

use super::{LONG, authority, commits, ledger, open, sent, until};

#[tokio::test]
async fn many_calls_are_one_reservation_and_one_commit_that_says_what_they_were() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(400)).await;
    let large = lease.for_action("llm.completion", "large");
    for _ in 0..50 {
        lease.take(tokens(4)).await.unwrap().commit(tokens(3)).unwrap();
        large.take(tokens(1)).await.unwrap().commit(tokens(1)).unwrap();
    }
    drop(lease.take(tokens(100)).await.unwrap());
    assert_eq!(ledger(&authority), (0, 400, 600), "the authority holds the whole chunk");
    drop(large);
    let stats = lease.close().await.unwrap();

    assert_eq!(ledger(&authority), (200, 0, 800));
    assert_eq!((stats.settled, stats.returned, stats.plain, stats.chunks), (100, 1, 0, 1));
    assert_eq!((&stats.spent, stats.requests_saved()), (&tokens(200), 200));
    assert_eq!((sent(&authority, Call::Reserve).len(), authority.requests().len()), (1, 2));
    let [commit] = &commits(&authority)[..] else { panic!("one commit") };
    let actions = json!([
        { "kind": "llm.completion", "name": "small", "count": 50, "amount": 150 },
        { "kind": "llm.completion", "name": "large", "count": 50, "amount": 50 },
    ]);
    let expected = json!({ "chunk": 400, "settled": 100, "returned": 1, "actions": actions });
    assert_eq!(commit["metadata"]["lease"], expected);
    authority.assert_settled();
}

#[tokio::test]
async fn a_breakdown_is_bounded_and_the_rest_of_the_actions_share_a_row() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(400)).await;
    for model in 0..40 {
        lease.for_action("llm.completion", model.to_string()).take(tokens(2)).await.unwrap().commit(tokens(2)).unwrap();
    }
    lease.close().await.unwrap();

    let told = &commits(&authority)[0]["metadata"]["lease"];
    assert_eq!(told["actions"].as_array().unwrap().len(), 15, "sixteen, of which the lease's own was not used");
    assert_eq!(told["other_actions"], json!({ "count": 25, "amount": 50 }));
    assert_eq!(ledger(&authority), (80, 0, 920));
}

#[tokio::test]
async fn another_chunk_is_there_before_the_first_is_used_up() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    lease.try_take(tokens(75)).unwrap().commit(tokens(75)).unwrap();
    assert_eq!(sent(&authority, Call::Reserve).len(), 1);
    lease.try_take(tokens(1)).unwrap().commit(tokens(1)).unwrap();
    until(|| lease.stats().left == tokens(124)).await;
    assert_eq!(sent(&authority, Call::Reserve).len(), 2);

    // The last of the first chunk, and then of the second one, without a wait; the first one is settled.
    lease.try_take(tokens(24)).unwrap().commit(tokens(24)).unwrap();
    lease.try_take(tokens(24)).unwrap().commit(tokens(24)).unwrap();
    until(|| ledger(&authority) == (100, 100, 800)).await;
    lease.close().await.unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (124, 0, 876));
}

#[tokio::test]
async fn whoever_finds_the_lease_empty_waits_for_the_one_chunk_that_is_asked_for() {
    let authority = authority(10_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let all = lease.take(tokens(100)).await.unwrap();
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let lease = lease.clone();
            tokio::spawn(async move { lease.take(tokens(5)).await.unwrap().commit(tokens(5)) })
        })
        .collect();
    for taker in waiting {
        taker.await.unwrap().unwrap();
    }
    let stats = lease.stats();
    assert_eq!((stats.settled, stats.plain), (20, 0));
    assert!(sent(&authority, Call::Reserve).len() <= 3, "one for all that wait, and one more in advance");
    all.commit(tokens(100)).unwrap();
    lease.close().await.unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority).0, 200);
    authority.assert_settled();
}

#[tokio::test]
async fn spend_beyond_the_estimate_comes_out_of_the_lease() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let sub = lease.take(tokens(10)).await.unwrap();
    sub.commit(tokens(60)).unwrap();
    assert_eq!(lease.stats().left, tokens(40));
    assert!(lease.try_take(tokens(41)).is_none());

    // Beyond the chunk it comes out of the next one, so that no commit exceeds its reservation.
    let sub = lease.take(tokens(10)).await.unwrap();
    sub.commit(tokens(90)).unwrap();
    lease.take(tokens(1)).await.unwrap().commit(tokens(1)).unwrap();
    until(|| commits(&authority).len() == 1).await;
    lease.close().await.unwrap();
    client.flush(LONG).await;

    assert_eq!(ledger(&authority), (151, 0, 849));
    let [first, second] = &commits(&authority)[..] else { panic!("two commits") };
    assert_eq!((&first["actual"]["amount"], &second["actual"]["amount"]), (&json!(100), &json!(51)));
    assert_eq!(first["metadata"]["lease"]["carried_out"], 50);
    assert_eq!(second["metadata"]["lease"]["carried_in"], 50);
    authority.assert_settled();
}

#[tokio::test]
async fn a_sub_reservation_that_outlives_its_lease_is_settled_with_its_chunk() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let [long, dropped] = [lease.take(tokens(30)).await.unwrap(), lease.take(tokens(30)).await.unwrap()];
    lease.close().await.unwrap();
    assert_eq!(ledger(&authority), (0, 100, 900));
    drop(dropped);
    long.commit(tokens(20)).unwrap();
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (20, 0, 980));
    authority.assert_settled();
}

#[tokio::test]
async fn a_lease_that_is_dropped_settles_in_the_background() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    lease.take(tokens(30)).await.unwrap().commit(tokens(30)).unwrap();
    drop(lease);
    client.flush(LONG).await;
    assert_eq!(ledger(&authority), (30, 0, 970));
    authority.assert_settled();
}

#[tokio::test]
async fn a_flush_settles_what_was_spent_so_far_and_the_lease_goes_on() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    lease.take(tokens(30)).await.unwrap().commit(tokens(30)).unwrap();
    assert_eq!(client.flush(LONG).await.settled, 1);
    assert_eq!(ledger(&authority), (30, 0, 970));
    lease.take(tokens(30)).await.unwrap().commit(tokens(7)).unwrap();
    assert_eq!(ledger(&authority), (30, 100, 870));
    lease.close().await.unwrap();
    assert_eq!(ledger(&authority), (37, 0, 963));
}

#[tokio::test]
async fn a_shutdown_settles_leases_and_nothing_is_taken_of_them_any_more() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    let running = lease.take(tokens(30)).await.unwrap();
    let ending = tokio::spawn(async move {
        tokio::task::yield_now().await;
        running.commit(tokens(11)).unwrap();
    });
    let report = client.shutdown(LONG).await;
    ending.await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(ledger(&authority), (11, 0, 989));
    assert!(matches!(lease.take(tokens(1)).await, Err(Error::ShutDown)));
    assert!(lease.try_take(tokens(1)).is_none());
    authority.assert_settled();
}

#[tokio::test]
async fn an_amount_in_another_unit_is_reserved_by_itself_and_a_cost_in_one_counts_the_estimate() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let lease = open(&client, tokens(100)).await;
    assert!(lease.try_take(credits(1)).is_none());
    assert!(matches!(lease.take(credits(1)).await, Err(Error::UnitMismatch { .. })));
    let sub = lease.take(tokens(30)).await.unwrap();
    let error = sub.commit(credits(3)).unwrap_err();
    assert_eq!(error.to_string(), "invalid actual.unit: found CREDITS, expected TOKENS, the unit of the reservation");
    assert_eq!(lease.close().await.unwrap().spent, tokens(30));
}

#[tokio::test]
async fn a_lease_of_nothing_or_for_too_long_is_refused_before_anything_is_sent() {
    let authority = authority(1_000).await;
    let client = authority.client("acme");
    let nothing = client.lease(Scope::agent("crawler"), tokens(0)).open().await.unwrap_err();
    assert_eq!(nothing.to_string(), "invalid chunk: found nothing, expected an amount that calls can take parts of");
    let long = client.lease(Scope::agent("crawler"), tokens(1)).settle_every(std::time::Duration::from_secs(4_000));
    let long = long.open().await.unwrap_err();
    assert_eq!(long.to_string(), "invalid settle_every: found 4000s, expected 1 second to 1 hour");
    assert!(authority.requests().is_empty());
}
