//! Annotated functions that reserve in several units.

use std::sync::atomic::{AtomicUsize, Ordering};

use runcycles::models::Unit;
use runcycles::{CyclesClient, Error, context, credits, cycles, tokens, usd};
use runcycles_authority::{Authority, Ledger};

use crate::support::clock::settle;
use crate::support::script::Script;
use crate::support::sent::{Route, Sent};

/// What a step of an agent cost.
struct Step {
    tokens: u64,
}

#[cycles((usd!(0.05), tokens(12_000)), "agent.step", client = client, workflow = "run",
         actual = |step| (usd!(0.01), tokens(step.tokens)))]
async fn step(client: &CyclesClient, cost: u64) -> Result<Step, Error> {
    Ok(Step { tokens: cost })
}

async fn budgets(dollars: runcycles::Amount, most: u64) -> Authority {
    let run = "tenant:acme/workflow:run";
    Authority::builder().budget(run, dollars).budget(run, tokens(most)).start().await.unwrap()
}

fn ledgers(authority: &Authority) -> [Ledger; 2] {
    let all = authority.ledgers("tenant:acme/workflow:run");
    let ledger = |unit: Unit| all.iter().find(|ledger| *ledger.spent.unit() == unit).cloned().expect("a ledger");
    [ledger(Unit::UsdMicrocents), ledger(Unit::Tokens)]
}

#[tokio::test(start_paused = true)]
async fn all_units_are_reserved_and_settled_each_by_its_own_amount() {
    let authority = budgets(usd!(15), 500_000).await;
    step(&authority.client("acme"), 10_000).await.unwrap();
    settle().await;
    let [dollars, spent_tokens] = ledgers(&authority);
    assert_eq!((dollars.spent, spent_tokens.spent), (usd!(0.01), tokens(10_000)));
    assert_eq!((dollars.reserved, spent_tokens.reserved), (usd!(0), tokens(0)));
}

#[tokio::test(start_paused = true)]
async fn where_one_unit_is_denied_nothing_is_held_in_the_others() {
    let authority = budgets(usd!(15), 11_999).await;
    let error = step(&authority.client("acme"), 1).await.map(drop).unwrap_err();
    assert!(error.is_budget_exceeded());
    assert_eq!(ledgers(&authority)[0].reserved, usd!(0), "before the denial is told");
    assert_eq!(ledgers(&authority)[0].spent, usd!(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_side_by_side_as_many_run_as_the_tighter_unit_has_room_for() {
    static BODIES: AtomicUsize = AtomicUsize::new(0);

    #[cycles((usd!(0.01), tokens(10)), "agent.step", client = client, workflow = "run")]
    async fn run(client: &CyclesClient) -> Result<(), Error> {
        BODIES.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok(())
    }

    let authority = budgets(usd!(100), 379).await;
    let client = authority.client("acme");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let client = client.clone();
        tasks.spawn(async move { run(&client).await });
    }
    let results = tasks.join_all().await;
    client.flush(std::time::Duration::from_secs(10)).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 37);
    assert_eq!(BODIES.load(Ordering::SeqCst), 37);
    let [dollars, spent_tokens] = ledgers(&authority);
    assert_eq!((dollars.spent, spent_tokens.spent), (usd!(0.37), tokens(370)));
    assert_eq!((dollars.reserved, spent_tokens.reserved), (usd!(0), tokens(0)));
}

#[tokio::test]
async fn usage_goes_to_the_reservation_in_its_unit_and_a_failure_settles_each_by_what_is_known() {
    #[cycles((tokens(10), credits(5)), "agent.step", client = client)]
    async fn failing(client: &CyclesClient) -> Result<(), Error> {
        let context = context().expect("a context");
        context.record_usage(&credits(2)).unwrap();
        assert!(context.record_usage(&usd!(1)).is_err());
        Err(Error::Action("broke".into()))
    }

    let script = Script::new();
    failing(&script.client()).await.unwrap_err();
    let commit = &script.wait_for(Route::Commit, 1).await[0];
    let release = &script.wait_for(Route::Release, 1).await[0];
    assert_eq!((commit.reservation(), commit.json()["actual"]["amount"].as_u64()), ("rsv_2", Some(2)));
    assert_eq!((release.reservation(), release.json()["reason"].as_str()), ("rsv_1", Some("guarded_method_failed")));
}

#[tokio::test]
async fn a_unit_is_given_once() {
    #[cycles((tokens(10), credits(5), tokens(3)), "agent.step", client = client)]
    async fn twice(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let script = Script::new();
    let error = twice(&script.client()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid estimate: found a second amount in TOKENS, expected one amount of each unit: add them up"
    );
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn the_units_of_a_derived_key_have_keys_of_their_own() {
    #[cycles((tokens(10), credits(5)), "job.step", client = client, key = "j1")]
    async fn keyed(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let script = Script::new();
    keyed(&script.client()).await.unwrap();
    let keys: Vec<_> = script.of(Route::Reserve).iter().map(Sent::key).collect();
    assert_eq!(keys, ["job.step%2Fkeyed/j1", "job.step%2Fkeyed/j1:CREDITS"]);
}
