//! Four common mistakes, and how a program finds them by itself: `client.audit()` looks at the guarded functions that were called and at
//! the budgets that guard them.
//!
//! `cargo run --example audit_mistakes`

use runcycles::models::{Amount, Subject};
use runcycles::{AuditFinding, Error, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, show, tool};

/// A step of a code review, capped for each run.
#[cycles(usd!(0.10), "agent.step", workflow = "code-review", run = run)]
async fn review(run: &str) -> Result<(), Error> {
    tool("review").await;
    Ok(())
}

/// A step of a research run.
#[cycles(usd!(0.10), "agent.step", workflow = "research", run = run)]
async fn research(run: &str) -> Result<(), Error> {
    tool("research").await;
    Ok(())
}

const TENANT: (&str, Amount) = ("tenant:acme", usd!(500));
const REVIEWS: (&str, Amount) = ("tenant:acme/workflow:code-review", usd!(20));
const RESEARCH: (&str, Amount) = ("tenant:acme/workflow:research", usd!(100));
const RUNS: [(&str, Amount); 2] = [
    ("tenant:acme/workflow:code-review/agent:run-1", usd!(2)),
    ("tenant:acme/workflow:research/agent:run-2", usd!(25)),
];

/// What the story comes to: the findings for each set of budgets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) tenant_alone: Vec<AuditFinding>,
    pub(crate) one_size_for_all: Vec<AuditFinding>,
    pub(crate) no_cap_for_runs: Vec<AuditFinding>,
    pub(crate) every_level_at_once: Vec<AuditFinding>,
    pub(crate) well_guarded: Vec<AuditFinding>,
    pub(crate) calls: Calls,
}

/// A program with its budgets, and what an audit finds when it has run for a while.
async fn findings(
    heading: &str,
    scope: Subject,
    budgets: &[(&str, Amount)],
) -> Result<Vec<AuditFinding>, Box<dyn std::error::Error>> {
    let with = |builder: runcycles_authority::AuthorityBuilder, (scope, amount): &(&str, Amount)| {
        builder.budget(*scope, amount.clone())
    };
    let authority = budgets.iter().fold(Authority::builder(), with).start().await?;
    let client = authority.client("acme").scoped(scope);
    client.run(async { review("run-1").await.and(research("run-2").await) }).await?;
    show(heading, &client).await?;
    let audit = client.audit().await?;
    println!("{audit}");
    Ok(audit.findings().to_vec())
}

/// Four programs that make a mistake each, and one that makes none.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let acme = || Scope::tenant("acme");
    let same = (RESEARCH.0, REVIEWS.1);
    let [review_run, research_run] = RUNS;
    let deep = "tenant:acme/workspace:prod/app:assistant/workflow:code-review/agent:run-1/toolset:search";
    let levels = deep.match_indices('/').map(|(at, _)| &deep[..at]).chain([deep]);
    let sizes = [usd!(500), usd!(400), usd!(300), usd!(20), usd!(2), usd!(1)];
    let mut deep: Vec<_> = levels.zip(sizes).collect();
    deep.push(("tenant:acme/workspace:prod/app:assistant/workflow:research/agent:run-2", usd!(25)));

    let told = async {
        Ok::<_, Box<dyn std::error::Error>>([
            findings("the tenant alone", acme(), &[TENANT]).await?,
            findings("one size for all", acme(), &[TENANT, REVIEWS, same, review_run.clone(), research_run.clone()])
                .await?,
            findings("no cap for runs", acme(), &[TENANT, REVIEWS, RESEARCH]).await?,
            findings("every level at once", acme().workspace("prod").app("assistant").toolset("search"), &deep).await?,
            findings("well guarded", acme(), &[TENANT, REVIEWS, RESEARCH, review_run, research_run]).await?,
        ])
    };
    let (told, calls) = count_calls(told).await;
    let [tenant_alone, one_size_for_all, no_cap_for_runs, every_level_at_once, well_guarded] = told?;
    Ok(Numbers { tenant_alone, one_size_for_all, no_cap_for_runs, every_level_at_once, well_guarded, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
