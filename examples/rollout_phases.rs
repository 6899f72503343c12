//! Budgets in files, introduced one level after the other: the tenant, its runs, its workflows. Each phase shows what it would
//! change, adds it, and changes nothing when it is applied again.
//!
//! `cargo run --example rollout_phases`

use runcycles::admin::Admin;
use runcycles::budgets_file::BudgetsFile;
use runcycles::{Error, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, budgets, count_calls, show, tool};

/// A step of a research run.
#[cycles(usd!(0.50), "agent.step", workflow = "research", run = run)]
async fn research_step(run: &str) -> Result<(), Error> {
    tool("research").await;
    Ok(())
}

/// What a phase came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// How many tenants and budgets it created, when it was applied and when it was applied again.
    pub(crate) created: [usize; 2],
    /// How many budgets there are now.
    pub(crate) budgets: usize,
    /// How many steps of ten a run made, and which scope denied the next one.
    pub(crate) steps: u64,
    pub(crate) denied_by: Option<String>,
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) phases: Vec<Phase>,
    pub(crate) calls: Calls,
}

/// The files of the three phases, in their order; `cycles apply FILE --dry-run` shows what one of them would change.
const PHASES: [(&str, &str); 3] = [
    ("phase-1.toml", include_str!("rollout/phase-1.toml")),
    ("phase-2.toml", include_str!("rollout/phase-2.toml")),
    ("phase-3.toml", include_str!("rollout/phase-3.toml")),
];

/// Ten steps of a run, unless it is denied before.
async fn ten_steps(run: &str) -> Result<(u64, Option<String>), Error> {
    for steps in 0..10 {
        match research_step(run).await {
            Ok(()) => {}
            Err(Error::BudgetExceeded { refusal, .. }) => return Ok((steps, refusal.scope().map(str::to_owned))),
            Err(error) => return Err(error),
        }
    }
    Ok((10, None))
}

/// Three phases, and a run that does not end by itself in each.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    // In production: Admin::from_env()?.
    let authority = Authority::builder().admin_key("secret").start().await?;
    let admin = Admin::builder("secret", "http://authority").transport(authority.transport()).build();
    let client = authority.client("acme");
    let told = async {
        let mut phases = Vec::new();
        for (at, (name, text)) in PHASES.into_iter().enumerate() {
            let file = BudgetsFile::parse(name, text)?;
            let plan = file.plan(&admin).await?;
            println!("{plan}");
            let first = plan.apply().await?;
            let again = file.plan(&admin).await?.apply().await?;
            // The first run has no budget of its own in phase 1; in phase 3, others than it are capped by their workflow.
            let run = if at == 2 { "run-3" } else { "run-1" };
            let (steps, denied_by) = ten_steps(run).await?;
            println!("{run}: {steps} steps, then denied by {}\n", denied_by.as_deref().unwrap_or("nobody"));
            let budgets = budgets(&client).await?.len();
            phases.push(Phase { created: [first, again], budgets, steps, denied_by });
        }
        Ok::<_, Box<dyn std::error::Error>>(phases)
    };
    let (phases, calls) = count_calls(client.run(told)).await;
    let phases = phases?;
    show("after", &client).await?;
    Ok(Numbers { phases, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
