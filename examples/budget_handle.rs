//! A budget as a value: created once, asked what is left, and spent by running actions in it. Where work must not be denied yet,
//! it runs in shadow and a report says what would have been.
//!
//! `cargo run --example budget_handle`

use std::time::Duration;

use runcycles::admin::Admin;
use runcycles::models::Unit;
use runcycles::{Error, Mode, Scope, WithCyclesConfig, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show};

const DAY: Duration = Duration::from_secs(86_400);

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The limit, and what remained before and after a run.
    pub(crate) limit: Option<String>,
    pub(crate) remaining: [String; 2],
    /// How many more runs there were before one was denied.
    pub(crate) runs: u64,
    /// What remained when the next month had started.
    pub(crate) next_month: String,
    /// The report of a day in shadow.
    pub(crate) report: String,
    /// How often the model was called.
    pub(crate) calls: Calls,
}

/// A customer's month, the start of the next one, and a trial customer's day in shadow.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder().tenant("customer-a").tenant("trial").admin_key("operator").start().await?;
    let admin = Admin::builder("operator", "http://authority").transport(authority.transport()).build();
    let (client, trial) = (authority.client("customer-a"), authority.client("trial"));

    let told = async {
        // Creates it, or finds it: $5 a month.
        let monthly = admin.budget("tenant:customer-a");
        monthly.ensure(usd!(5)).await?;
        show("before", &client).await?;

        // What is left, and a run that is reserved before it starts and settled after it ends.
        let budget = client.budget(Scope::tenant("customer-a"));
        let before = budget.headroom(Unit::UsdMicrocents).await?;
        let run =
            || budget.execute(usd!(0.40), "agent.run", |_| async { Ok::<Reply, Error>(llm("gpt-4o", "go").await) });
        run().await?;
        let after = budget.headroom(Unit::UsdMicrocents).await?;
        let limit = before.tightest().allocated.as_ref().map(ToString::to_string);
        let remaining = [before, after].map(|left| left.remaining().to_string());

        // Denied when it is used up, and open again in the next month.
        let mut runs = 0;
        while run().await.inspect_err(|error| println!("after {runs} more runs: {error}\n")).is_ok() {
            runs += 1;
        }
        show("after", &client).await?;
        monthly.start_period(usd!(5), "2026-12").await?;
        let next_month = budget.headroom(Unit::UsdMicrocents).await?.remaining().to_string();

        // Always runs, and writes down what would have been denied.
        admin.budget("tenant:trial").ensure(usd!(1)).await?;
        for _ in 0..4 {
            let config = WithCyclesConfig::new(usd!(0.40)).action("agent.run", "run").mode(Mode::ShadowMetered);
            trial.execute(config, |_| async { Ok::<Reply, Error>(llm("gpt-4o", "go").await) }).await?;
        }
        let report = trial.budget(Scope::tenant("trial")).shadow_report(DAY).to_string();
        println!("{report}");
        Ok::<_, Error>((limit, remaining, runs, next_month, report))
    };
    let (told, calls) = count_calls(told).await;
    let (limit, remaining, runs, next_month, report) = told?;
    Ok(Numbers { limit, remaining, runs, next_month, report, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} calls of the model in all", numbers.calls.total());
    Ok(())
}
