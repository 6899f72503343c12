//! What one run of each workflow may spend. Every run has a budget of its own below its workflow, and a workflow without a cap
//! does not start.
//!
//! `cargo run --example workflow_caps`

use std::collections::BTreeMap;

use runcycles::admin::Admin;
use runcycles::{Error, Run, WorkflowCaps, cycles, usd, workflow_caps};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, llm, show};

static CAPS: WorkflowCaps = workflow_caps! {
    "code-review" => usd!(2),
    "deep-research" => usd!(25),
    "summarization" => usd!(5),
    "chat" => usd!(1),
};

/// A step of any workflow: it belongs to the run that it is taken in.
#[cycles(usd!(0.10), "llm.completion", action_name = "gpt-4o")]
async fn step(prompt: &str) -> Result<String, Error> {
    Ok(llm("gpt-4o", prompt).await.text)
}

/// Takes steps until the run's budget is used up.
async fn work(run: &Run) -> Result<u64, Error> {
    run.scope(async {
        let mut steps = 0;
        loop {
            match step("go on").await {
                Ok(_) => steps += 1,
                Err(Error::BudgetExceeded { message, .. }) => {
                    println!("{steps} steps; then: {message}");
                    return Ok(steps);
                }
                Err(error) => return Err(error),
            }
        }
    })
    .await
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// How many steps a run of each workflow took.
    pub(crate) steps: BTreeMap<&'static str, u64>,
    /// How many another run of code review took after that.
    pub(crate) another_review: u64,
    /// What is said of a workflow without a cap.
    pub(crate) unknown: String,
    /// How often the model was called.
    pub(crate) calls: Calls,
}

/// A run of each workflow, another one of the first, and one that nobody gave a cap.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget("tenant:acme-corp", usd!(1_000)).admin_key("operator").start().await?;
    // In production: Admin::from_env()?, with CYCLES_ADMIN_URL and CYCLES_ADMIN_KEY.
    let admin = Admin::builder("operator", "http://authority").transport(authority.transport()).build();
    let client = authority.client("acme-corp");

    show("before", &client).await?;
    let told = async {
        let mut steps = BTreeMap::new();
        for workflow in ["code-review", "deep-research", "summarization", "chat"] {
            let run = CAPS.start(&admin, workflow, "run-42").await?;
            steps.insert(workflow, work(&run).await?);
        }
        let another_review = work(&CAPS.start(&admin, "code-review", "run-43").await?).await?;
        let unknown = CAPS.start(&admin, "translation", "run-44").await.err().map(|error| error.to_string());
        Ok::<_, Error>((steps, another_review, unknown.unwrap_or_default()))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (steps, another_review, unknown) = told?;
    println!("translation: {unknown}\n");
    show("after", &client).await?;
    Ok(Numbers { steps, another_review, unknown, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} calls of the model in all", numbers.calls.total());
    Ok(())
}
