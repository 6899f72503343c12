//! Runs with limits of their own.

use std::sync::atomic::{AtomicUsize, Ordering};

use runcycles::models::{CommitOveragePolicy, Unit};
use runcycles::{
    Amount, CyclesClient, Error, JournalConfig, Run, Scope, context, credits, cycles, risk_points, tokens, usd,
};

use crate::support::office::Office;
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;

const PATH: &str = "tenant:acme/workflow:research-agent/agent:run-1";

fn scope() -> runcycles::models::Subject {
    Scope::workflow("research-agent").agent("run-1").dimension("run", "run-1")
}

#[cycles(credits(cost), "llm.completion")]
async fn think(cost: u64) -> Result<u64, Error> {
    Ok(cost)
}

/// Takes steps until one is denied: what each cost, and the denial.
async fn steps(run: &Run, large: u64, small: u64) -> (Vec<u64>, Error) {
    let mut costs = Vec::new();
    loop {
        let cost = if run.should_downgrade() { small } else { large };
        match run.step(think(cost)).await {
            Ok(cost) => costs.push(cost),
            Err(error) => return (costs, error),
        }
    }
}

fn ledger(office: &Office, path: &str, unit: Unit) -> (Amount, i64, Amount) {
    let ledgers = office.authority.ledgers(path);
    let ledger = ledgers.into_iter().find(|ledger| *ledger.spent.unit() == unit).expect("a ledger");
    (ledger.spent, ledger.remaining.value(), ledger.reserved)
}

#[tokio::test]
async fn a_run_takes_cheaper_steps_from_its_downgrade_point_and_ends_by_its_steps() {
    let office = Office::with(|builder| builder.budget("tenant:acme", credits(10_000)).record_requests()).await;
    let client = office.client();
    let run = Run::start(&office.admin, scope())
        .client(&client)
        .budget(credits(500))
        .max_steps(10)
        .downgrade_after(credits(400))
        .await
        .unwrap();
    let before = office.authority.requests().len();
    let (costs, denial) = steps(&run, 45, 10).await;
    assert_eq!(costs, [45, 45, 45, 45, 45, 45, 45, 45, 45, 10]);
    assert!(denial.is_budget_exceeded() && !denial.allows_fallback(), "{denial}");
    assert_eq!(denial.to_string(), format!("budget exceeded: {PATH} has taken the 10 steps that it may take"));
    assert_eq!(denial.refusal().and_then(|refusal| refusal.scope()), Some(&*format!("{PATH}/toolset:steps")));
    let requests = office.authority.requests().len() - before;
    assert_eq!(requests, 10 * 4 + 1, "a step and its call, each reserved and committed; and nothing else");

    assert_eq!(ledger(&office, PATH, Unit::Credits), (credits(415), 85, credits(0)));
    assert_eq!(ledger(&office, "tenant:acme", Unit::Credits), (credits(415), 9_585, credits(0)));
    assert_eq!(run.spent(&Unit::Credits), credits(415));
    assert!(run.should_downgrade());
    assert_eq!(run.path().as_str(), PATH);
    office.authority.assert_settled();
}

#[tokio::test]
async fn a_run_of_dear_steps_ends_by_its_credits() {
    let office = Office::new().await;
    let client = office.client();
    let run = Run::start(&office.admin, scope()).client(&client).budget(credits(500)).max_steps(10).await.unwrap();
    let (costs, denial) = steps(&run, 60, 60).await;
    assert_eq!(costs, [60; 8]);
    assert_eq!(denial.refusal().and_then(|refusal| refusal.scope()), Some(PATH));
    assert_eq!(ledger(&office, PATH, Unit::Credits), (credits(480), 20, credits(0)));
    assert!(!run.should_downgrade(), "it has no such point");
}

#[tokio::test]
async fn the_downgrade_point_is_what_was_spent_and_not_what_was_estimated() {
    #[cycles(credits(100), "llm.completion", actual = |()| credits(39))]
    async fn cheaper_than_thought() -> Result<(), Error> {
        Ok(())
    }

    let office = Office::new().await;
    let client = office.client();
    let start = || Run::start(&office.admin, scope()).client(&client).budget(credits(500)).downgrade_after(credits(78));
    let run = start().await.unwrap();
    run.scope(cheaper_than_thought()).await.unwrap();
    assert!(!run.should_downgrade());
    run.scope(cheaper_than_thought()).await.unwrap();
    assert!(run.should_downgrade(), "78 credits are spent");
    let resumed = start().await.unwrap();
    assert!(resumed.should_downgrade(), "as a process that goes on with the run knows from the start");
}

