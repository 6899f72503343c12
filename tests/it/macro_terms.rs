//! What annotated functions ask beside their reservation.

use runcycles::models::Level;
use runcycles::{CyclesClient, Error, OnUnsettled, Priority, Scope, UnknownSpend, WithCyclesConfig, cycles, tokens};
use runcycles_authority::Authority;
use serde_json::json;

use crate::support::clock::settle;
use crate::support::log::Log;
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::{Route, Sent};

async fn acme(budgets: &[(&str, u64)]) -> (Authority, CyclesClient) {
    let budgets =
        budgets.iter().fold(Authority::builder(), |builder, (scope, amount)| builder.budget(*scope, tokens(*amount)));
    let authority = budgets.start().await.unwrap();
    let client = authority.client("acme");
    (authority, client)
}

#[tokio::test(start_paused = true)]
async fn a_level_that_is_required_and_has_no_budget_fails_the_call_before_its_body() {
    #[cycles(tokens(10), "a.b", client = client, workflow = "w", agent = user, require = ["workflow", "agent"])]
    async fn call(client: &CyclesClient, user: &str) -> Result<u8, Error> {
        Ok(7)
    }

    let budgets = [("tenant:acme", 100), ("tenant:acme/workflow:w", 100), ("tenant:acme/workflow:w/agent:jane", 100)];
    let (authority, client) = acme(&budgets).await;
    assert_eq!(call(&client, "jane").await.unwrap(), 7);
    let error = call(&client, "joe").await.unwrap_err();
    let Error::UnbudgetedScope { scopes, .. } = &error else { panic!("{error:?}") };
    assert_eq!(scopes, &["tenant:acme/workflow:w/agent:joe"]);
    assert_eq!(
        error.to_string(),
        "no budget of its own for tenant:acme/workflow:w/agent:joe; create one, or require less"
    );
    settle().await;
    assert_eq!(authority.ledger("tenant:acme").unwrap().reserved, tokens(0), "the hold is returned");
}

