//! What an audit finds, and what it leaves in peace.

use std::time::Duration;

use runcycles::models::{Amount, Level, Subject, Unit};
use runcycles::{Audit, AuditFinding, CyclesClient, Error, Scope, WithCyclesConfig, cycles, tokens, usd};
use runcycles_authority::{Authority, Call, Fault};

use crate::support::script::Script;

const TENANT: &str = "tenant:acme";
const REVIEW: &str = "tenant:acme/workflow:review";
const RESEARCH: &str = "tenant:acme/workflow:research";

#[cycles(usd!(0.01), "llm.completion", client = client, workflow = workflow, run = run)]
async fn think(client: &CyclesClient, workflow: &str, run: &str) -> Result<(), Error> {
    Ok(())
}

#[cycles(usd!(0.01), "tool.call", action_name = "search", client = client, workflow = workflow)]
async fn search(client: &CyclesClient, workflow: &str) -> Result<(), Error> {
    Ok(())
}

async fn authority(budgets: &[(&str, Amount)]) -> Authority {
    let with = |builder: runcycles_authority::AuthorityBuilder, (scope, amount): &(&str, Amount)| {
        builder.budget(*scope, amount.clone())
    };
    budgets.iter().fold(Authority::builder().record_requests(), with).start().await.unwrap()
}

/// A program that is well guarded: tenant, workflows of different sizes, and runs.
fn well_guarded() -> Vec<(&'static str, Amount)> {
    vec![
        (TENANT, usd!(500)),
        (REVIEW, usd!(20)),
        (RESEARCH, usd!(100)),
        ("tenant:acme/workflow:review/agent:run-1", usd!(2)),
        ("tenant:acme/workflow:research/agent:run-2", usd!(2)),
    ]
}

/// Both workflows with a run each, and then the audit.
async fn audit_of_runs(budgets: &[(&str, Amount)]) -> Audit {
    let authority = authority(budgets).await;
    let client = authority.client("acme");
    think(&client, "review", "run-1").await.unwrap();
    think(&client, "research", "run-2").await.unwrap();
    client.audit().await.unwrap()
}

#[tokio::test]
async fn a_program_that_is_well_guarded_has_no_findings() {
    let audit = audit_of_runs(&well_guarded()).await;
    assert_eq!(audit.findings(), [], "{audit}");
    let function = &audit.functions()[0];
    assert!(function.place.contains("it/audit.rs:"), "{audit}");
    assert_eq!((function.kind.as_str(), function.names[0].as_str()), ("llm.completion", "think"));
    assert_eq!(function.levels, [Level::Tenant, Level::Workflow, Level::Agent]);
    assert_eq!(function.unbudgeted, []);
    assert_eq!(audit.scopes().len(), 2);
    assert_eq!(audit.scopes()[1].budgets.len(), 3);
}

#[tokio::test]
async fn each_common_mistake_is_one_finding() {
    let tenant_alone = audit_of_runs(&[(TENANT, usd!(500))]).await;
    assert!(
        matches!(tenant_alone.findings(), [AuditFinding::TenantOnly { tenants, .. }] if *tenants == [TENANT]),
        "{tenant_alone}"
    );

    let mut budgets = well_guarded();
    budgets[2].1 = usd!(20);
    let same = audit_of_runs(&budgets).await;
    assert!(
        matches!(same.findings(), [AuditFinding::SameEnvelope { amount, scopes, .. }]
            if *amount == usd!(20) && *scopes == [RESEARCH, REVIEW]),
        "{same}"
    );

    let no_runs = audit_of_runs(&well_guarded()[..3]).await;
    assert!(
        matches!(no_runs.findings(), [AuditFinding::NoRunCap { scopes, .. }] if *scopes == [RESEARCH, REVIEW]),
        "{no_runs}"
    );
    assert_eq!(no_runs.functions()[0].unbudgeted, [Level::Agent]);

    let deep = "tenant:acme/workspace:w/app:a/workflow:review/agent:run-1/toolset:t";
    let prefixes: Vec<_> = deep.match_indices('/').map(|(at, _)| &deep[..at]).chain([deep]).collect();
    let sizes = [usd!(9), usd!(8), usd!(7), usd!(6), usd!(5), usd!(4)];
    let authority = authority(&prefixes.into_iter().zip(sizes).collect::<Vec<_>>()).await;
    let client = authority.client("acme").scoped(Scope::workspace("w").app("a").toolset("t"));
    think(&client, "review", "run-1").await.unwrap();
    let many = client.audit().await.unwrap();
    assert!(matches!(many.findings(), [AuditFinding::TooManyBudgets { budgets, .. }] if budgets.len() == 6), "{many}");
}

