//! One pool for a department: critical work runs to its end, and other tiers each leave a part of it to those above.
//!
//! `cargo run --example priority_tiers`

use runcycles::admin::Admin;
use runcycles::{Error, Priority, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, show, tool};

/// A task of any tier. What is left is judged by the balances that come with the reservation: no request more, and no number from
/// earlier.
#[cycles(usd!(0.40), "agent.task", workspace = "engineering", priority = priority)]
async fn run_task(priority: &Priority, task: &str) -> Result<(), Error> {
    tool(task).await;
    Ok(())
}

const POOL: &str = "tenant:acme-corp/workspace:engineering";

const TIERS: [Priority; 5] = [Priority::CRITICAL, Priority::HIGH, Priority::NORMAL, Priority::LOW, Priority::BULK];

/// How full the pool is in the story, in per cent.
const LEVELS: [u64; 12] = [100, 71, 70, 51, 50, 40, 26, 25, 11, 10, 1, 0];

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Which tiers run, from critical to bulk, at each level of the pool.
    pub(crate) matrix: Vec<(u64, [bool; 5])>,
    /// What bulk work is told at 40 per cent.
    pub(crate) message: String,
    /// What the pool holds in the end.
    pub(crate) reserved: Option<String>,
    /// How often the task's tool was used.
    pub(crate) calls: Calls,
}

/// A task of each tier at each level of the pool.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget(POOL, usd!(5_000)).admin_key("operator").start().await?;
    let admin = Admin::builder("operator", "http://authority").transport(authority.transport()).build();
    let client = authority.client("acme-corp");

    show("before", &client).await?;
    let told = async {
        let (mut matrix, mut message) = (Vec::new(), String::new());
        for percent in LEVELS {
            let mut runs = [false; 5];
            for (tier, runs) in TIERS.iter().zip(&mut runs) {
                let spent = usd!(50).checked_mul(100 - percent)?;
                admin.budget(POOL).start_period(usd!(5_000), format!("{percent} % for {tier}")).spent(spent).await?;
                match run_task(tier, "triage").await {
                    Ok(()) => *runs = true,
                    Err(error) if percent == 40 => message = error.to_string(),
                    Err(error) if error.is_budget_exceeded() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            matrix.push((percent, runs));
        }
        Ok::<_, Box<dyn std::error::Error>>((matrix, message))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (matrix, message) = told?;
    println!("  {message}\n");
    show("after", &client).await?;

    let reserved = authority.ledger(POOL).map(|ledger| ledger.reserved.to_string());
    Ok(Numbers { matrix, message, reserved, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("  left  {}", TIERS.map(|tier| format!("{tier:<8}")).join("  "));
    for (percent, runs) in numbers.matrix {
        println!(
            "  {percent:>3} %  {}",
            runs.map(|runs| format!("{:<8}", if runs { "runs" } else { "waits" })).join("  ")
        );
    }
    Ok(())
}
