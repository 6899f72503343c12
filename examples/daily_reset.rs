//! A new day for every user: what was spent is forgotten, once a day, however often it is asked for.
//!
//! `cargo run --example daily_reset`

use runcycles::admin::Admin;
use runcycles::models::Amount;
use runcycles::{Error, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show, until_denied};

#[cycles(usd!(0.02), "llm.completion", action_name = "gpt-4o", agent = user, require = "agent")]
async fn chat(user: &str, prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", prompt).await)
}

/// Starts a day for users: what a nightly job runs. A second run of the same day changes nothing.
async fn start_day(admin: &Admin, users: &[&str], day: &str) -> Result<(), Error> {
    for user in users {
        let budget = admin.budget(Scope::tenant("acme-corp").agent(*user));
        budget.ensure(usd!(5)).await?; // creates it, or finds it
        budget.start_period(usd!(5), day).await?;
    }
    Ok(())
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Answers on the first day.
    pub(crate) answers: u64,
    /// Answers after the budget was given the same size again.
    pub(crate) after_resize: u64,
    /// What three users have spent when the second day begins.
    pub(crate) spent_at_dawn: Vec<Amount>,
    /// What the first one has spent after a call, and after the day was started again.
    pub(crate) spent_by_noon: Vec<Amount>,
    pub(crate) calls: Calls,
}

/// A user uses up a day's budget; the next day begins for everybody.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    const USERS: [&str; 3] = ["ann", "bob", "cem"];
    let authority = Authority::builder().tenant("acme-corp").admin_key("operator").start().await?;
    // In production: Admin::from_env()?.
    let admin = Admin::builder("operator", "http://in-process").transport(authority.transport()).try_build()?;
    let client = authority.client("acme-corp");
    let spent = |user: &str| authority.ledger(&format!("tenant:acme-corp/agent:{user}")).map(|ledger| ledger.spent);

    start_day(&admin, &USERS, "2026-11-22").await?;
    show("before", &client).await?;
    let told = async {
        let (answers, no) = until_denied(|| chat("ann", "and then?")).await?;
        println!("ann had {answers} answers; then: {no}\n");
        chat("bob", "good morning").await?;
        chat("cem", "good morning").await?;

        // The same size is not a new day: what was spent stays spent.
        admin.budget("tenant:acme-corp/agent:ann").resize(usd!(5)).await?;
        let (after_resize, _) = until_denied(|| chat("ann", "now?")).await?;

        start_day(&admin, &USERS, "2026-11-23").await?;
        let spent_at_dawn = USERS.into_iter().filter_map(spent).collect();
        chat("ann", "and now?").await?;
        let mut spent_by_noon = Vec::from_iter(spent("ann"));
        start_day(&admin, &USERS, "2026-11-23").await?;
        spent_by_noon.extend(spent("ann"));
        Ok::<_, Error>((answers, after_resize, spent_at_dawn, spent_by_noon))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (answers, after_resize, spent_at_dawn, spent_by_noon) = told?;
    show("after", &client).await?;
    Ok(Numbers { answers, after_resize, spent_at_dawn, spent_by_noon, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
