//! Streams that say what a test wrote.

use std::future::poll_fn;
use std::time::Duration;

use futures_core::Stream;
use runcycles::{CyclesClient, Error, Reserve, cycles, metered, tokens};
use runcycles_authority::Authority;
use runcycles_authority::testing::{ScriptedStream, collect};
use tokio::time::Instant;

async fn of_tokens(amount: u64) -> (Authority, CyclesClient) {
    let builder = Authority::builder().budget("tenant:acme", tokens(amount)).record_requests();
    let authority = builder.start().await.expect("a valid set-up");
    let client = authority.client("acme");
    (authority, client)
}

fn ask(estimate: u64) -> Reserve<runcycles::models::Action, runcycles::models::Amount> {
    Reserve::new("llm.completion", "gpt-4o").estimate(tokens(estimate))
}

#[tokio::test]
async fn usage_at_the_end_is_what_the_stream_cost() {
    let (authority, client) = of_tokens(100).await;
    let guard = client.reserve(ask(30)).await.expect("an allowance");

    let words: ScriptedStream<_> = ScriptedStream::of(["the", "sky"]).usage(tokens(17));
    let heard = collect(metered(guard, words, |word: &&str| word.len())).await;

    assert_eq!(heard.into_iter().map(|word| word.expect("a word")).collect::<Vec<_>>(), ["the", "sky"]);
    authority.assert_spent("tenant:acme", tokens(17));
    authority.assert_settled();
}

#[tokio::test]
async fn a_stream_that_is_cut_is_let_go_of() {
    let (authority, client) = of_tokens(8).await;
    let guard = client.reserve(ask(4)).await.expect("an allowance");

    let words: ScriptedStream<_> = ScriptedStream::of(["four", "four", "four", "four"]);
    let watch = words.watch();
    let heard = collect(metered(guard, words, |word: &&str| word.len())).await;
    client.flush(Duration::from_secs(1)).await;

    assert!(matches!(heard.last(), Some(Err(Error::StreamCut(_)))), "{heard:?}");
    assert_eq!((heard.len(), watch.items(), watch.is_dropped(), watch.is_finished()), (3, 3, true, false));
    authority.assert_spent("tenant:acme", tokens(8));
    authority.assert_settled();
}

#[cycles(tokens(10), "llm.completion", client = client, actual = |word| tokens(word.len() as u64))]
fn answer(client: &CyclesClient, script: ScriptedStream<String>) -> impl Stream<Item = Result<String, Error>> {
    script
}

#[tokio::test]
async fn the_attribute_takes_a_script_for_a_stream() {
    let (authority, client) = of_tokens(100).await;
    let script = ScriptedStream::new().item("the".to_owned()).error(Error::Validation(broken())).item("sky".to_owned());

    let heard = collect(answer(&client, script)).await;

    assert_eq!(heard.iter().filter(|word| word.is_err()).count(), 1);
    assert_eq!(heard.len(), 3);
    authority.assert_spent("tenant:acme", tokens(6));
}

fn broken() -> runcycles::models::ValidationError {
    runcycles::Scope::agent("").validate().expect_err("an empty value")
}

#[tokio::test(start_paused = true)]
async fn pauses_go_by_the_clock_of_tokio_and_a_stall_never_ends() {
    let script = ScriptedStream::<_, Error>::of([1]).pause(Duration::from_secs(3_600)).item(2).stall().item(3);
    let watch = script.watch();
    let mut stream = Box::pin(script);
    let start = Instant::now();
    let mut next = async || poll_fn(|waker| stream.as_mut().poll_next(waker)).await;

    assert!(matches!(next().await, Some(Ok(1))));
    assert!(matches!(next().await, Some(Ok(2))));
    assert_eq!(start.elapsed(), Duration::from_secs(3_600));
    for _ in 0..2 {
        assert!(tokio::time::timeout(Duration::from_secs(86_400), next()).await.is_err());
    }
    assert_eq!((watch.items(), watch.is_finished()), (2, false));
}

#[tokio::test]
async fn packets_end_anywhere_and_garbage_is_no_text() {
    let body = "data: a\n\ndata: ü\n\n";
    let packets: Vec<Result<Vec<u8>, Error>> = collect(ScriptedStream::packets(body, 4).garbage()).await;
    let mut packets: Vec<_> = packets.into_iter().map(|packet| packet.expect("a packet")).collect();

    let garbage = packets.pop().expect("garbage");
    assert!(std::str::from_utf8(&garbage).is_err() && serde_json::from_slice::<serde_json::Value>(&garbage).is_err());
    assert!(packets.iter().all(|packet| packet.len() <= 4));
    assert_eq!(packets.concat(), body.as_bytes());
}

#[tokio::test]
async fn usage_in_another_unit_is_a_mistake_of_the_test() {
    let (_authority, client) = of_tokens(100).await;
    let guard = client.reserve(ask(10)).await.expect("an allowance");
    let words: ScriptedStream<_> = ScriptedStream::of(["a"]).usage(runcycles::credits(1));
    let mut stream = Box::pin(metered(guard, words, |_: &&str| 1_u64));

    let task = tokio::spawn(async move { while poll_fn(|waker| stream.as_mut().poll_next(waker)).await.is_some() {} });

    let panic = task.await.expect_err("a panic").into_panic();
    let message = panic.downcast::<String>().expect("a message");
    assert!(message.starts_with("expected usage in the unit of the reservation, TOKENS, found"), "{message}");
}
