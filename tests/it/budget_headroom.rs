//! A scope's budgets as a value.

use runcycles::models::Unit;
use runcycles::{Error, Scope, tokens, usd};

use crate::support::office::Office;

const USD: Unit = Unit::UsdMicrocents;

#[tokio::test]
async fn headroom_is_what_the_tightest_budget_has_left() {
    let office = Office::with(|builder| {
        builder
            .budget("tenant:acme", usd!(100))
            .budget("tenant:acme/workflow:run-1", usd!(10))
            .budget("tenant:acme/workflow:run-2", usd!(1))
            .record_requests()
    })
    .await;
    let run = office.client().budget(Scope::workflow("run-1").agent("bot"));
    let before = office.authority.requests().len();
    let left = run.headroom(USD).await.unwrap();
    assert_eq!(office.authority.requests().len() - before, 1, "one request");
    assert_eq!(left.remaining().to_string(), "$10.00");
    assert_eq!(left.tightest().scope_path, "tenant:acme/workflow:run-1");
    assert_eq!(left.budgets().len(), 2, "another run's budget has no part in it");
    assert_eq!(left.unbudgeted_scopes(), ["tenant:acme/workflow:run-1/agent:bot"]);
    assert!(left.fits(&usd!(10)) && !left.fits(&usd!(10.01)) && !left.fits(&tokens(1)));

    // What the company has left counts as well.
    office.admin.budget("tenant:acme").resize(usd!(3)).await.unwrap();
    assert_eq!(run.headroom(USD).await.unwrap().tightest().scope_path, "tenant:acme");
    office.authority.assert_settled();
}

#[tokio::test]
async fn a_run_degrades_by_what_is_left() {
    let office = Office::new().await;
    office.admin.budget("tenant:acme/workflow:run").ensure(usd!(10)).await.unwrap();
    let run = office.client().budget(Scope::workflow("run"));
    let mut models = String::new();
    loop {
        let left = run.headroom(USD).await.unwrap();
        let (model, cost) = if left.exceeds(&usd!(5)) {
            ('O', usd!(2))
        } else if left.exceeds(&usd!(1)) {
            ('S', usd!(0.80))
        } else {
            models.push('C');
            break;
        };
        run.execute(cost, "llm.completion", |_| async { Ok::<_, Error>(()) }).await.unwrap();
        models.push(model);
    }
    assert_eq!(models, "OOOSSSSC");
    assert_eq!(run.headroom(USD).await.unwrap().remaining().to_string(), "$0.80");
}

#[tokio::test]
async fn a_scope_that_nothing_can_be_spent_in_says_why() {
    let office = Office::new().await;
    let client = office.client();
    let budget = client.budget(Scope::agent("bot"));
    assert!(matches!(budget.headroom(USD).await, Err(Error::NoBudget { .. })));
    let provisioned = office.admin.budget("tenant:acme/agent:bot");
    provisioned.ensure(usd!(0)).await.unwrap();
    assert_eq!(budget.headroom(USD).await.unwrap().remaining().value(), 0);
    assert!(matches!(budget.headroom(Unit::Tokens).await, Err(Error::UnitMismatch { .. })));
    provisioned.freeze(USD).await.unwrap();
    assert!(budget.headroom(USD).await.unwrap_err().is_blocked());
}

#[tokio::test]
async fn an_action_beyond_the_budget_does_not_run() {
    let office = Office::with(|builder| builder.budget("tenant:acme", usd!(1))).await;
    let budget = office.client().budget(Scope::agent("bot"));
    let result: Result<(), Error> =
        budget.execute(usd!(2), "llm.completion", |_| async { panic!("it must not run") }).await;
    assert!(result.unwrap_err().is_budget_exceeded());
}
