//! Budgets as a file.

use runcycles::admin::{BudgetStatus, ListBudgets, ListPolicies, TenantChanges, TenantStatus};
use runcycles::budgets_file::{BudgetsFile, BudgetsPlan};
use runcycles::models::{CommitOveragePolicy, Unit};
use runcycles::{CyclesClient, Error, Reserve, tokens, usd};
use runcycles_authority::{Authority, AuthorityBuilder};

use crate::support::office::Office;
use crate::support::stream::collect;

const PHASE_1: &str = "
[[budgets]]
scope = 'tenant:acme'
amount = '$500'
";

const PHASE_2: &str = "
[[budgets]]
scope = 'tenant:acme'
amount = '$500'

[[budgets]]
scope = 'tenant:acme/workflow:code-review/agent:run-42'
amount = '$2'
";

const PHASE_3: &str = "
[[budgets]]
scope = 'tenant:acme'
amount = '$500'

[[budgets]]
scope = 'tenant:acme/workflow:code-review'
amount = '$50'

[[budgets]]
scope = 'tenant:acme/workflow:code-review'
amount = '100_000 tokens'

[[budgets]]
scope = 'tenant:acme/workflow:code-review/agent:run-42'
amount = '$2'
";

fn file(text: &str) -> BudgetsFile {
    BudgetsFile::parse("budgets.toml", text).unwrap()
}

async fn plan(office: &Office, text: &str) -> BudgetsPlan {
    file(text).plan(&office.admin).await.unwrap()
}

async fn spend(client: &CyclesClient, amount: runcycles::models::Amount) -> Result<(), Error> {
    client.reserve(Reserve::new("a", "b").estimate(amount.clone())).await?.commit(amount).await?;
    Ok(())
}

