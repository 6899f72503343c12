//! Completions of an agent on a budget.

use fake_provider::{Answer, Tokens};
use futures_util::StreamExt;
use rig_agent::completion::PromptError;
use rig_core::error::ErrorKind;
use runcycles::models::Caps;
use runcycles::{CyclesClient, JournalConfig, Mode, usd};
use runcycles_authority::{Authority, Budget, Call};
use serde_json::json;

use crate::agent::{BUDGET, World, microcents};

#[tokio::test]
async fn a_completion_is_charged_what_the_provider_says_it_took() {
    let world = World::with(usd!(1)).await;
    let took = Tokens { prompt: 100, cached: 40, reasoning: 7 };
    world.provider.answers(Answer::text("because of Rayleigh").tokens(took));

    let reply = world.agent(world.hook()).prompt("Why is the sky blue?").await.unwrap();
    assert_eq!(reply.output(), "because of Rayleigh");
    let cost = microcents(60 * 250 + 40 * 125 + (3 + 7) * 1_000);
    assert_eq!(world.spent_and_held().await, (cost, microcents(0)));
    let commit = &world.sent(Call::Commit)[0];
    assert_eq!((&commit["metrics"]["tokens_input"], &commit["metrics"]["tokens_output"]), (&json!(100), &json!(10)));
    let reserve = &world.sent(Call::Reserve)[0];
    assert_eq!(reserve["action"], json!({ "kind": "llm.completion", "name": "gpt-4o" }));
    assert!(reserve["estimate"]["amount"].as_u64() > Some(50 * 1_000), "all that it may say is held: {reserve}");
}

#[tokio::test]
async fn a_streamed_completion_is_charged_by_the_usage_at_its_end() {
    let world = World::with(usd!(1)).await;
    let took = Tokens { prompt: 100, cached: 40, reasoning: 7 };
    world.provider.answers(Answer::text("because of Rayleigh").tokens(took));
    let mut items = world.agent(world.hook()).prompt("Why is the sky blue?").stream();
    while let Some(item) = items.next().await {
        item.unwrap();
    }
    let cost = microcents(60 * 250 + 40 * 125 + (3 + 7) * 1_000);
    assert_eq!(world.spent_and_held().await, (cost, microcents(0)));
}

#[tokio::test]
async fn a_denied_completion_is_not_sent_and_ends_the_run() {
    let world = World::with(usd!(0.0001)).await;
    let error = world.agent(world.hook()).prompt("Why is the sky blue?").await.unwrap_err();
    let PromptError::Report(report) = &error else { panic!("{error:?}") };
    assert_eq!((&report.kind, report.code.as_deref()), (&ErrorKind::Denied, Some("BUDGET_EXCEEDED")));
    assert!(!report.retryable && report.message.contains("tenant:acme has"), "{report:?}");
    assert!(world.provider.requests().is_empty());
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked() {
    let world = World::with(usd!(1)).await;
    let hook = world.hook().model("default", "gpt-9");
    let error = world.agent(hook).prompt("Why is the sky blue?").await.unwrap_err();
    assert!(error.to_string().contains("gpt-9"), "{error}");
    assert!(world.provider.requests().is_empty() && world.authority.requests().is_empty());
}

#[tokio::test]
async fn the_most_output_is_sent_so_that_the_provider_keeps_to_what_is_held() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::text("because"));
    world.agent(world.hook()).prompt("Why is the sky blue?").await.unwrap();
    assert_eq!(limit(&world), 50);
}

#[tokio::test]
async fn caps_clamp_the_request_and_take_tools_off_it() {
    let mut caps = Caps::new();
    (caps.max_tokens, caps.tool_denylist) = (Some(7), vec!["broken".to_owned()]);
    let world = World::of(Authority::builder().budget(BUDGET, Budget::new(usd!(1)).caps(caps))).await;
    world.provider.answers(Answer::text("because"));
    world.agent(world.hook()).prompt("Why is the sky blue?").await.unwrap();

    let request = world.provider.requests().remove(0);
    let tools: Vec<_> = request["tools"].as_array().unwrap().iter().map(|tool| &tool["function"]["name"]).collect();
    assert_eq!((limit(&world), tools), (7, vec![&json!("search")]));
}

#[tokio::test]
async fn an_answer_without_usage_is_charged_for_the_estimate_and_marked() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::text("because").without_usage());
    world.agent(world.hook()).prompt("Why is the sky blue?").await.unwrap();
    let commit = &world.sent(Call::Commit)[0];
    assert_eq!(commit["metadata"]["actual_source"], "estimate");
    assert_eq!(commit["actual"], world.sent(Call::Reserve)[0]["estimate"]);
}

#[tokio::test]
async fn a_streamed_answer_without_usage_is_charged_by_its_length() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::text(&"word ".repeat(8)).without_usage());
    let mut items = world.agent(world.hook()).prompt("Why is the sky blue?").stream();
    while let Some(item) = items.next().await {
        item.unwrap();
    }
    let (commit, reserve) = (&world.sent(Call::Commit)[0], &world.sent(Call::Reserve)[0]);
    let (charged, held) = (commit["actual"]["amount"].as_u64(), reserve["estimate"]["amount"].as_u64());
    // 40 bytes are 10 of the 50 tokens that it might have had.
    // What is held has a fifth on top.
    assert_eq!(charged, held.map(|held| held * 5 / 6 - 40 * 1_000));
    assert_eq!(commit["metadata"].get("actual_source"), None);
}

#[tokio::test]
async fn caps_do_not_narrow_an_agent_that_is_only_watched() {
    let mut caps = Caps::new();
    (caps.max_tokens, caps.tool_denylist) = (Some(7), vec!["broken".to_owned()]);
    let world = World::of(Authority::builder().budget(BUDGET, Budget::new(usd!(1)).caps(caps))).await;
    world.provider.answers(Answer::text("because"));
    world.agent(world.hook().client(shadow(&world))).prompt("Why is the sky blue?").await.unwrap();
    let request = world.provider.requests().remove(0);
    assert_eq!((limit(&world), request["tools"].as_array().map(Vec::len)), (50, Some(2)));
}

#[tokio::test]
async fn an_agent_that_is_only_watched_runs_whatever_the_budget_says() {
    let world = World::with(usd!(0.0001)).await;
    world.provider.answers(Answer::text("because"));
    let agent = world.agent(world.hook().client(shadow(&world)));
    assert_eq!(agent.prompt("Why is the sky blue?").await.unwrap().output(), "because");
    assert_eq!(world.spent_and_held().await, (microcents(0), microcents(0)));
}

/// A client that watches and holds nothing to anything.
fn shadow(world: &World) -> CyclesClient {
    CyclesClient::builder(world.authority.api_key("acme"), "http://in-process")
        .tenant("acme")
        .transport(world.authority.transport())
        .journal(JournalConfig::disabled())
        .mode(Mode::Shadow)
        .build()
}

/// The most tokens of the last request.
fn limit(world: &World) -> u64 {
    let request = world.provider.requests().pop().expect("something was asked");
    let limit = request["max_completion_tokens"].as_u64().or_else(|| request["max_tokens"].as_u64());
    limit.expect("a limit is sent")
}
