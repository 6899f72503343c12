//! A starting point for agents that run already: one attribute on what costs money, a trial in which nothing is stopped, and
//! enforcement when its report says that the budgets are right.
//!
//! `cargo run --example start_migrate`

use std::time::Duration;

use runcycles::admin::Admin;
use runcycles::budgets_file::BudgetsFile;
use runcycles::{CyclesClient, Error, JournalConfig, Mode, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Reply, count_calls, llm, show};

/// The function that was there before; the attribute is all that is new.
#[cycles(usd!(0.03), "llm.completion", action_name = "gpt-4o", agent = user, actual = Reply::cost)]
async fn answer(user: &str, question: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", question).await)
}

/// What is meant to hold, in a file that goes through review; `cycles apply` takes it too.
const BUDGETS: &str = r#"
[[budgets]]
scope = "tenant:acme"
amount = "$10"

[[budgets]]
scope = "tenant:acme/agent:ann"
amount = "$1"

[[budgets]]
scope = "tenant:acme/agent:ben"
amount = "$1"
"#;

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Answers while the budgets were tried, and how many of them would have been denied.
    pub(crate) answers_in_trial: u64,
    pub(crate) denied_in_trial: u64,
    /// What calls cost for each 100 of their estimates.
    pub(crate) percent_of_estimate: Option<u64>,
    /// Answers once the budgets were enforced, to each user.
    pub(crate) answers: [u64; 2],
}

/// What the users of this program do in a day: Ann asks 20 times, and Ben does not stop until he has to.
async fn day(client: &CyclesClient) -> Result<[u64; 2], Error> {
    let day = async {
        let mut answers = [0, 0];
        for (at, (user, questions)) in [("ann", 20), ("ben", 80)].into_iter().enumerate() {
            for _ in 0..questions {
                match answer(user, "and now?").await {
                    Ok(_) => answers[at] += 1,
                    Err(Error::BudgetExceeded { .. }) => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(answers)
    };
    client.run(day).await
}

/// From no budgets to budgets that hold.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    // In production: CyclesClient::from_env()? with CYCLES_MODE, and Admin::from_env()?.
    let authority = Authority::builder().tenant("acme").admin_key("secret").start().await?;
    let admin = Admin::builder("secret", "http://authority").transport(authority.transport()).build();
    let client_in = |mode| {
        let builder = CyclesClient::builder(authority.api_key("acme"), "http://authority").tenant("acme").mode(mode);
        builder.journal(JournalConfig::disabled()).transport(authority.transport()).build()
    };

    let file = BudgetsFile::parse("budgets.toml", BUDGETS)?;
    let plan = file.plan(&admin).await?;
    println!("{plan}");
    plan.apply().await?;

    let trial = client_in(Mode::ShadowMetered);
    show("before", &trial).await?;
    let (answers, calls) = count_calls(day(&trial)).await;
    answers?;
    let report = trial.budget(Scope::tenant("acme")).shadow_report(Duration::from_secs(86_400));
    println!("{report}");

    // The trial has used the budgets up: the first day that counts begins with nothing spent.
    for budget in file.budgets() {
        admin.budget(budget.scope.clone()).start_period(budget.amount.clone(), "2026-11-22").await?;
    }
    let enforced = client_in(Mode::Enforce);
    let answers = day(&enforced).await?;
    println!("enforced: Ann had {} answers, Ben {}\n", answers[0], answers[1]);
    show("after", &enforced).await?;
    Ok(Numbers {
        answers_in_trial: calls.total(),
        denied_in_trial: report.denied(),
        percent_of_estimate: report.spend().first().and_then(runcycles::ShadowSpend::percent_of_estimate),
        answers,
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