#[tokio::test]
async fn every_step_counts_however_it_ends_and_a_denied_one_does_not_run() {
    let office = Office::new().await;
    let client = office.client();
    let run = Run::start(&office.admin, scope()).client(&client).max_steps(3).await.unwrap();
    let bodies = AtomicUsize::new(0);
    let failing = || async {
        bodies.fetch_add(1, Ordering::SeqCst);
        assert_eq!(context().expect("the step's").subject().toolset.as_deref(), Some("steps"));
        Err::<(), Error>(Error::Action("broke".into()))
    };
    for _ in 0..2 {
        assert!(matches!(run.step(failing()).await, Err(Error::Action(_))));
    }
    tokio::time::timeout(std::time::Duration::from_millis(1), run.step(std::future::pending::<Result<(), Error>>()))
        .await
        .unwrap_err();
    client.flush(std::time::Duration::from_secs(5)).await;
    assert!(run.step(failing()).await.unwrap_err().is_budget_exceeded());
    assert_eq!(bodies.load(Ordering::SeqCst), 2);
    let steps = ledger(&office, &format!("{PATH}/toolset:steps"), Unit::RiskPoints);
    assert_eq!(steps, (risk_points(3), 0, risk_points(0)));
}

#[tokio::test]
async fn steps_are_counted_whatever_levels_a_client_or_the_place_of_a_step_names_besides() {
    let office = Office::new().await;
    let client = CyclesClient::builder(office.authority.api_key("acme"), "http://runtime.test")
        .journal(JournalConfig::disabled())
        .tenant("acme")
        .agent("worker")
        .transport(office.authority.transport())
        .build();
    let run = Run::start(&office.admin, Scope::workflow("w")).client(&client).max_steps(2).await.unwrap();
    let elsewhere = client.scoped(Scope::app("between"));
    let step = || run.step(async { Ok::<_, Error>(()) });
    step().await.unwrap();
    elsewhere.run(step()).await.unwrap();
    assert!(step().await.unwrap_err().is_budget_exceeded());
    assert!(elsewhere.run(step()).await.unwrap_err().is_budget_exceeded());
    assert_eq!(ledger(&office, "tenant:acme/workflow:w/toolset:steps", Unit::RiskPoints).0, risk_points(2));
}

#[tokio::test]
async fn a_step_that_is_not_denied_by_the_steps_budget_keeps_the_server_s_words() {
    let office = Office::new().await;
    let script = Script::around(office.authority.transport());
    let builder = CyclesClient::builder(office.authority.api_key("acme"), "http://runtime.test").tenant("acme");
    let client = builder.journal(JournalConfig::disabled()).transport(script.clone()).build();
    let run = Run::start(&office.admin, scope()).client(&client).max_steps(2).await.unwrap();
    script.next(Route::Reserve, [reply::refusal(409, "BUDGET_EXCEEDED")]);
    let denial = run.step(async { Ok::<_, Error>(()) }).await.unwrap_err();
    assert!(denial.is_budget_exceeded() && denial.to_string().contains("refused: BUDGET_EXCEEDED"), "{denial}");
    run.step(async { Ok::<_, Error>(()) }).await.unwrap();
}