#[tokio::test]
async fn calls_that_name_no_run_have_no_cap_for_one_and_calls_without_a_budget_are_denied() {
    let authority = authority(&well_guarded()).await;
    let client = authority.client("acme");
    think(&client, "review", "run-1").await.unwrap();
    search(&client, "review").await.unwrap();
    let audit = client.audit().await.unwrap();
    assert!(matches!(audit.findings(), [AuditFinding::NoRunCap { scopes, .. }] if *scopes == [REVIEW]), "{audit}");
    assert_eq!(audit.functions().len(), 2);

    let other = authority.client("other");
    search(&other, "review").await.unwrap_err();
    let audit = other.audit().await.unwrap();
    let expected = ["tenant:other/workflow:review (USD_MICROCENTS)"];
    assert!(matches!(audit.findings(), [AuditFinding::NoBudget { scopes, .. }] if *scopes == expected), "{audit}");
    assert_eq!(audit.scopes()[0].unbudgeted, ["tenant:other", "tenant:other/workflow:review"]);
}

#[tokio::test]
async fn an_audit_asks_once_for_each_scope_and_holds_nothing() {
    let mut budgets = well_guarded();
    budgets.push((TENANT, tokens(100)));
    let authority = authority(&budgets).await;
    let client = authority.client("acme");

    #[cycles((usd!(0.01), tokens(1)), "agent.step", client = client, workflow = "review", run = "run-1")]
    async fn step(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    for _ in 0..3 {
        think(&client, "review", "run-1").await.unwrap();
        step(&client).await.unwrap();
    }
    client.flush(Duration::from_secs(5)).await;
    let before = authority.requests().len();
    // What is ambient where the audit runs plays no part in it.
    let audit = client.scoped(Scope::toolset("elsewhere")).run(client.audit()).await.unwrap();
    assert_eq!(authority.requests().len() - before, 2, "one for each unit");
    authority.assert_settled();
    let units: Vec<_> = audit.scopes().iter().map(|scope| (&scope.unit, scope.budgets.len())).collect();
    assert_eq!(units, [(&Unit::Tokens, 1), (&Unit::UsdMicrocents, 3)]);
    // The dollars end a run whose tokens have no cap.
    assert_eq!(audit.findings(), [], "{audit}");
}

#[tokio::test]
async fn an_audit_reads_well() {
    let audit = audit_of_runs(&well_guarded()[..2]).await;
    let text = audit.to_string();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    assert_eq!(lines[0], "1 guarded function, 2 scopes, 1 finding");
    assert!(lines[1].ends_with("llm.completion think  at tenant, workflow, agent; no budget at agent"), "{text}");
    assert_eq!(lines[2..4], ["tenant:acme/workflow:research/agent:run-2", "tenant:acme  $500.00"]);
    assert_eq!(
        lines[7],
        "! nothing caps a single run of tenant:acme, tenant:acme/workflow:review; name the run by `run = …`, and give it a budget"
    );
}

#[tokio::test]
async fn budgets_that_are_not_told_give_no_findings_and_an_authority_that_cannot_be_asked_is_an_error() {
    let authority = authority(&[(TENANT, usd!(500))]).await;
    let client = authority.client("acme");
    search(&client, "review").await.unwrap();
    authority.freeze(TENANT).unwrap();
    let audit = client.audit().await.unwrap();
    assert_eq!(audit.scopes()[0].denied.as_deref(), Some("BUDGET_FROZEN"));
    assert_eq!(audit.findings(), []);
    authority.inject_on(Call::Reserve, Fault::DropConnection);
    assert!(matches!(client.audit().await, Err(Error::Transport(_))));
}

#[tokio::test]
async fn a_call_that_is_refused_leaves_the_audit_of_the_others() {
    let authority = authority(&well_guarded()).await;
    let client = authority.client("acme");
    let call = |scope: Subject| {
        let call = WithCyclesConfig::new(tokens(1)).action("llm.completion", "stray").subject(scope);
        client.execute(call, |_| async { Ok::<_, Error>(()) })
    };
    assert!(matches!(call(Scope::tenant("acme").agent("a b")).await, Err(Error::Validation(_))));
    assert_eq!(client.audit().await.unwrap().functions().len(), 0);

    think(&client, "review", "run-1").await.unwrap();
    assert_eq!(call(Scope::tenant("other")).await.unwrap_err().status(), Some(403));
    let audit = client.audit().await.unwrap();
    let told: Vec<_> = audit.scopes().iter().map(|scope| (scope.scope.as_str(), scope.denied.as_deref())).collect();
    assert_eq!(told, [("tenant:acme/workflow:review/agent:run-1", None), ("tenant:other", Some("FORBIDDEN"))]);
    assert_eq!(audit.findings(), [], "{audit}");

    // What would be said of every scope is an error.
    authority.inject_on(Call::Reserve, Fault::Status(http::StatusCode::UNAUTHORIZED));
    assert_eq!(client.audit().await.unwrap_err().status(), Some(401));
}

#[tokio::test]
async fn subjects_without_number_are_seen_in_part() {
    let script = Script::new();
    let client = script.client();
    for user in 0..200 {
        let call = WithCyclesConfig::new(tokens(1)).action("a", format!("name-{user}"));
        let call = call.subject(Scope::tenant("acme").agent(user.to_string()));
        client.execute(call, |_| async { Ok::<_, Error>(()) }).await.unwrap();
    }
    let audit = client.audit().await.unwrap();
    assert_eq!((audit.scopes().len(), audit.functions()[0].names.len()), (64, 8));
    assert!(audit.functions()[0].has_more);
    assert!(audit.to_string().contains("; more calls than are told apart"), "{audit}");
}
