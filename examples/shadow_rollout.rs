//! A budget is tried before it stops anybody: a dry run, a metered trial with its report, and then the real thing. The code is the
//! same; `CYCLES_MODE` is another.
//!
//! `cargo run --example shadow_rollout`

use std::time::Duration;

use runcycles::models::Amount;
use runcycles::{CyclesClient, Error, JournalConfig, Mode, Scope, ShadowReport, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, show, tool};

/// A task of an agent, which costs what it costs.
#[cycles(cost, "agent.run", workflow = "triage", actual = |()| cost)]
async fn run_task(cost: Amount) -> Result<(), Error> {
    tool("task").await;
    Ok(())
}

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// What a trial came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trial {
    /// The report's first line.
    pub(crate) headline: String,
    /// How many tasks ran, and what is spent in the ledger.
    pub(crate) tasks: u64,
    pub(crate) spent: Option<Amount>,
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) dry_run: Trial,
    pub(crate) metered: Trial,
    /// Tasks that ran in the trial while the authority was out of reach.
    pub(crate) tasks_without_authority: u64,
    /// Tasks that ran once the budget was enforced.
    pub(crate) tasks_enforced: u64,
}

/// A client as `CYCLES_MODE` makes it.
fn client_in(mode: Mode, authority: &Authority) -> CyclesClient {
    let builder = CyclesClient::builder(authority.api_key("acme"), "http://authority").tenant("acme").mode(mode);
    builder.journal(JournalConfig::disabled()).transport(authority.transport()).build()
}

/// The tasks of a week: 72 of two dollars, and one of $3.30. A denied one does not stop the others.
async fn week(client: &CyclesClient) -> Result<Calls, Error> {
    let tasks = std::iter::repeat_n(usd!(2), 72).chain([usd!(3.30)]);
    let all = async {
        for cost in tasks {
            match run_task(cost).await {
                Err(error) if !error.is_budget_exceeded() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    };
    let (outcome, calls) = count_calls(client.run(all)).await;
    outcome.map(|()| calls)
}

/// The report of a week.
fn report_of(client: &CyclesClient) -> ShadowReport {
    client.budget(Scope::tenant("acme")).shadow_report(WEEK)
}

/// Runs a week in a mode, and tells its report.
async fn trial(mode: Mode, authority: &Authority) -> Result<Trial, Error> {
    let client = client_in(mode, authority);
    let tasks = week(&client).await?.total();
    let report = report_of(&client).to_string();
    println!("{mode:?}: {tasks} tasks ran\n{report}");
    let headline = report.lines().next().unwrap_or_default().to_owned();
    Ok(Trial { headline, tasks, spent: authority.ledger("tenant:acme").map(|ledger| ledger.spent) })
}

/// From a dry run to enforcement.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await?;
    show("before", &client_in(Mode::Enforce, &authority)).await?;
    let dry_run = trial(Mode::Shadow, &authority).await?;
    let metered = trial(Mode::ShadowMetered, &authority).await?;
    show("after the trial", &client_in(Mode::Enforce, &authority)).await?;

    // Nobody answers there.
    let unreachable = CyclesClient::builder("key", "http://127.0.0.1:9").tenant("acme").mode(Mode::ShadowMetered);
    let unreachable = unreachable.journal(JournalConfig::disabled()).build();
    let tasks_without_authority = week(&unreachable).await?.total();

    // A week of its own for the real thing; with an Admin it is budget.start_period(usd!(100), "2026-w48").
    let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await?;
    let enforced = client_in(Mode::Enforce, &authority);
    let tasks_enforced = week(&enforced).await?.total();
    println!("Enforce: {tasks_enforced} tasks ran, and the others were denied\n");
    show("after the real thing", &enforced).await?;
    Ok(Numbers { dry_run, metered, tasks_without_authority, tasks_enforced })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
