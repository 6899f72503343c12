//! Answers that flow.

use fake_provider::{Answer, Tokens};
use futures_util::StreamExt;
use runcycles::usd;
use runcycles_authority::Authority;
use serde_json::json;

use crate::desk::{BUDGET, Desk, last_commit, microcents, read, request, tariff};

#[tokio::test]
async fn a_stream_is_charged_by_the_usage_at_its_end() {
    let desk = Desk::of(Authority::builder().budget(BUDGET, usd!(1)).record_requests(), tariff()).await;
    let took = Tokens { prompt: 100, cached: 40, reasoning: 7 };
    desk.provider.answers(Answer::text("because of Rayleigh").tokens(took));

    let (text, error) = read(desk.chat.create_stream(request(Some(50))).await.unwrap()).await;
    assert_eq!((text.as_str(), error.map(|error| error.to_string())), ("because of Rayleigh", None));
    let cost = microcents(60 * 250 + 40 * 125 + (3 + 7) * 1_000);
    assert_eq!(desk.spent_and_held().await, (cost, microcents(0)));
    assert_eq!(desk.provider.requests()[0]["stream_options"], json!({ "include_usage": true }));

    let commit = last_commit(&desk.authority);
    assert_eq!(commit["metadata"]["actual_source"], "usage");
    assert_eq!((&commit["metrics"]["tokens_input"], &commit["metrics"]["tokens_output"]), (&json!(100), &json!(10)));
    assert!(commit["metrics"]["latency_ms"].is_u64());
}

#[tokio::test]
async fn a_tool_call_comes_through_in_parts_and_is_charged() {
    let desk = Desk::with(usd!(1)).await;
    let arguments = json!({ "city": "Zürich" });
    let took = Tokens { prompt: 10, ..Tokens::default() };
    desk.provider.answers(Answer::tool_call("get_weather", arguments.clone()).tokens(took));

    let mut chunks = desk.chat.create_stream(request(Some(50))).await.unwrap();
    let (mut name, mut written) = (String::new(), String::new());
    while let Some(chunk) = chunks.next().await {
        let calls = chunk.unwrap().choices.into_iter().filter_map(|choice| choice.delta.tool_calls).flatten();
        for function in calls.filter_map(|call| call.function) {
            name.extend(function.name);
            written.extend(function.arguments);
        }
    }
    assert_eq!((name.as_str(), written), ("get_weather", arguments.to_string()));
    assert_eq!(desk.spent_and_held().await, (microcents(10 * 250 + 10 * 1_000), microcents(0)));
}

#[tokio::test]
async fn a_stream_without_usage_is_charged_by_its_length() {
    let desk = Desk::of(Authority::builder().budget(BUDGET, usd!(1)).record_requests(), tariff()).await;
    desk.provider.answers(Answer::text(&"word ".repeat(40)).without_usage());
    let (_, error) = read(desk.chat.create_stream(request(Some(50))).await.unwrap()).await;
    assert!(error.is_none(), "{error:?}");

    let commit = last_commit(&desk.authority);
    assert_eq!(commit["metadata"]["actual_source"], "count");
    let output = commit["metrics"]["tokens_output"].as_u64().unwrap();
    assert_eq!(output, 50, "200 bytes are 50 tokens");
    let input = commit["metrics"]["tokens_input"].as_u64().unwrap();
    assert_eq!(desk.spent_and_held().await, (microcents(input * 250 + output * 1_000), microcents(0)));
}

#[tokio::test]
async fn what_a_stream_holds_covers_all_that_it_may_say() {
    let desk = Desk::with(usd!(1)).await;
    desk.provider.answers(Answer::text("one two three").silent_after(1));
    let chunks = desk.chat.create_stream(request(Some(50))).await.unwrap();
    let ledger = desk.authority.ledger(BUDGET).unwrap();
    assert!(ledger.reserved.value() > 50 * 1_000, "{ledger}");
    drop(chunks);
}
