//! Two dollars for every run of an agent that does not know when to stop: by an argument, or by a scope around the run.
//!
//! `cargo run --example agent_loop`

use runcycles::{Error, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show};

const STOPPED: &str = "Agent stopped: budget limit for this run reached.";

#[cycles(usd!(0.02), "llm.completion", workflow = run_id)]
async fn think(run_id: &str, prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", prompt).await)
}

/// Thinks until it knows, or until the run's budget is used up.
async fn agent(run_id: &str) -> Result<String, Error> {
    loop {
        match think(run_id, "what next?").await {
            Ok(reply) if reply.text.contains("done") => return Ok(reply.text),
            Ok(_) => {}
            Err(Error::BudgetExceeded { .. }) => return Ok(STOPPED.to_owned()),
            Err(error) => return Err(error),
        }
    }
}

/// The same without an argument: it belongs to the run around it.
#[cycles(usd!(0.02), "llm.completion")]
pub(crate) async fn step(prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", prompt).await)
}

/// Steps on, whatever run it is part of.
async fn steps() -> Result<String, Error> {
    loop {
        match step("what next?").await {
            Ok(reply) if reply.text.contains("done") => return Ok(reply.text),
            Ok(_) => {}
            Err(Error::BudgetExceeded { .. }) => {
                // A task of its own carries the run along, and is no way around its budget.
                let child = tokio::spawn(runcycles::carry(step("and in a task of my own?")));
                return match child.await {
                    Ok(Err(Error::BudgetExceeded { .. })) => Ok(STOPPED.to_owned()),
                    _ => Ok("the task escaped its run".to_owned()),
                };
            }
            Err(error) => return Err(error),
        }
    }
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// What the run by an argument ended with, and its calls.
    pub(crate) by_argument: (String, Calls),
    /// What the run by a scope ended with, and its calls.
    pub(crate) by_scope: (String, Calls),
}

/// Two runs that never come to an end by themselves.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder()
        .budget("tenant:acme-corp/workflow:run-xyz-789", usd!(2))
        .budget("tenant:acme-corp/workflow:run-xyz-790", usd!(2))
        .start()
        .await?;
    let client = authority.client("acme-corp");

    show("before", &client).await?;
    let (ended, calls) = count_calls(client.run(agent("run-xyz-789"))).await;
    let by_argument = (ended?, calls);
    println!("run-xyz-789, {} calls: {}", by_argument.1.total(), by_argument.0);

    let run = client.scoped(Scope::workflow("run-xyz-790"));
    let (ended, calls) = count_calls(run.run(steps())).await;
    let by_scope = (ended?, calls);
    println!("run-xyz-790, {} calls: {}\n", by_scope.1.total(), by_scope.0);
    show("after", &client).await?;
    Ok(Numbers { by_argument, by_scope })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
