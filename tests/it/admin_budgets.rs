//! Budgets as an operator handles them.

use std::time::Duration;

use runcycles::admin::{BudgetChanges, BudgetStatus, FundingOperation, ListBudgets, NewBudget};
use runcycles::models::{Amount, CommitOveragePolicy, ErrorCode, Unit};
use runcycles::{CyclesClient, Error, Reserve, Scope, tokens, usd};

use crate::support::office::Office;
use crate::support::stream::collect;

const JANE: &str = "tenant:acme/agent:jane";
const USD: Unit = Unit::UsdMicrocents;

/// One call of an agent's: two cents.
async fn call(client: &CyclesClient, agent: &str) -> Result<(), Error> {
    let reserve = Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02)).subject(Scope::agent(agent));
    client.reserve(reserve).await?.commit(usd!(0.02)).await?;
    Ok(())
}

/// How many calls pass before one is denied.
async fn calls_until_denied(client: &CyclesClient, agent: &str) -> usize {
    let mut passed = 0;
    while call(client, agent).await.map_err(|error| assert!(error.is_budget_exceeded(), "{error}")).is_ok() {
        passed += 1;
        assert!(passed < 10_000, "nothing is ever denied");
    }
    passed
}

fn spent(office: &Office, scope: &str) -> Amount {
    office.authority.ledger(scope).unwrap().spent
}

#[tokio::test]
async fn a_daily_budget_is_used_up_and_a_new_period_opens_it_again() {
    let office = Office::new().await;
    let (client, jane) = (office.client(), office.admin.budget(JANE));
    jane.ensure(usd!(5)).await.unwrap();
    assert_eq!(calls_until_denied(&client, "jane").await, 250);

    // Another size of the same number changes nothing.
    let resized = jane.resize(usd!(5)).await.unwrap();
    assert_eq!((resized.operation, resized.new_spent), (FundingOperation::Reset, Some(usd!(5))));
    assert!(call(&client, "jane").await.unwrap_err().is_budget_exceeded());

    let started = jane.start_period(usd!(5), "2026-11-22").await.unwrap();
    assert_eq!((started.previous_spent, started.new_spent), (Some(usd!(5)), Some(usd!(0))));
    assert_eq!(calls_until_denied(&client, "jane").await, 250);
}

#[tokio::test]
async fn a_period_starts_once_even_after_new_spend() {
    let office = Office::new().await;
    let (client, jane) = (office.client(), office.admin.budget(JANE));
    jane.ensure(usd!(5)).await.unwrap();
    call(&client, "jane").await.unwrap();
    jane.start_period(usd!(5), "2026-11-22").await.unwrap();
    assert_eq!(spent(&office, JANE), usd!(0));

    call(&client, "jane").await.unwrap();
    office.advance(Duration::from_secs(23 * 3_600));
    // Another process, with another name for the same scope.
    let again = office.admin.budget(Scope::tenant("acme").agent("Jane")).start_period(usd!(5), "2026-11-22");
    again.await.unwrap();
    assert_eq!(spent(&office, JANE), usd!(0.02), "the second request is the first one again");

    jane.start_period(usd!(5), "2026-11-23").await.unwrap();
    assert_eq!(spent(&office, JANE), usd!(0));

    let error = jane.start_period(usd!(6), "2026-11-23").await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::IdempotencyMismatch), "{error}");
}

#[tokio::test]
async fn one_period_starts_for_every_user() {
    let office = Office::new().await;
    let client = office.client();
    let users = ["ann", "ben", "cleo"];
    for user in users {
        office.admin.budget(Scope::tenant("acme").agent(user)).ensure(usd!(0.10)).await.unwrap();
        assert_eq!(calls_until_denied(&client, user).await, 5);
    }
    for user in users {
        let budget = office.admin.budget(Scope::tenant("acme").agent(user));
        budget.start_period(usd!(0.10), "2026-11-22").await.unwrap();
    }
    for user in users {
        assert_eq!(calls_until_denied(&client, user).await, 5, "{user}");
    }
}