async fn ledgers(office: &Office) -> Vec<(String, String, String)> {
    let found = collect(office.admin.budgets(ListBudgets::new().tenant_id("acme")), 100).await;
    let rows = found.into_iter().map(|ledger| {
        let ledger = ledger.unwrap();
        (ledger.scope, ledger.allocated.to_string(), ledger.spent.unwrap_or(usd!(0)).to_string())
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn the_phases_of_a_rollout_only_add_ledgers_and_each_is_safe_to_repeat() {
    let office = Office::new().await;
    let mut before = Vec::new();
    for (phase, expected) in [(PHASE_1, 1), (PHASE_2, 2), (PHASE_3, 4)] {
        assert_eq!(plan(&office, phase).await.apply().await.unwrap(), expected - before.len());
        let after = ledgers(&office).await;
        assert_eq!(after.len(), expected);
        assert!(before.iter().all(|ledger| after.contains(ledger)), "{before:?} is in {after:?}");
        assert!(plan(&office, phase).await.is_empty());
        assert_eq!(plan(&office, phase).await.apply().await.unwrap(), 0);
        assert_eq!(ledgers(&office).await, after);
        spend(&office.client(), usd!(1)).await.unwrap();
        before = ledgers(&office).await;
    }
    // An earlier phase takes nothing away.
    assert!(plan(&office, PHASE_1).await.is_empty());
}

#[tokio::test]
async fn a_plan_reads_as_a_list_of_differences_and_changes_nothing() {
    let office = Office::new().await;
    plan(&office, PHASE_2).await.apply().await.unwrap();
    let before = ledgers(&office).await;
    let wanted = "
[[tenants]]
id = 'acme'
max_extensions = 3

[[tenants]]
id = 'globex'

[[api_keys]]
key = 'cyc_live_mine'
tenant = 'acme'

[[budgets]]
scope = 'tenant:acme'
amount = '$600'
overdraft_limit = '$10'

[[budgets]]
scope = 'tenant:acme/workflow:code-review/agent:run-42'
amount = '$2'

[[budgets]]
scope = 'tenant:globex/toolset:email'
amount = '50 risk points'
frozen = true

[[policies]]
tenant = 'acme'
name = 'short answers'
scope_pattern = 'tenant:acme/*'
max_tokens = 512
";
    let expected = "\
budgets.toml: 3 to create, 3 to change, 1 as they are
  ~ tenant  acme                                            max_extensions 10 → 3
  ~ budget  tenant:acme                                     $500.00 → $600.00
  ~ budget  tenant:acme                                     overdraft limit $0.00 → $10.00
  = budget  tenant:acme/workflow:code-review/agent:run-42   $2.00
  + policy  acme/\"short answers\"                            tenant:acme/*
  + tenant  globex
  + budget  tenant:globex/toolset:email                     50 risk points, frozen
  ! API keys are for cycles-authority alone: a server makes keys of its own
";
    let wanted = plan(&office, wanted).await;
    let squeezed = |text: &str| {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(squeezed(&wanted.to_string()), squeezed(expected));
    assert_eq!(ledgers(&office).await, before);
}

#[tokio::test]
async fn what_differs_is_changed_and_what_was_spent_stays_spent() {
    let office = Office::new().await;
    plan(&office, PHASE_1).await.apply().await.unwrap();
    spend(&office.client(), usd!(40)).await.unwrap();
    let other = "
[[tenants]]
id = 'acme'
overage_policy = 'REJECT'
default_ttl_ms = 30_000
max_ttl_ms = 90_000
max_extensions = 5

[[budgets]]
scope = 'tenant:acme'
amount = '$600'
overdraft_limit = '$10'

[[policies]]
tenant = 'acme'
name = 'short answers'
scope_pattern = 'tenant:acme/*'
max_tokens = 512
";
    assert_eq!(plan(&office, other).await.apply().await.unwrap(), 4);
    let ledger = office.admin.budget("tenant:acme").get(Unit::UsdMicrocents).await.unwrap();
    assert_eq!((ledger.allocated, ledger.spent), (usd!(600), Some(usd!(40))));
    assert_eq!(ledger.overdraft_limit, Some(usd!(10)));
    let tenant = office.admin.tenant("acme").await.unwrap();
    assert_eq!(tenant.default_commit_overage_policy, Some(CommitOveragePolicy::Reject));
    assert_eq!((tenant.default_reservation_ttl_ms, tenant.max_reservation_extensions), (Some(30_000), Some(5)));
    assert!(plan(&office, other).await.is_empty());

    let longer = other.replace("512", "1024");
    assert_eq!(plan(&office, &longer).await.to_change(), 1);
    plan(&office, &longer).await.apply().await.unwrap();
    let policies = collect(office.admin.policies(ListPolicies::new().tenant_id("acme")), 10).await;
    let caps = policies[0].as_ref().unwrap().caps.as_ref().unwrap().max_tokens;
    assert_eq!((policies.len(), caps), (1, Some(1024)));
    // A pattern is for good.
    let elsewhere = plan(&office, &longer.replace("tenant:acme/*", "tenant:acme/app:chat")).await;
    assert!(elsewhere.is_empty());
    assert!(elsewhere.notes()[0].contains("give the entry another name"), "{elsewhere}");
}

#[tokio::test]
async fn a_budget_that_an_operator_stopped_stays_stopped() {
    let office = Office::new().await;
    plan(&office, PHASE_1).await.apply().await.unwrap();
    office.admin.budget("tenant:acme").freeze(Unit::UsdMicrocents).await.unwrap();
    let larger = plan(&office, &PHASE_1.replace("500", "900")).await;
    assert!(larger.is_empty());
    assert!(larger.to_string().contains("! tenant:acme is frozen and stays as it is; unfreeze it first"), "{larger}");
    let frozen = PHASE_1.to_owned() + "frozen = true\n";
    assert!(plan(&office, &frozen).await.notes().is_empty());

    office.admin.budget("tenant:acme").unfreeze(Unit::UsdMicrocents).await.unwrap();
    plan(&office, &frozen).await.apply().await.unwrap();
    let ledger = office.admin.budget("tenant:acme").get(Unit::UsdMicrocents).await.unwrap();
    assert_eq!(ledger.status, BudgetStatus::Frozen);
}

#[tokio::test]
async fn a_tenant_that_a_scope_names_is_created_with_its_budgets() {
    let authority = Authority::builder().admin_key("secret").start().await.unwrap();
    let admin =
        runcycles::admin::Admin::builder("secret", "http://admin.test").transport(authority.transport()).build();
    let text = "[[budgets]]\nscope = 'tenant:globex/agent:bot'\namount = '7 tokens'\nfrozen = true\n";
    let plan = file(text).plan(&admin).await.unwrap();
    assert_eq!((plan.to_create(), plan.apply().await.unwrap()), (2, 2));
    assert_eq!(authority.ledger("tenant:globex/agent:bot").unwrap().allocated, tokens(7));
    assert!(file(text).plan(&admin).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_change_that_fails_says_which_and_what_is_done() {
    let office = Office::new().await;
    plan(&office, PHASE_1).await.apply().await.unwrap();
    let larger = PHASE_2.replace("500", "900");
    let planned = plan(&office, &larger).await;
    office.admin.budget("tenant:acme").freeze(Unit::UsdMicrocents).await.unwrap();
    let error = planned.apply().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot change the budget tenant:acme ($500.00 → $900.00); 1 of 2 changes are made, and a new plan has the rest"
    );
    assert!(error.source.is_blocked());
    assert!(plan(&office, &larger).await.is_empty());
    office.admin.budget("tenant:acme").unfreeze(Unit::UsdMicrocents).await.unwrap();
    assert_eq!(plan(&office, &larger).await.apply().await.unwrap(), 1);
}

#[tokio::test]
async fn what_stops_calls_is_made_before_what_is_above_it_is_funded() {
    let office = Office::with(AuthorityBuilder::record_requests).await;
    let masked = PHASE_1.to_owned()
        + "
[[budgets]]
scope = 'tenant:acme/workflow:review'
amount = '$0'

[[budgets]]
scope = 'tenant:acme/workflow:review/agent:bot'
amount = '$0'
";
    let planned = plan(&office, &masked).await;
    let places: Vec<_> =
        planned.to_string().lines().filter_map(|line| line.split_whitespace().nth(2).map(str::to_owned)).collect();
    assert!(
        places.ends_with(&[
            "tenant:acme".into(),
            "tenant:acme/workflow:review".into(),
            "tenant:acme/workflow:review/agent:bot".into()
        ]),
        "{planned}"
    );
    planned.apply().await.unwrap();
    let mut made: Vec<_> = Vec::new();
    for request in office.authority.requests() {
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        made.extend(body["scope"].as_str().map(str::to_owned));
    }
    assert_eq!(made, ["tenant:acme/workflow:review/agent:bot", "tenant:acme/workflow:review", "tenant:acme"]);
}

#[tokio::test]
async fn a_budget_that_is_closed_is_told_to_need_another_scope() {
    let office = Office::new().await;
    plan(&office, PHASE_1).await.apply().await.unwrap();
    office.admin.update_tenant("acme", TenantChanges::new().status(TenantStatus::Closed)).await.unwrap();
    let closed = plan(&office, PHASE_1).await;
    assert_eq!(closed.notes(), ["tenant:acme is closed for good; give the entry another scope"]);
    assert!(closed.is_empty());
}

#[test]
fn what_cannot_be_meant_is_an_error_with_its_line_and_its_cure() {
    let budget = |scope: &str, rest: &str| format!("[[budgets]]\nscope = '{scope}'\n{rest}\n");
    for (text, line, parts) in [
        (
            budget("tenant:acme/agnet:bot", "amount = '$5'"),
            2,
            ["\"agnet:bot\"", "one of workspace, app, workflow, agent"],
        ),
        (budget("agent:bot", "amount = '$5'"), 2, ["the scope is", "a tenant first, such as tenant:acme"]),
        (budget("tenant:ac", "amount = '$5'"), 2, ["the tenant_id is \"ac\"", "3 to 64 characters"]),
        (
            budget("tenant:acme", "amount = '5 euros'"),
            3,
            ["in no unit that a budget has", "3 credits or 50 risk points"],
        ),
        (budget("tenant:acme", "amount = '$0.123456789'"), 3, ["at most eight digits", "such as $0.02"]),
        (budget("tenant:acme", "amount = '-1 tokens'"), 3, ["the amount \"-1 tokens\"", "100_000 tokens"]),
        (budget("tenant:acme", "amount = 5"), 3, ["invalid type: integer `5`, expected a string", "correct the line"]),
        (budget("tenant:acme", "amuont = '$5'"), 3, ["unknown field `amuont`", "correct its name"]),
        (budget("tenant:acme", ""), 1, ["missing field `amount`", "correct the line"]),
        (
            budget("tenant:acme", "amount = '$5'\noverdraft_limit = '5 tokens'"),
            4,
            ["an overdraft limit in TOKENS for a budget in USD_MICROCENTS", "in the unit of \"$5\""],
        ),
        (
            budget("tenant:acme/agent:bot", "amount = '$5'") + &budget("tenant:acme/agent:Bot", "amount = '$6'"),
            5,
            ["a second budget in USD_MICROCENTS at tenant:acme/agent:bot; the first is on line 2", "keep one of them"],
        ),
        ("[[budget]]\nscope = 'tenant:acme'\n".to_owned(), 1, ["unknown field `budget`", "correct its name"]),
        ("[[tenants]]\nid = 'Acme'\n".to_owned(), 2, ["the tenant_id is \"Acme\"", "out of a-z 0-9 -"]),
        (
            "[[tenants]]\nid = 'acme'\noverage_policy = 'REJCET'\n".to_owned(),
            3,
            ["\"REJCET\" is no overage policy", "REJECT, ALLOW_IF_AVAILABLE, ALLOW_WITH_OVERDRAFT"],
        ),
        (
            "[[tenants]]\nid = 'acme'\ndefault_ttl_ms = 60\n".to_owned(),
            3,
            ["the default_ttl_ms is 60", "write 1000 to 86400000"],
        ),
        (
            "[[tenants]]\nid = 'acme'\nmax_extensions = 5\nmax_ttl_ms = 0\n".to_owned(),
            4,
            ["the max_ttl_ms is 0", "write 1000 to 86400000"],
        ),
        (
            "[[policies]]\ntenant = 'acme'\nname = 'x'\nscope_pattern = 'tenant:acme2/*'\n".to_owned(),
            4,
            ["is not of the tenant acme", "or tenant:acme/*"],
        ),
        ("[[budgets]\n".to_owned(), 1, ["unclosed", "correct the line"]),
    ] {
        let error = BudgetsFile::parse("budgets.toml", &text).unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with(&format!("budgets.toml:{line}: ")), "{told}\n{text}");
        assert!(parts.iter().all(|part| told.contains(part)), "{told}\n{text}");
        assert_eq!(error.line(), Some(line));
    }
    // Two units are two budgets.
    let both = budget("tenant:acme", "amount = '$5'") + &budget("tenant:acme", "amount = '5 tokens'");
    assert_eq!(file(&both).budgets().len(), 2);
    let error = BudgetsFile::read("no/such/budgets.toml").unwrap_err();
    assert_eq!(error.to_string(), "cannot read no/such/budgets.toml");
}

#[test]
fn a_key_in_a_file_is_not_shown() {
    let keys = file("[[api_keys]]\nkey = 'cyc_live_do-not-show'\ntenant = 'acme'\n");
    assert_eq!(keys.api_keys()[0].key, "cyc_live_do-not-show");
    assert!(!format!("{keys:?}").contains("do-not-show"));
}
