//! A place to start: one agent of one's own. Every run has a budget, a cheaper model stands in when it runs low, and the user is
//! told.
//!
//! `cargo run --example start_single`

use runcycles::admin::Admin;
use runcycles::{Degraded, Error, Run, Scope, cycles, ladder, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show};

/// The model that should answer. The tier `normal` leaves a quarter of the run's budget for finishing with the other one.
#[cycles(usd!(0.02), "llm.completion", action_name = "gpt-4o", priority = "normal", actual = Reply::cost)]
async fn large(prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", prompt).await)
}

/// The model that finishes.
#[cycles(usd!(0.002), "llm.completion", action_name = "gpt-4o-mini", actual = Reply::cost)]
async fn small(prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o-mini", prompt).await)
}

async fn step(prompt: &str) -> Result<Degraded<Reply>, Error> {
    ladder![large(prompt), small(prompt)].await
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Steps with the large model.
    pub(crate) full: u64,
    /// Steps with the small one.
    pub(crate) reduced: u64,
    /// What the run has left.
    pub(crate) left: Option<String>,
    /// How often the models were called.
    pub(crate) calls: Calls,
}

/// An agent that never finishes, in a run with twenty cents.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder().tenant("acme-corp").admin_key("operator").start().await?;
    // With a server: CyclesClient::from_env()? and Admin::from_env()?.
    let client = authority.client("acme-corp");
    let admin = Admin::builder("operator", "http://authority").transport(authority.transport()).build();

    let run = Run::start(&admin, Scope::workflow("run-1")).client(&client).budget(usd!(0.20)).await?;
    show("before", &client).await?;
    let told = run.scope(async {
        let (mut full, mut reduced) = (0, 0);
        loop {
            match step("and then?").await {
                Ok(answer) if answer.is_degraded() => reduced += 1,
                Ok(_) => full += 1,
                Err(Error::BudgetExceeded { .. }) => {
                    println!("Agent stopped: budget limit for this run reached.\n");
                    return Ok::<_, Error>((full, reduced));
                }
                Err(error) => return Err(error),
            }
        }
    });
    let (told, calls) = count_calls(told).await;
    let (full, reduced) = told?;
    show("after", &client).await?;

    let left = authority.ledger(run.path().as_str()).map(|ledger| ledger.remaining.to_string());
    Ok(Numbers { full, reduced, left, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} steps, and {} more with the small model", numbers.full, numbers.reduced);
    Ok(())
}