#[tokio::test]
async fn a_period_keeps_holds_and_may_start_with_spend() {
    let office = Office::new().await;
    let (client, jane) = (office.client(), office.admin.budget(JANE));
    jane.ensure(usd!(5)).await.unwrap();
    let reserve = Reserve::new("a", "b").estimate(usd!(1)).subject(Scope::agent("jane"));
    let guard = client.reserve(reserve).await.unwrap();

    let started = jane.start_period(usd!(5), "2026-11-22").spent(usd!(0.50)).await.unwrap();
    assert_eq!(started.new_remaining.to_string(), "$3.50");
    guard.commit(usd!(1)).await.unwrap();
    assert_eq!(spent(&office, JANE), usd!(1.50));
}

#[tokio::test]
async fn ensuring_a_budget_twice_gives_the_one_that_is_there() {
    let office = Office::new().await;
    let jane = office.admin.budget(JANE);
    let first = jane.ensure(NewBudget::new(usd!(5)).overdraft_limit(usd!(1))).await.unwrap();
    call(&office.client(), "jane").await.unwrap();
    let second = jane.ensure(usd!(7)).await.unwrap();
    assert_eq!((second.ledger_id, second.allocated), (first.ledger_id, usd!(5)));
    assert_eq!((second.spent, second.overdraft_limit), (Some(usd!(0.02)), Some(usd!(1))));

    let error = jane.create(usd!(7)).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(409), Some(&ErrorCode::DuplicateResource)));
    // Another unit is another budget.
    assert_eq!(jane.ensure(tokens(9)).await.unwrap().allocated, tokens(9));
}

#[tokio::test]
async fn funding_moves_the_numbers_as_its_operations_say() {
    let office = Office::new().await;
    let bot = office.admin.budget("tenant:acme/agent:bot");
    bot.ensure(tokens(100)).await.unwrap();

    let credited = bot.credit(tokens(50)).await.unwrap();
    assert_eq!((credited.previous_allocated, credited.new_allocated), (tokens(100), tokens(150)));
    assert_eq!(bot.debit(tokens(30)).await.unwrap().new_allocated, tokens(120));
    let error = bot.debit(tokens(121)).await.unwrap_err();
    assert!(error.is_budget_exceeded(), "{error}");
    assert_eq!(bot.repay_debt(tokens(5)).await.unwrap().new_allocated, tokens(125), "without debt it is a credit");
    let resized = bot.resize(tokens(10)).reason("smaller").await.unwrap();
    assert_eq!(resized.new_remaining.value(), 10);
}

#[tokio::test]
async fn a_credit_for_an_occasion_and_a_clone_of_a_credit_take_effect_once() {
    let office = Office::new().await;
    let bot = office.admin.budget("tenant:acme/agent:bot");
    bot.ensure(tokens(0)).await.unwrap();
    for _ in 0..2 {
        bot.credit(tokens(5)).once("invoice 4711").await.unwrap();
    }
    assert_eq!(bot.get(Unit::Tokens).await.unwrap().allocated, tokens(5));
    let credit = bot.credit(tokens(5));
    credit.clone().await.unwrap();
    credit.await.unwrap();
    assert_eq!(bot.get(Unit::Tokens).await.unwrap().allocated, tokens(10));
    bot.credit(tokens(5)).await.unwrap();
    assert_eq!(bot.get(Unit::Tokens).await.unwrap().allocated, tokens(15), "another credit is another one");
}

#[tokio::test]
async fn a_frozen_budget_blocks_until_it_is_unfrozen() {
    let office = Office::new().await;
    let (client, jane) = (office.client(), office.admin.budget(JANE));
    jane.ensure(usd!(5)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(jane.freeze(USD).await.unwrap().status, BudgetStatus::Frozen);
    }
    assert!(call(&client, "jane").await.unwrap_err().is_blocked());
    assert!(jane.credit(usd!(1)).await.unwrap_err().is_blocked());
    for _ in 0..2 {
        assert_eq!(jane.unfreeze(USD).await.unwrap().status, BudgetStatus::Active);
    }
    call(&client, "jane").await.unwrap();
}

#[tokio::test]
async fn terms_of_a_budget_change_without_its_amounts() {
    let office = Office::new().await;
    let jane = office.admin.budget(JANE);
    jane.ensure(usd!(5)).await.unwrap();
    let policy = CommitOveragePolicy::AllowWithOverdraft;
    let changes = BudgetChanges::new().overdraft_limit(usd!(2)).commit_overage_policy(policy.clone());
    let updated = jane.update(USD, changes).await.unwrap();
    assert_eq!((updated.overdraft_limit, updated.commit_overage_policy), (Some(usd!(2)), Some(policy)));
    assert_eq!(updated.allocated, usd!(5));
}