#[tokio::test(start_paused = true)]
async fn a_level_that_is_required_and_not_given_fails_the_call() {
    #[cycles(tokens(10), "a.b", client = client, agent = None::<&str>, require = "agent")]
    async fn call(client: &CyclesClient) -> Result<(), Error> {
        unreachable!("the body of a call that is not admitted")
    }

    let (_authority, client) = acme(&[("tenant:acme", 100)]).await;
    let error = call(&client).await.unwrap_err();
    assert!(error.to_string().contains("agent (not in the subject)"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_a_dimension_alone_is_told_of_once_for_each_place() {
    #[cycles(tokens(1), "a.b", client = client, run = run)]
    async fn capped(client: &CyclesClient, run: &str) -> Result<(), Error> {
        Ok(())
    }
    #[cycles(tokens(1), "a.b", client = client, dimensions(run = run))]
    async fn reported(client: &CyclesClient, run: &str) -> Result<(), Error> {
        Ok(())
    }
    #[cycles(tokens(1), "a.b", client = client, agent = run, dimensions(run = run))]
    async fn at_a_level(client: &CyclesClient, run: &str) -> Result<(), Error> {
        Ok(())
    }

    let (_authority, client) = acme(&[("tenant:acme", 100)]).await;
    let log = Log::start();
    let warnings = || log.lines().iter().filter(|line| line.contains("nothing caps the run")).count();
    capped(&client, "run-1").await.unwrap();
    at_a_level(&client, "run-1").await.unwrap();
    assert_eq!(warnings(), 0);
    reported(&client, "run-2").await.unwrap();
    reported(&client, "run-3").await.unwrap();
    assert_eq!(warnings(), 1);
    log.told(tracing::Level::WARN, &["run=\"run-2\"", "macro_terms.rs", "write `run = …`"]);
}

#[tokio::test(start_paused = true)]
async fn a_tier_leaves_its_part_of_the_budget_to_those_above() {
    #[cycles(tokens(10), "a.b", client = client, priority = priority, fallback = Ok("fallback"))]
    async fn call(client: &CyclesClient, priority: Priority) -> Result<&'static str, Error> {
        Ok("ran")
    }

    #[cycles(tokens(10), "a.b", client = client, priority = "bulk")]
    async fn bulk(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let (authority, client) = acme(&[("tenant:acme", 100)]).await;
    for _ in 0..3 {
        bulk(&client).await.unwrap_or_default();
    }
    assert_eq!(authority.ledger("tenant:acme").unwrap().spent, tokens(30), "bulk work stops at 70 %");
    let error = bulk(&client).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "budget exceeded: tenant:acme is at 70 %, and the tier bulk leaves 70 % of it to others"
    );
    assert_eq!(error.refusal().and_then(|refusal| refusal.scope()), Some("tenant:acme"));
    assert_eq!(call(&client, Priority::LOW).await.unwrap(), "ran");
    assert_eq!(call(&client, Priority::LOW).await.unwrap(), "ran");
    assert_eq!(call(&client, Priority::LOW).await.unwrap(), "fallback", "at 50 %");
    for _ in 0..5 {
        assert_eq!(call(&client, Priority::CRITICAL).await.unwrap(), "ran");
    }
    assert_eq!(call(&client, Priority::CRITICAL).await.unwrap(), "fallback", "nothing is left");
    settle().await;
    let ledger = authority.ledger("tenant:acme").unwrap();
    assert_eq!((ledger.spent, ledger.reserved), (tokens(100), tokens(0)));
}

#[tokio::test(start_paused = true)]
async fn closures_have_the_same_conditions() {
    let (authority, client) = acme(&[("tenant:acme", 100)]).await;
    let config = || WithCyclesConfig::new(tokens(60)).action("a", "b").subject(Scope::agent("bot"));
    let run = async |config| client.execute(config, async |_| Ok::<_, Error>(())).await;
    assert!(matches!(run(config().require([Level::Agent])).await, Err(Error::UnbudgetedScope { .. })));
    assert!(run(config().priority(Priority::new("nightly", 100))).await.unwrap_err().is_budget_exceeded());
    run(config().priority(Priority::CRITICAL)).await.unwrap();
    settle().await;
    assert_eq!(authority.ledger("tenant:acme").unwrap().spent, tokens(60));
}

#[tokio::test]
async fn the_same_work_asks_with_the_same_key() {
    #[cycles(tokens(10), "job.step", client = client, key = (job, step, None::<u8>))]
    async fn step(client: &CyclesClient, job: &str, step: u32) -> Result<(), Error> {
        Ok(())
    }

    #[cycles(tokens(10), "job.run", client = client, key = job)]
    async fn run(client: &CyclesClient, job: String) -> Result<String, Error> {
        Ok(job)
    }

    let script = Script::new();
    let client = script.client();
    step(&client, "a/b", 1).await.unwrap();
    step(&client, "a/b", 1).await.unwrap();
    step(&client, "a", 1).await.unwrap();
    run(&client, "a".to_owned()).await.unwrap();
    let keys: Vec<_> = script.of(Route::Reserve).iter().map(Sent::key).collect();
    assert_eq!(
        keys,
        ["job.step%2Fstep/a%2Fb/1/%"; 2]
            .into_iter()
            .chain(["job.step%2Fstep/a/1/%", "job.run%2Frun/a"])
            .collect::<Vec<_>>()
    );

    let error = run(&client, "x".repeat(300)).await.unwrap_err();
    assert!(matches!(&error, Error::Validation(error) if error.field() == "key"), "{error}");
}

#[tokio::test]
async fn policies_are_given_by_word_or_as_values() {
    #[cycles(tokens(10), "a.b", client = client, unknown = "charge_estimate", heartbeat = "cancel", planned = "5s")]
    async fn failing(client: &CyclesClient) -> Result<(), Error> {
        Err(Error::Action("broke".into()))
    }

    #[cycles(tokens(10), "a.b", client = client, unknown = policy, on_unsettled = OnUnsettled::Error)]
    async fn chosen(client: &CyclesClient, policy: UnknownSpend, fails: bool) -> Result<(), Error> {
        if fails { Err(Error::Action("broke".into())) } else { Ok(()) }
    }

    let script = Script::new();
    let client = script.client();
    failing(&client).await.unwrap_err();
    let commit = script.of(Route::Commit)[0].json();
    assert_eq!(commit["metadata"], json!({ "actual_source": "estimate", "settled_after": "error" }));
    chosen(&client, UnknownSpend::Hold, true).await.unwrap_err();
    assert_eq!(script.sent().len(), 3, "a hold at an unknown cost is left to lapse");
    script.always(Route::Commit, reply::refusal(403, "FORBIDDEN"));
    assert!(matches!(chosen(&client, UnknownSpend::Release, false).await, Err(Error::Unsettled { .. })));
}