#[tokio::test]
async fn nothing_inside_a_run_leaves_it() {
    #[cycles(credits(1), "tool.call", agent = agent, app = app, toolset = toolset)]
    async fn call(app: Option<&str>, agent: Option<&str>, toolset: Option<&str>) -> Result<(), Error> {
        Ok(())
    }

    #[cycles(tokens(1), "tool.call", client = client)]
    async fn in_tokens(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let office = Office::with(|builder| builder.budget("tenant:acme", tokens(9)).record_requests()).await;
    let client = office.client();
    let start = |scope| Run::start(&office.admin, scope).client(&client);
    let run = start(scope()).budget(credits(5)).max_steps(5).await.unwrap();
    let before = office.authority.requests().len();
    let elsewhere = client.scoped(Scope::app("between"));
    for (result, field) in [
        (run.scope(call(None, Some("other"), None)).await, "subject.agent"),
        (run.scope(call(Some("between"), None, None)).await, "subject.app"),
        (Box::pin(elsewhere.run(run.scope(call(None, None, None)))).await, "subject.app"),
        (run.scope(in_tokens(&client)).await, "unit"),
        (in_tokens(run.client()).await, "unit"),
        (run.scope(async { start(Scope::agent("other")).budget(credits(9)).await.map(drop) }).await, "subject.agent"),
        (run.scope(async { start(Scope::agent("run-1")).budget(tokens(9)).await.map(drop) }).await, "unit"),
    ] {
        let Err(Error::Validation(error)) = result else { panic!("{field}: {result:?}") };
        assert_eq!(error.field(), field, "{error}");
        assert!(error.expected().contains(&format!("the run or mandate at {PATH}")), "{error}");
    }
    assert_eq!(office.authority.requests().len(), before, "nothing was sent");
    Box::pin(run.step(call(None, None, Some("crm")))).await.unwrap();
    assert_eq!(run.spent(&Unit::Credits), credits(1));

    let whole = start(Scope::workflow("w")).budget(credits(5)).await.unwrap();
    whole.scope(call(None, Some("any"), Some("crm"))).await.unwrap();
    let inner = whole.scope(async { start(Scope::agent("any")).max_steps(1).await }).await.unwrap();
    assert_eq!(inner.path().as_str(), "tenant:acme/workflow:w/agent:any");
    assert!(matches!(inner.scope(in_tokens(&client)).await, Err(Error::Validation(_))));
    Box::pin(inner.step(call(None, None, None))).await.unwrap();
    assert_eq!(ledger(&office, "tenant:acme/workflow:w", Unit::Credits).0, credits(2));

    let steps_only = start(Scope::workflow("s")).max_steps(1).await.unwrap();
    Box::pin(steps_only.step(in_tokens(&client))).await.unwrap();
}

#[tokio::test]
async fn a_run_has_the_sizes_that_it_was_started_with_last() {
    let office = Office::new().await;
    let client = office.client();
    let start = |dollars, most| Run::start(&office.admin, scope()).client(&client).budget(dollars).max_steps(most);
    start(usd!(2), 10).await.unwrap();
    let run = start(usd!(3), 1).await.unwrap();
    assert_eq!(ledger(&office, PATH, Unit::UsdMicrocents).1, 300_000_000);
    run.step(async { Ok::<_, Error>(()) }).await.unwrap();
    assert!(run.step(async { Ok::<_, Error>(()) }).await.is_err());
}

#[tokio::test]
async fn steps_are_counted_in_a_unit_that_the_run_does_not_spend() {
    let office = Office::new().await;
    let client = office.client();
    let start = || Run::start(&office.admin, scope()).client(&client).budget(risk_points(5)).budget(credits(5));
    let run = start().max_steps(2).await.unwrap();
    run.step(async { Ok::<_, Error>(()) }).await.unwrap();
    assert_eq!(ledger(&office, &format!("{PATH}/toolset:steps"), Unit::Tokens).0, tokens(1));
    assert_eq!(ledger(&office, PATH, Unit::RiskPoints).0, risk_points(0));

    let run = start().max_steps(2).count_steps_in(Unit::UsdMicrocents).await.unwrap();
    run.step(async { Ok::<_, Error>(()) }).await.unwrap();
    assert_eq!(ledger(&office, &format!("{PATH}/toolset:steps"), Unit::UsdMicrocents).0.value(), 1);
}

#[tokio::test]
async fn a_run_that_cannot_be_is_refused_before_anything_is_sent() {
    let office = Office::with(runcycles_authority::AuthorityBuilder::record_requests).await;
    let client = office.client();
    let start = || Run::start(&office.admin, scope()).client(&client);
    for (run, field) in [
        (start(), "run"),
        (start().budget(credits(1)).budget(credits(2)), "budget"),
        (start().budget(credits(1)).downgrade_after(tokens(1)), "downgrade_after"),
        (start().budget(credits(1)).max_steps(1).count_steps_in(Unit::Credits), "count_steps_in"),
        (Run::start(&office.admin, Scope::agent("a").toolset("t")).client(&client).max_steps(1), "max_steps"),
        (Run::start(&office.admin, Scope::agent("jane@acme.com")).client(&client).budget(credits(1)), "subject.agent"),
    ] {
        match run.await {
            Err(Error::Validation(error)) => assert_eq!(error.field(), field, "{error}"),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(office.authority.requests().is_empty());
}

#[tokio::test]
async fn spend_beyond_a_run_s_budget_stops_it() {
    #[cycles(credits(10), "llm.completion", overage_policy = CommitOveragePolicy::AllowIfAvailable, actual = |()| credits(700))]
    async fn dear() -> Result<(), Error> {
        Ok(())
    }

    let office = Office::new().await;
    let client = office.client();
    let start = Run::start(&office.admin, scope()).client(&client).budget(credits(500)).downgrade_after(credits(500));
    let run = start.await.unwrap();
    run.scope(dear()).await.unwrap();
    assert!(run.should_downgrade());
    assert!(run.scope(dear()).await.unwrap_err().is_budget_exceeded());
}