#[tokio::test]
async fn budgets_are_listed_page_after_page() {
    let office = Office::new().await;
    for agent in ["ann", "ben", "cleo"] {
        office.admin.budget(Scope::tenant("acme").agent(agent)).ensure(tokens(1)).await.unwrap();
    }
    office.admin.budget("tenant:acme").ensure(usd!(1)).await.unwrap();
    let filter = ListBudgets::new().tenant_id("acme").unit(Unit::Tokens).used_at_most(50).limit(2);
    let found = collect(office.admin.budgets(filter), 10).await;
    let mut scopes: Vec<_> = found.into_iter().map(|ledger| ledger.unwrap().scope).collect();
    scopes.sort();
    assert_eq!(scopes, ["tenant:acme/agent:ann", "tenant:acme/agent:ben", "tenant:acme/agent:cleo"]);
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let office = Office::new().await;
    let error = office.admin.budget(JANE).get(USD).await.unwrap_err();
    assert_eq!((error.status(), error.code()), (Some(404), Some(&ErrorCode::BudgetNotFound)));
    let error = office.admin.budget("tenant:nobody").ensure(usd!(1)).await.unwrap_err();
    assert_eq!(error.code(), Some(&ErrorCode::TenantNotFound));
}

#[tokio::test]
async fn a_scope_that_cannot_be_is_an_error_of_every_operation_and_nothing_is_sent() {
    let office = Office::with(runcycles_authority::AuthorityBuilder::record_requests).await;
    let reject = |error: Error, text: &str| {
        assert!(matches!(error, Error::Validation(_)), "{error}");
        assert!(error.to_string().contains(text), "{error}");
    };
    for (scope, text) in [
        ("acme", "a tenant first, such as tenant:acme"),
        ("agent:bot", "a tenant first, such as tenant:acme"),
        ("", "a tenant first"),
        ("tenant:acme/agnet:bot", "\"agnet:bot\" in \"tenant:acme/agnet:bot\", expected a level below tenant: one of"),
        ("tenant:acme/agent:bot/app:chat", "a level below agent: one of toolset"),
        ("tenant:acme/toolset:a/toolset:b", "nothing below toolset"),
        ("tenant:acme/agent:jane@acme.com", "Scope::encode makes one of any text"),
        ("tenant:acme/agent:-x", "a letter or digit first and last"),
        ("tenant:acme/agent:", "an id of 1 to 128 characters"),
        ("tenant:acme/", "one of workspace"),
    ] {
        let budget = office.admin.budget(scope);
        reject(budget.ensure(usd!(1)).await.unwrap_err(), text);
        reject(budget.get(USD).await.unwrap_err(), text);
        reject(budget.credit(usd!(1)).await.unwrap_err(), text);
        reject(budget.freeze(USD).await.unwrap_err(), text);
        reject(budget.update(USD, BudgetChanges::new()).await.unwrap_err(), text);
    }
    let with_dimension = Scope::tenant("acme").dimension("run", "7");
    reject(office.admin.budget(with_dimension).get(USD).await.unwrap_err(), "a dimension has no budget of its own");
    let two_levels = Scope::tenant("acme").agent("a/toolset:b");
    reject(office.admin.budget(two_levels).get(USD).await.unwrap_err(), "contains '/'");
    assert!(office.authority.requests().is_empty());
}

#[tokio::test]
async fn an_amount_in_another_unit_and_spend_outside_of_a_period_are_not_sent() {
    let office = Office::with(runcycles_authority::AuthorityBuilder::record_requests).await;
    let jane = office.admin.budget(JANE);
    let errors = [
        jane.create(NewBudget::new(usd!(1)).overdraft_limit(tokens(1))).await.unwrap_err(),
        jane.update(USD, BudgetChanges::new().overdraft_limit(tokens(1))).await.unwrap_err(),
        jane.start_period(usd!(1), "p").spent(tokens(1)).await.unwrap_err(),
        jane.credit(usd!(1)).spent(usd!(1)).await.unwrap_err(),
        jane.start_period(usd!(1), "").await.unwrap_err(),
        jane.credit(usd!(1)).reason("x".repeat(513)).await.unwrap_err(),
        jane.credit(Amount::tokens(u64::MAX)).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Validation(_)), "{error}");
    }
    assert!(office.authority.requests().is_empty());
}
