//! Tools of an agent on a budget.

use fake_provider::Answer;
use runcycles::models::Caps;
use runcycles::{risk_points, usd};
use runcycles_authority::{Authority, Call, Policy};
use serde_json::{Value, json};

use crate::agent::{BUDGET, World, microcents};

/// Asks for a tool, and answers then.
fn calls(world: &World, tool: &str) {
    world.provider.answers(Answer::tool_call(tool, json!({})).without_usage());
    world.provider.answers(Answer::text("done").without_usage());
}

/// What the model was told of its tool call.
fn told(world: &World) -> String {
    let request = world.provider.requests().pop().expect("the model was asked again");
    let messages = request["messages"].as_array().expect("there are messages");
    let result = messages.iter().rev().find(|message| message["role"] == "tool").expect("there is a result");
    result["content"].to_string()
}

/// What was committed for tools.
fn charged_for_tools(world: &World) -> Vec<Value> {
    let commits = world.sent(Call::Commit).into_iter();
    commits
        .filter(|commit| commit["metrics"]["model_version"].is_null())
        .map(|commit| commit["actual"]["amount"].clone())
        .collect()
}

#[tokio::test]
async fn a_tool_is_charged_its_price_under_its_own_name() {
    let world = World::with(usd!(1)).await;
    calls(&world, "search");
    let agent = world.agent(world.hook().tools(usd!(0.01)));
    assert_eq!(agent.prompt("Look it up").await.unwrap().output(), "done");

    let reserves = world.sent(Call::Reserve);
    let (action, toolset) = (&reserves[1]["action"], &reserves[1]["subject"]["toolset"]);
    assert_eq!((action, toolset), (&json!({ "kind": "tool.call", "name": "search" }), &json!("search")));
    assert_eq!(charged_for_tools(&world), [json!(1_000_000)]);
    assert_eq!(world.spent_and_held().await.1, microcents(0));
}

#[tokio::test]
async fn a_denied_tool_is_skipped_and_the_model_reads_why() {
    let world =
        World::of(Authority::builder().budget(BUDGET, usd!(1)).budget("tenant:acme/toolset:search", usd!(0))).await;
    calls(&world, "search");
    let agent = world.agent(world.hook().tools(usd!(0.01)));
    assert_eq!(agent.prompt("Look it up").await.unwrap().output(), "done", "the run goes on");
    assert_eq!(world.runs(), 0);
    assert!(told(&world).contains("`search` was not run: it may cost $0.01, with $0.00 left."), "{}", told(&world));
}

#[tokio::test]
async fn tools_may_be_rated_by_risk_in_a_budget_of_their_own() {
    let world =
        World::of(Authority::builder().budget(BUDGET, usd!(1)).budget("tenant:acme/toolset:search", risk_points(5)))
            .await;
    calls(&world, "search");
    let agent = world.agent(world.hook().tools_by(|_| risk_points(10)));
    agent.prompt("Look it up").await.unwrap();
    assert!(told(&world).contains("rated at 10 risk points"), "{}", told(&world));
    assert_eq!(world.runs(), 0);
}

#[tokio::test]
async fn a_tool_that_the_caps_leave_out_does_not_run_and_costs_nothing() {
    let mut caps = Caps::new();
    caps.tool_denylist = vec!["search".to_owned()];
    // For the tool's own calls alone, so that the model is offered it.
    let policy = Policy::new("no search", "tenant:acme/toolset:search").caps(caps);
    let world =
        World::of(Authority::builder().budget(BUDGET, usd!(1)).policy("acme", policy).evaluate_policies()).await;
    calls(&world, "search");
    world.agent(world.hook().tools(usd!(0.01))).prompt("Look it up").await.unwrap();
    assert!(told(&world).contains("not among the tools that may be used"), "{}", told(&world));
    assert_eq!((world.runs(), charged_for_tools(&world)), (0, vec![]));
    assert_eq!(world.spent_and_held().await.1, microcents(0));
}

#[tokio::test]
async fn a_tool_that_fails_is_paid_for_unless_failures_are_released() {
    for (releases, expected) in [(false, vec![json!(1_000_000)]), (true, vec![])] {
        let world = World::with(usd!(1)).await;
        calls(&world, "broken");
        let hook = world.hook().tools(usd!(0.01));
        let hook = if releases { hook.release_failures() } else { hook };
        world.agent(hook).prompt("Break it").await.unwrap();
        assert_eq!(world.spent_and_held().await.1, microcents(0));
        assert_eq!((world.runs(), charged_for_tools(&world)), (1, expected), "{releases}");
    }
}

#[tokio::test]
async fn a_model_that_calls_a_tool_again_and_again_is_stopped_by_its_budget() {
    let world = World::with(usd!(0.012)).await;
    for _ in 0..20 {
        world.provider.answers(Answer::tool_call("search", json!({})));
    }
    let agent = world.agent(world.hook().tools(usd!(0.003)));
    let error = agent.prompt("Look it up for ever").max_turns(20).await.unwrap_err();
    assert!(world.runs() <= 4, "{}", world.runs());
    assert!(matches!(
        error,
        rig_agent::completion::PromptError::Report(_) | rig_agent::completion::PromptError::MaxTurns { .. }
    ));
    let (spent, held) = world.spent_and_held().await;
    assert!(spent.value() <= 1_200_000, "{spent}");
    assert_eq!(held, microcents(0));
}
