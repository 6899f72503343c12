//! A place to start: a platform for teams inside of a company. Each team has a pool for all of its agents, and what is urgent
//! still runs when the rest has to wait.
//!
//! `cargo run --example start_platform`

use runcycles::{Error, Priority, ScopeValue, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, show, tool};

/// The teams, so that none can be misspelt.
#[derive(Clone, Copy, Debug, ScopeValue)]
enum Team {
    Engineering,
    Support,
}

/// A task of any team and tier. A team without a pool is refused.
#[cycles(usd!(0.10), "agent.task", workspace = team, priority = tier, require = "workspace")]
async fn run_task(team: Team, tier: &Priority, task: &str) -> Result<(), Error> {
    tool(task).await;
    Ok(())
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// How many tasks of each tier engineering ran, from bulk to critical, each until it had to wait.
    pub(crate) engineering: [u64; 5],
    /// Whether support still ran bulk work after that.
    pub(crate) support_goes_on: bool,
    /// What engineering has left.
    pub(crate) left: Option<String>,
    /// How often the task's tool was used.
    pub(crate) calls: Calls,
}

/// Engineering uses up its pool, the least urgent work first.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    const ENGINEERING: &str = "tenant:acme-corp/workspace:engineering";
    let authority = Authority::builder()
        .budget(ENGINEERING, usd!(10))
        .budget("tenant:acme-corp/workspace:support", usd!(10))
        .start()
        .await?;
    // With a server: CyclesClient::from_env()?.
    let client = authority.client("acme-corp");

    show("before", &client).await?;
    let told = async {
        let tiers = [Priority::BULK, Priority::LOW, Priority::NORMAL, Priority::HIGH, Priority::CRITICAL];
        let mut engineering = [0; 5];
        for (tier, ran) in tiers.iter().zip(&mut engineering) {
            loop {
                match run_task(Team::Engineering, tier, "build").await {
                    Ok(()) => *ran += 1,
                    Err(Error::BudgetExceeded { message, .. }) => {
                        println!("{tier}: {ran} tasks; then: {message}");
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        let support_goes_on = run_task(Team::Support, &Priority::BULK, "sort the mail").await.is_ok();
        Ok::<_, Error>((engineering, support_goes_on))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (engineering, support_goes_on) = told?;
    println!();
    show("after", &client).await?;

    let left = authority.ledger(ENGINEERING).map(|ledger| ledger.remaining.to_string());
    Ok(Numbers { engineering, support_goes_on, left, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} tasks in all", numbers.calls.total());
    Ok(())
}
