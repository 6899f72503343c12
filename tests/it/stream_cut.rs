//! Streams that are cut: what they have delivered is never more than was authorised.

use std::error::Error as _;

use proptest::prelude::*;
use runcycles::{CyclesClient, Error, Reserve, Settlement, StreamCut, denial, metered, tokens, usd};
use runcycles_authority::Authority;
use serde_json::json;

use crate::support::clock::settle;
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;
use crate::support::stream::{collect, items, made, next};

#[tokio::test(start_paused = true)]
async fn a_stream_on_a_budget_of_five_cents_is_cut_before_it_delivers_more() {
    let authority = Authority::builder().budget("tenant:acme", usd!(0.05)).start().await.unwrap();
    let client = authority.client("acme");
    let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.01))).await.unwrap();
    let mut tokens_given = 0_u32;
    let endless = made(|| {
        tokens_given += 1;
        Some(Ok::<_, Error>(usd!(0.0007)))
    });
    let mut stream = metered(guard, endless, Clone::clone);

    let mut delivered = 0;
    let cut = loop {
        match next(&mut stream).await.unwrap() {
            Ok(chunk) => delivered += chunk.value(),
            Err(Error::StreamCut(cut)) => break cut,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(next(&mut stream).await.is_none());
    settle().await;

    // 71 chunks of $0.0007 fit into $0.05, and a 72nd does not.
    assert_eq!((delivered, cut.delivered.value()), (4_970_000, 4_970_000));
    assert_eq!(cut.delivered, usd!(0.0497));
    assert!(cut.authorised.value() <= usd!(0.05).value());
    assert!(matches!(cut.settlement, Ok(Settlement::Committed { .. })), "{cut:?}");
    assert!(denial(&*cut).is_some_and(Error::is_budget_exceeded));
    let ledger = authority.ledger("tenant:acme").unwrap();
    assert_eq!((ledger.spent.value(), ledger.reserved.value()), (delivered, 0));
}

#[tokio::test(start_paused = true)]
async fn a_cut_tells_what_was_delivered_what_was_not_and_why() {
    let script = Script::new();
    script.next(Route::Reserve, [reply::Reply::Pass]);
    script.always(Route::Reserve, reply::refusal(409, "BUDGET_FROZEN"));
    let guard = script.client().reserve(Reserve::new("a", "b").estimate(tokens(10))).await.unwrap();
    let items = collect(metered(guard, items([4, 9, 1].map(Ok::<u64, Error>)), |size| *size), 2).await;
    let Err(Error::StreamCut(cut)) = &items[1] else { panic!("{items:?}") };
    let StreamCut { delivered, authorised, withheld, cause, .. } = &**cut;
    assert_eq!((delivered, authorised, withheld), (&tokens(4), &tokens(10), &tokens(9)));
    assert!(cause.is_blocked());
    assert_eq!(
        cut.to_string(),
        "stream cut after 4 tokens, before an item of 9 tokens: no more than 10 tokens was authorised"
    );
    assert!(cut.source().is_some_and(|source| source.to_string().starts_with("blocked: ")));
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!(commit["actual"]["amount"], 4);
    assert_eq!(commit["metadata"], json!({ "settled_after": "cut", "withheld": 9 }));
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_authority_is_gone_delivers_what_it_was_granted_and_no_more() {
    let script = Script::new();
    script.next(Route::Reserve, [reply::Reply::Pass]);
    script.always(Route::Reserve, reply::timeout());
    let guard = script.client().reserve(Reserve::new("a", "b").estimate(tokens(10))).await.unwrap();
    let items = collect(metered(guard, items([6, 4, 1].map(Ok::<u64, Error>)), |size| *size), 3).await;
    assert!(items[..2].iter().all(Result::is_ok));
    let Err(Error::StreamCut(cut)) = &items[2] else { panic!("{items:?}") };
    assert!(matches!(cut.cause, Error::Transport(_)), "{cut:?}");
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 10);
}

#[tokio::test(start_paused = true)]
async fn a_cut_drops_the_stream_before_it_is_told() {
    struct Provider(std::sync::Arc<()>);
    let script = Script::new();
    script.next(Route::Reserve, [reply::Reply::Pass]);
    script.always(Route::Reserve, reply::refusal(409, "BUDGET_EXCEEDED"));
    let alive = std::sync::Arc::new(());
    let provider = Provider(std::sync::Arc::clone(&alive));
    let guard = script.client().reserve(Reserve::new("a", "b").estimate(tokens(10))).await.unwrap();
    let mut stream =
        metered(guard, made(move || Some(Ok::<_, Error>(std::sync::Arc::strong_count(&provider.0)))), |_| 8);
    assert!(next(&mut stream).await.unwrap().is_ok());
    assert!(next(&mut stream).await.unwrap().is_err());
    assert_eq!(std::sync::Arc::strong_count(&alive), 1, "the provider is hung up on");
}

/// Reads streams side by side until each ends, and returns what each delivered and the item before which it was cut.
async fn read(client: &CyclesClient, estimate: u64, streams: Vec<Vec<u64>>) -> Vec<(u64, u64, Option<u64>)> {
    let mut tasks = tokio::task::JoinSet::new();
    for sizes in streams {
        let client = client.clone();
        tasks.spawn(async move {
            let reserve = Reserve::new("llm.completion", "gpt-4o").estimate(tokens(estimate));
            let Ok(guard) = client.reserve(reserve).await else { return (0, 0, None) };
            let mut stream = metered(guard, items(sizes.into_iter().map(Ok::<u64, Error>)), |size| *size);
            let (mut delivered, mut withheld) = (0, None);
            while let Some(item) = next(&mut stream).await {
                match item {
                    Ok(size) => delivered += size,
                    Err(Error::StreamCut(cut)) => withheld = Some(cut.withheld.value()),
                    Err(error) => panic!("{error}"),
                }
                assert!(delivered <= stream.authorised().value());
                tokio::task::yield_now().await;
            }
            assert_eq!(stream.delivered().value(), delivered);
            (delivered, stream.authorised().value(), withheld)
        });
    }
    tasks.join_all().await
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_stream_delivers_what_fits_its_budget_and_is_charged_exactly_that(
        budget in 0..2_000_u64,
        estimate in 0..300_u64,
        sizes in prop::collection::vec(0..120_u64, 0..60),
    ) {
        run(async {
            let authority = Authority::builder().budget("tenant:acme", tokens(budget)).start().await.unwrap();
            let ends = read(&authority.client("acme"), estimate, vec![sizes.clone()]).await;
            settle().await;
            let (delivered, authorised, withheld) = ends[0];
            assert!(delivered <= authorised && authorised <= budget);
            match withheld {
                Some(withheld) => assert!(delivered + withheld > budget, "it was cut with room for the item"),
                None if estimate > budget => assert_eq!(delivered, 0),
                None => assert_eq!(delivered, sizes.iter().sum::<u64>()),
            }
            let ledger = authority.ledger("tenant:acme").unwrap();
            assert_eq!((ledger.spent.value(), ledger.reserved.value()), (delivered, 0));
        });
    }

    #[test]
    fn streams_side_by_side_never_deliver_more_than_their_common_budget(
        budget in 0..2_000_u64,
        estimate in 0..200_u64,
        streams in prop::collection::vec(prop::collection::vec(0..120_u64, 0..40), 1..6),
    ) {
        run(async {
            let authority = Authority::builder().budget("tenant:acme", tokens(budget)).start().await.unwrap();
            let ends = read(&authority.client("acme"), estimate, streams.clone()).await;
            settle().await;
            let delivered: u64 = ends.iter().map(|(delivered, ..)| delivered).sum();
            assert!(delivered <= budget);
            let ledger = authority.ledger("tenant:acme").unwrap();
            assert_eq!((ledger.spent.value(), ledger.reserved.value()), (delivered, 0));
        });
    }
}
