//! Teams with budgets below the company's: a call is charged to both, and either can deny it.
//!
//! `cargo run --example team_rollup`

use runcycles::admin::Admin;
use runcycles::models::Amount;
use runcycles::{Error, ScopeValue, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show};

/// The teams, which nobody can misspell.
#[derive(Clone, Copy, Debug, ScopeValue)]
enum Team {
    Engineering,
    Marketing,
    #[expect(dead_code, reason = "a team that asks nothing today")]
    Support,
}

#[cycles(usd!(0.02), "llm.completion", workspace = team)]
async fn ask(team: Team, prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", prompt).await)
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// What the company and the team that asked were charged.
    pub(crate) charged: [Option<Amount>; 2],
    /// Which scope denied the team that had plenty.
    pub(crate) denied_by: Option<String>,
    /// What that team has left and reserved afterwards.
    pub(crate) untouched: [Option<String>; 2],
    pub(crate) calls: Calls,
}

/// A team asks; then the company has no more to spend, and another team is denied although it has.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    const COMPANY: &str = "tenant:acme-corp";
    const ENGINEERING: &str = "tenant:acme-corp/workspace:engineering";
    const MARKETING: &str = "tenant:acme-corp/workspace:marketing";
    let authority = Authority::builder()
        .budget(COMPANY, usd!(10_000))
        .budget(ENGINEERING, usd!(5_000))
        .budget(MARKETING, usd!(2_000))
        .budget("tenant:acme-corp/workspace:support", usd!(3_000))
        .admin_key("operator")
        .start()
        .await?;
    // In production: Admin::from_env()?.
    let admin = Admin::builder("operator", "http://in-process").transport(authority.transport()).try_build()?;
    let client = authority.client("acme-corp");

    show("before", &client).await?;
    let told = async {
        ask(Team::Marketing, "a slogan").await?;
        let charged = [COMPANY, MARKETING].map(|scope| authority.ledger(scope).map(|ledger| ledger.spent));
        admin.budget(COMPANY).resize(usd!(0.02)).await?;
        let denied = ask(Team::Engineering, "a design").await;
        let denied_by = denied.err().and_then(|error| {
            println!("engineering: {error}\n");
            Some(error.refusal()?.scope()?.to_owned())
        });
        Ok::<_, Error>((charged, denied_by))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (charged, denied_by) = told?;
    show("after", &client).await?;
    let engineering = authority.ledger(ENGINEERING);
    let untouched = [
        engineering.as_ref().map(|ledger| ledger.remaining.to_string()),
        engineering.as_ref().map(|ledger| ledger.reserved.to_string()),
    ];
    Ok(Numbers { charged, denied_by, untouched, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
