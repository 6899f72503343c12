//! A day for the tenant, a share of it for each workflow, and a cap for each run: the refund assistant and its cases.
//!
//! `cargo run --example run_budgets`

use runcycles::{Error, Scope, credits, cycles};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, show, tool, until_denied};

/// One step on a case. `run` is a cap, since the case has a budget where it names it: at the agent below the workflow.
#[cycles(credits(10), "tool.call", workflow = "refund-assistant", run = case)]
async fn refund_step(case: &str) -> Result<(), Error> {
    tool("refund").await;
    Ok(())
}

/// The same with the case as a dimension: it is told to whoever reads reports, and caps nothing.
#[cycles(credits(10), "tool.call", workflow = "refund-assistant", dimensions(run = case))]
pub(crate) async fn reported_step(case: &str) -> Result<(), Error> {
    tool("refund").await;
    Ok(())
}

/// A step that belongs to the tenant alone.
#[cycles(credits(10), "tool.call")]
async fn step() -> Result<(), Error> {
    tool("anything").await;
    Ok(())
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Steps of a loop in a tenant that caps nothing else.
    pub(crate) steps_without_a_cap: u64,
    /// Steps of the case before it was denied, and by which scope.
    pub(crate) steps: u64,
    pub(crate) denied_by: String,
    /// What tenant and workflow have left then.
    pub(crate) left: [Option<String>; 2],
    /// Whether another case goes on.
    pub(crate) sibling_goes_on: bool,
    /// Steps of cases that are told as dimensions, until the workflow is used up.
    pub(crate) steps_by_dimension: u64,
    pub(crate) calls: Calls,
}

const TENANT: &str = "tenant:acme";
const WORKFLOW: &str = "tenant:acme/workflow:refund-assistant";

/// The authority of the refund assistant.
pub(crate) async fn authority() -> Result<Authority, Box<dyn std::error::Error>> {
    let builder = Authority::builder().budget(TENANT, credits(10_000)).budget(WORKFLOW, credits(2_000));
    let builder = builder.budget("tenant:acme/workflow:refund-assistant/agent:case-4711", credits(250));
    Ok(builder.budget("tenant:acme/workflow:refund-assistant/agent:case-4712", credits(250)).start().await?)
}

/// A loop without a cap drains a tenant; one with a cap is stopped by it, and nobody else notices.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let careless = Authority::builder().budget(TENANT, credits(10_000)).start().await?;
    let authority = authority().await?;
    let client = authority.client("acme");
    let left = |scope| authority.ledger(scope).map(|ledger| ledger.remaining.to_string());

    show("before", &client).await?;
    let told = async {
        let (steps_without_a_cap, _) = careless.client("acme").run(until_denied(step)).await?;
        println!("with a budget for the tenant alone, one loop took {steps_without_a_cap} steps and left nothing");

        let (steps, no) = until_denied(|| refund_step("case-4711")).await?;
        println!("case-4711 took {steps} steps; then: {no}\n");
        let denied_by = no.refusal().and_then(|refusal| refusal.scope()).unwrap_or_default().to_owned();
        let left = [left(TENANT), left(WORKFLOW)];
        let sibling_goes_on = refund_step("case-4712").await.is_ok();
        let (steps_by_dimension, _) = until_denied(|| reported_step("case-4713")).await?;
        Ok::<_, Error>((steps_without_a_cap, steps, denied_by, left, sibling_goes_on, steps_by_dimension))
    };
    let (told, calls) = count_calls(client.scoped(Scope::tenant("acme")).run(told)).await;
    let (steps_without_a_cap, steps, denied_by, left, sibling_goes_on, steps_by_dimension) = told?;
    show("after", &client).await?;
    Ok(Numbers { steps_without_a_cap, steps, denied_by, left, sibling_goes_on, steps_by_dimension, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
