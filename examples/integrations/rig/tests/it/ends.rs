//! Runs that do not come to a good end: nothing of what they cost is lost, and nothing stays held.

use fake_provider::{Answer, Tokens};
use futures_util::StreamExt;
use rig_agent::completion::PromptError;
use runcycles::usd;
use runcycles_authority::Call;
use serde_json::json;

use crate::agent::{World, microcents};

/// The tokens of output that were charged, after a guess at the input.
async fn charged_output(world: &World) -> u64 {
    let (spent, held) = world.spent_and_held().await;
    assert_eq!(held, microcents(0));
    let estimate = world.sent(Call::Reserve)[0]["estimate"]["amount"].as_u64().unwrap();
    // The estimate is the input and 50 tokens of output, and a fifth on top.
    let input = estimate * 100 / 120 - 50 * 1_000;
    spent.value().saturating_sub(input) / 1_000
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_charged_what_arrived() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::text("one two three four five").silent_after(3));
    let mut items = world.agent(world.hook()).prompt("Count").stream();
    let mut seen = 0;
    while seen < 3 {
        let item = items.next().await.unwrap().unwrap();
        seen += usize::from(is_text(&item));
    }
    drop(items);
    assert_eq!(charged_output(&world).await, 4, "14 bytes");
}

/// Whether an item is a part of the text.
fn is_text(item: &rig_agent::agent::MultiTurnStreamItem) -> bool {
    let json = serde_json::to_string(item).unwrap();
    ["one", "two", "three"].iter().any(|word| json.contains(word))
}

#[tokio::test]
async fn a_run_that_is_dropped_while_its_model_thinks_holds_nothing() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::text("one two").silent_after(0));
    let mut items = world.agent(world.hook()).prompt("Count").stream();
    // Until the provider has been asked, which is after the hold.
    while world.provider.requests().is_empty() {
        tokio::select! {
            biased;
            item = items.next() => assert!(item.is_some_and(|item| item.is_ok())),
            () = tokio::task::yield_now() => {}
        }
    }
    assert!(world.authority.ledger(crate::agent::BUDGET).unwrap().reserved.value() > 0);
    drop(items);
    assert_eq!(world.spent_and_held().await, (microcents(0), microcents(0)));
}

#[tokio::test]
async fn a_connection_that_breaks_ends_the_run_and_what_arrived_is_charged() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::text("one two three four").broken_after(2));
    let mut items = world.agent(world.hook()).prompt("Count").stream();
    let mut error = None;
    while let Some(item) = items.next().await {
        error = item.err().or(error);
    }
    assert!(error.is_some());
    assert_eq!(charged_output(&world).await, 2, "8 bytes");
}

#[tokio::test]
async fn garbage_ends_the_run_with_a_typed_error_and_what_arrived_is_charged() {
    for garbage in ["{\"id\":", "\u{0}\u{1}\u{2}"] {
        let world = World::with(usd!(1)).await;
        world.provider.answers(Answer::text("one two three four").garbage_after(2, garbage));
        let mut items = world.agent(world.hook()).prompt("Count").stream();
        let mut error = None;
        while let Some(item) = items.next().await {
            error = item.err().or(error);
        }
        assert!(matches!(error, Some(PromptError::Report(_) | PromptError::Provider(_))), "{garbage}: {error:?}");
        assert_eq!(charged_output(&world).await, 2, "{garbage}");
    }
}

#[tokio::test]
async fn an_event_that_rig_reads_over_changes_nothing_about_what_is_charged() {
    let world = World::with(usd!(1)).await;
    let answer = Answer::text("one two three four").tokens(Tokens { prompt: 10, ..Tokens::default() });
    world.provider.answers(answer.garbage_after(2, "{\"choices\":7}"));
    let mut items = world.agent(world.hook()).prompt("Count").stream();
    while let Some(item) = items.next().await {
        item.unwrap();
    }
    assert_eq!(world.spent_and_held().await, (microcents(10 * 250 + 4 * 1_000), microcents(0)));
}

#[tokio::test]
async fn a_provider_that_ignores_the_limit_is_cut() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::text("on and ").endless());
    let mut items = world.agent(world.hook()).prompt("Count").stream();
    let mut error = None;
    while let Some(item) = items.next().await {
        error = item.err().or(error);
    }
    let error = error.expect("the run is stopped");
    assert!(error.to_string().contains("beyond the 50 tokens"), "{error}");
    assert_eq!(charged_output(&world).await, 51);
}

#[tokio::test]
async fn a_provider_that_refuses_is_not_charged_and_the_error_is_rigs_own() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::refused(400, "no such model"));
    let error = world.agent(world.hook()).prompt("Count").await.unwrap_err();
    assert!(error.to_string().contains("no such model"), "{error}");
    assert_eq!(world.spent_and_held().await, (microcents(0), microcents(0)));
}

#[tokio::test]
async fn an_answer_whose_tool_call_is_not_valid_is_charged_though_the_run_fails() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::tool_call("teleport", json!({})).tokens(Tokens { prompt: 10, ..Tokens::default() }));
    let error = world.agent(world.hook()).prompt("Go").await.unwrap_err();
    assert!(error.to_string().contains("teleport"), "{error}");
    let (spent, held) = world.spent_and_held().await;
    assert_eq!(
        (spent.value(), held),
        (world.sent(Call::Reserve)[0]["estimate"]["amount"].as_u64().unwrap(), microcents(0))
    );
}

#[tokio::test]
async fn agents_that_share_a_hook_settle_each_their_own() {
    let world = World::with(usd!(1)).await;
    let agent = world.agent(world.hook());
    for _ in 0..8 {
        world.provider.answers(Answer::text("one two").tokens(Tokens { prompt: 10, ..Tokens::default() }));
    }
    let runs = (0..8).map(|_| async { agent.prompt("Count").await.map(|reply| reply.output()) });
    for output in futures_util::future::join_all(runs).await {
        assert_eq!(output.unwrap(), "one two");
    }
    assert_eq!(world.spent_and_held().await, (microcents(8 * (10 * 250 + 2 * 1_000)), microcents(0)));
}

#[tokio::test]
async fn two_hooks_of_an_agent_charge_each_their_own_budget() {
    let world = World::with(usd!(1)).await;
    world.provider.answers(Answer::text("one two").tokens(Tokens { prompt: 10, ..Tokens::default() }));
    world.agent(world.hook()).prompt("Count").add_hook(world.hook()).await.unwrap();
    assert_eq!(world.spent_and_held().await, (microcents(2 * (10 * 250 + 2 * 1_000)), microcents(0)));
}
