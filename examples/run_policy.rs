//! A policy for each run: at most 500 credits and at most 10 steps, with a smaller model once 400 credits are spent.
//!
//! `cargo run --example run_policy`

use runcycles::admin::Admin;
use runcycles::models::Amount;
use runcycles::{Error, Run, Scope, StartRun, credits, cycles};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, llm, show};

/// The policy of every run of the research agent.
fn policy(admin: &Admin, id: &str) -> StartRun {
    Run::start(admin, Scope::workflow("research-agent").agent(id).dimension("run", id))
        .budget(credits(500))
        .max_steps(10)
        .downgrade_after(credits(400))
}

/// One thought of the agent.
#[cycles(price, "llm.completion", action_name = model)]
async fn think(model: &str, price: Amount) -> Result<String, Error> {
    Ok(llm(model, "and then?").await.text)
}

/// Thinks, with a large model first and with a small one when credits run low, until the run is stopped.
async fn research(run: &Run, large: u64, small: u64) -> Result<(u64, u64), Error> {
    let (mut with_large, mut with_small) = (0, 0);
    loop {
        let (model, price, count) = if run.should_downgrade() {
            ("small", credits(small), &mut with_small)
        } else {
            ("large", credits(large), &mut with_large)
        };
        match run.step(think(model, price)).await {
            Ok(_) => *count += 1,
            Err(Error::BudgetExceeded { message, .. }) => {
                println!("{with_large} large and {with_small} small steps; then: {message}");
                return Ok((with_large, with_small));
            }
            Err(error) => return Err(error),
        }
    }
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Large and small steps of a run of 45 and 10 credits a step, which ends by its steps.
    pub(crate) frugal: (u64, u64),
    /// What that leaves of its credits.
    pub(crate) frugal_left: Option<String>,
    /// Those of a run of 60 credits a step, which ends by its credits.
    pub(crate) dear: (u64, u64),
    /// What that leaves.
    pub(crate) dear_left: Option<String>,
    /// How often the models were called.
    pub(crate) calls: Calls,
}

/// Two runs under the same policy.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority =
        Authority::builder().budget("tenant:acme-corp", credits(10_000)).admin_key("operator").start().await?;
    let admin = Admin::builder("operator", "http://authority").transport(authority.transport()).build();
    let client = authority.client("acme-corp");

    show("before", &client).await?;
    let told = async {
        let frugal = research(&policy(&admin, "run-1").await?, 45, 10).await?;
        let dear = research(&policy(&admin, "run-2").await?, 60, 60).await?;
        Ok::<_, Error>((frugal, dear))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (frugal, dear) = told?;
    println!();
    show("after", &client).await?;

    let left = |run: &str| {
        let ledger = authority.ledger(&format!("tenant:acme-corp/workflow:research-agent/agent:{run}"));
        ledger.map(|ledger| ledger.remaining.to_string())
    };
    Ok(Numbers { frugal, frugal_left: left("run-1"), dear, dear_left: left("run-2"), calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} calls of models in all", numbers.calls.total());
    Ok(())
}
