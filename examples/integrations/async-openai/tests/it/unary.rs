//! Answers in one piece.

use cycles_async_openai::{ChatError, Tariff};
use fake_provider::{Answer, Tokens};
use runcycles::models::Caps;
use runcycles::{denial, tokens, usd};
use runcycles_authority::{Authority, Budget};
use serde_json::json;

use crate::desk::{BUDGET, Desk, last_commit, microcents, request, tariff};

#[tokio::test]
async fn a_call_is_charged_what_the_provider_says_it_took() {
    let desk = Desk::of(Authority::builder().budget(BUDGET, usd!(1)).record_requests(), tariff()).await;
    let took = Tokens { prompt: 100, cached: 40, reasoning: 7 };
    desk.provider.answers(Answer::text("because of Rayleigh").tokens(took));

    let reply = desk.chat.create(request(Some(50))).await.unwrap();
    assert_eq!(reply.choices[0].message.content.as_deref(), Some("because of Rayleigh"));
    // 60 tokens of input, 40 from the cache, 3 of text and 7 of reasoning.
    let cost = microcents(60 * 250 + 40 * 125 + (3 + 7) * 1_000);
    assert_eq!(desk.spent_and_held().await, (cost, microcents(0)));
    let metrics = last_commit(&desk.authority)["metrics"].clone();
    assert_eq!((&metrics["tokens_input"], &metrics["tokens_output"]), (&json!(100), &json!(10)));
}

#[tokio::test]
async fn a_call_that_the_budget_does_not_cover_is_not_sent() {
    let desk = Desk::with(usd!(0.0001)).await;
    let error = desk.chat.create(request(Some(500))).await.unwrap_err();
    assert!(matches!(error, ChatError::Budget(_)), "{error:?}");
    assert!(denial(&error).is_some_and(runcycles::Error::is_budget_exceeded));
    let error = desk.chat.create_stream(request(Some(500))).await.unwrap_err();
    assert!(denial(&error).is_some(), "{error:?}");
    assert!(desk.provider.requests().is_empty());
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked() {
    let desk = Desk::with(usd!(1)).await;
    let mut request = request(Some(50));
    request.model = "gpt-9".to_owned();
    let error = desk.chat.create(request).await.unwrap_err();
    assert!(matches!(&error, ChatError::Tariff(cause) if cause.to_string().contains("gpt-9")), "{error:?}");
    assert!(desk.provider.requests().is_empty());
}

#[tokio::test]
async fn a_request_that_sets_no_limit_is_sent_with_one() {
    let desk = Desk::of(Authority::builder().budget(BUDGET, usd!(1)), tariff().most_output(2)).await;
    desk.provider.answers(Answer::text("one two three four"));
    let reply = desk.chat.create(request(None)).await.unwrap();
    assert_eq!(reply.choices[0].message.content.as_deref(), Some("one two "));
    assert_eq!(desk.provider.requests()[0]["max_completion_tokens"], 2);
}

#[tokio::test]
async fn caps_clamp_the_most_tokens_of_a_request() {
    let mut caps = Caps::new();
    caps.max_tokens = Some(3);
    let desk = Desk::with(Budget::new(usd!(1)).caps(caps)).await;
    for most in [Some(50), Some(2), None] {
        desk.provider.answers(Answer::text("one two three four five"));
        desk.chat.create(request(most)).await.unwrap();
        desk.provider.answers(Answer::text("one two three four five"));
        drop(desk.chat.create_stream(request(most)).await.unwrap());
    }
    #[expect(deprecated, reason = "what many compatible providers know")]
    let old = async_openai::types::chat::CreateChatCompletionRequest { max_tokens: Some(50), ..request(None) };
    desk.provider.answers(Answer::text("one"));
    desk.chat.create(old).await.unwrap();

    let sent = desk.provider.requests();
    let limits: Vec<_> = sent.iter().map(|request| request["max_completion_tokens"].as_u64()).collect();
    assert_eq!(limits, [Some(3), Some(3), Some(2), Some(2), Some(3), Some(3), None]);
    assert_eq!(sent[6]["max_tokens"], 3);
}

#[tokio::test]
async fn an_answer_without_usage_is_charged_for_the_estimate_and_marked() {
    let desk = Desk::of(Authority::builder().budget(BUDGET, usd!(1)).record_requests(), tariff()).await;
    desk.provider.answers(Answer::text("because").without_usage());
    desk.chat.create(request(Some(50))).await.unwrap();
    let commit = last_commit(&desk.authority);
    assert_eq!(commit["metadata"]["actual_source"], "estimate");
    assert!(commit["actual"]["amount"].as_u64() > Some(50 * 1_000), "{commit}");
}

#[tokio::test]
async fn what_the_provider_refuses_or_garbles_is_a_typed_error_and_holds_nothing() {
    let desk = Desk::with(usd!(1)).await;
    for answer in [Answer::refused(400, "no such model"), Answer::raw("<html>busy</html>"), Answer::raw("{}")] {
        desk.provider.answers(answer);
        let error = desk.chat.create(request(Some(50))).await.unwrap_err();
        assert!(matches!(error, ChatError::Provider(_)), "{error:?}");
        assert_eq!(desk.spent_and_held().await, (microcents(0), microcents(0)));
    }
}

#[tokio::test]
async fn several_answers_are_reserved_for_each_and_charged_together() {
    let desk = Desk::of(Authority::builder().budget(BUDGET, usd!(1)).record_requests(), tariff()).await;
    desk.provider.answers(Answer::text("one"));
    desk.provider.answers(Answer::text("one"));
    desk.chat.create(request(Some(100))).await.unwrap();
    let several = async_openai::types::chat::CreateChatCompletionRequest { n: Some(4), ..request(Some(100)) };
    desk.chat.create(several).await.unwrap();
    let reserved: Vec<u64> = desk
        .authority
        .requests()
        .iter()
        .filter(|request| request.call == Some(runcycles_authority::Call::Reserve))
        .map(|request| {
            serde_json::from_slice::<serde_json::Value>(&request.body).unwrap()["estimate"]["amount"].as_u64().unwrap()
        })
        .collect();
    assert!(reserved[1] > reserved[0] * 3, "{reserved:?}");
}

#[tokio::test]
async fn tokens_may_be_charged_in_place_of_money() {
    let desk = Desk::of(Authority::builder().budget(BUDGET, tokens(1_000)), Tariff::tokens()).await;
    desk.provider.answers(Answer::text("one two").tokens(Tokens { prompt: 9, cached: 4, reasoning: 5 }));
    desk.chat.create(request(Some(50))).await.unwrap();
    assert_eq!(desk.spent_and_held().await, (tokens(9 + 2 + 5), tokens(0)));
}
