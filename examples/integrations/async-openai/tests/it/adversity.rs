//! Streams that do not come to a good end: nothing of what they cost is lost, and nothing stays held.

use cycles_async_openai::ChatError;
use fake_provider::{Answer, Tokens};
use futures_util::StreamExt;
use runcycles::usd;
use runcycles_authority::Authority;

use crate::desk::{BUDGET, Desk, last_commit, microcents, read, request, tariff};

async fn desk() -> Desk {
    Desk::of(Authority::builder().budget(BUDGET, usd!(1)).record_requests(), tariff()).await
}

/// What was committed is the input, by a guess, and so many tokens of output; and it is all there is.
async fn assert_charged_for(desk: &Desk, output: u64) {
    let (spent, held) = desk.spent_and_held().await;
    let commit = last_commit(&desk.authority);
    let input = commit["metrics"]["tokens_input"].as_u64().expect("the input is known");
    assert!((10..100).contains(&input), "{commit}");
    assert_eq!((spent, held), (microcents(input * 250 + output * 1_000), microcents(0)), "{commit}");
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_charged_what_arrived() {
    let desk = desk().await;
    desk.provider.answers(Answer::text("one two three four five").silent_after(3));
    let mut chunks = desk.chat.create_stream(request(Some(50))).await.unwrap();
    for _ in 0..3 {
        chunks.next().await.unwrap().unwrap();
    }
    drop(chunks);
    assert_charged_for(&desk, 4).await; // 14 bytes
    assert_eq!(last_commit(&desk.authority)["metadata"]["settled_after"], "cancellation");
}

#[tokio::test]
async fn a_stream_that_is_dropped_before_its_first_word_is_charged_its_input() {
    let desk = desk().await;
    desk.provider.answers(Answer::text("one two").silent_after(0));
    drop(desk.chat.create_stream(request(Some(50))).await.unwrap());
    let (spent, held) = desk.spent_and_held().await;
    assert!((10 * 250..100 * 250).contains(&spent.value()), "{spent}");
    assert_eq!(held, microcents(0));
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_typed_error_and_what_arrived_is_charged() {
    let desk = desk().await;
    desk.provider.answers(Answer::text("one two three four").broken_after(2));
    let (text, error) = read(desk.chat.create_stream(request(Some(50))).await.unwrap()).await;
    assert!(matches!(error, Some(ChatError::Provider(_))), "{error:?}");
    assert_eq!(text, "one two ");
    assert_charged_for(&desk, 2).await;
    assert_eq!(last_commit(&desk.authority)["metadata"]["settled_after"], "error");
}

#[tokio::test]
async fn an_answer_that_ends_in_the_middle_is_not_taken_for_a_whole_one() {
    let desk = desk().await;
    desk.provider.answers(Answer::text("one two three four").short_after(2));
    let (text, error) = read(desk.chat.create_stream(request(Some(50))).await.unwrap()).await;
    assert!(matches!(error, Some(ChatError::Unfinished)), "{error:?}");
    assert_eq!(text, "one two ");
    assert_charged_for(&desk, 2).await;
}

#[tokio::test]
async fn garbage_ends_a_stream_with_a_typed_error_and_what_arrived_is_charged() {
    for garbage in ["{\"id\":", "[]", "{\"choices\":7}", "\u{0}\u{1}\u{2}", "{\"error\":{\"message\":\"overloaded\"}}"]
    {
        let desk = desk().await;
        desk.provider.answers(Answer::text("one two three four").garbage_after(2, garbage));
        let (text, error) = read(desk.chat.create_stream(request(Some(50))).await.unwrap()).await;
        assert!(matches!(error, Some(ChatError::Provider(_))), "{garbage}: {error:?}");
        assert_eq!(text, "one two ");
        assert_charged_for(&desk, 2).await;
    }
}

#[tokio::test]
async fn what_is_no_stream_at_all_is_charged_its_input_and_ends() {
    let desk = desk().await;
    desk.provider.answers(Answer::raw("<html>\n<body>busy</body>\n</html>"));
    let (text, error) = read(desk.chat.create_stream(request(Some(50))).await.unwrap()).await;
    assert_eq!(text, "");
    assert!(matches!(error, Some(ChatError::Unfinished)), "{error:?}");
    let (spent, held) = desk.spent_and_held().await;
    assert!(spent.value() > 0 && spent.value() < 100 * 250, "{spent}");
    assert_eq!(held, microcents(0));
}

#[tokio::test]
async fn a_provider_that_ignores_the_limit_is_cut() {
    let desk = desk().await;
    desk.provider.answers(Answer::text("on and ").endless());
    let (text, error) = read(desk.chat.create_stream(request(Some(10))).await.unwrap()).await;
    assert!(matches!(error, Some(ChatError::BeyondLimit { limit: 10 })), "{error:?}");
    assert_eq!(text.split_whitespace().count(), 10, "nothing beyond the limit is delivered");
    assert_charged_for(&desk, 11).await;
}

#[tokio::test]
async fn usage_that_says_more_than_was_reserved_is_charged_all_the_same() {
    let desk = desk().await;
    desk.provider.answers(Answer::text("one").tokens(Tokens { prompt: 50_000, ..Tokens::default() }));
    let (_, error) = read(desk.chat.create_stream(request(Some(10))).await.unwrap()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(desk.spent_and_held().await, (microcents(50_000 * 250 + 1_000), microcents(0)));
}

#[tokio::test]
async fn a_stream_that_the_provider_refuses_is_not_charged() {
    let desk = desk().await;
    desk.provider.answers(Answer::refused(400, "no such model"));
    let error = desk.chat.create_stream(request(Some(10))).await.unwrap_err();
    assert!(matches!(error, ChatError::Provider(_)), "{error:?}");
    assert_eq!(desk.spent_and_held().await, (microcents(0), microcents(0)));
}
