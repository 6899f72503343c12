//! Rules of actions, from whoever sets them to whoever is held to them.

use std::time::Duration;

use runcycles::admin::{ListQuotaCounters, NewPolicy, PolicyChanges, TenantChanges};
use runcycles::budgets_file::BudgetsFile;
use runcycles::models::{ActionQuota, ActionRules, ObserveMode, QuotaWindow, RiskClass, RiskClassQuota};
use runcycles::{CyclesClient, Error, Reserve, Scope, kinds, tokens};
use runcycles_authority::{Authority, AuthorityBuilder, ManualClock, Policy};
use tracing::Level;

use crate::support::log::Log;
use crate::support::office::Office;
use crate::support::stream::collect;

fn budget(builder: AuthorityBuilder) -> AuthorityBuilder {
    builder.budget("tenant:acme", tokens(1_000)).evaluate_policies().protocol_extensions()
}

fn emails(most: u64) -> ActionRules {
    ActionRules::new().quota(ActionQuota::new(kinds::MESSAGE_EMAIL_SEND, most, QuotaWindow::PerRun))
}

/// Sends an e-mail in the run `r`, and says whether it may.
async fn send(client: &CyclesClient) -> Result<(), Error> {
    let scope = Scope::agent("bot").dimension("run_id", "r");
    let guard =
        client.reserve(Reserve::new(kinds::MESSAGE_EMAIL_SEND, "smtp").estimate(tokens(1)).subject(scope)).await?;
    guard.commit(tokens(1)).await.map(drop)
}

#[tokio::test]
async fn an_operator_limits_a_kind_of_action_looks_at_its_counter_and_starts_it_anew() {
    let office = Office::with(budget).await;
    let policy = NewPolicy::new("acme", "support", "tenant:acme/agent:*").action_rules(emails(1));
    let made = office.admin.create_policy(policy).await.unwrap();
    assert_eq!(made.action_rules(), emails(1));
    let client = office.client();
    send(&client).await.unwrap();
    let denied = send(&client).await.unwrap_err();
    assert!(denied.is_blocked() && !denied.allows_fallback());
    let quota = denied.deny_detail().unwrap().quota_violation.unwrap();
    assert_eq!((quota.used, quota.limit, quota.window_key.as_deref()), (1, 1, Some("r")));

    let filter = ListQuotaCounters::new().tenant_id("acme").run_id("r");
    let counters = collect(office.admin.quota_counters(filter), 10).await;
    let counters: Vec<_> = counters.into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!((counters.len(), counters[0].used, counters[0].remaining), (1, 1, Some(0)));
    let reset = office.admin.reset_quota_counter("acme", &counters[0], "a stuck run").await.unwrap();
    assert_eq!((reset.previous_used, reset.counter.used), (1, 0));
    send(&client).await.unwrap();
    let lenient = PolicyChanges::new().action_rules(ActionRules::new());
    assert!(office.admin.update_policy(&made.policy_id, lenient).await.unwrap().action_rules().is_empty());
    send(&client).await.unwrap();
}

#[tokio::test]
async fn operators_are_told_once_when_a_quota_is_nearly_used_up() {
    let log = Log::start();
    let near = ActionQuota::new(kinds::MESSAGE_EMAIL_SEND, 10, QuotaWindow::PerRun).threshold_percent(20);
    let policy = Policy::new("support", "tenant:acme").actions(ActionRules::new().quota(near));
    let office = Office::with(|builder| budget(builder).policy("acme", policy)).await;
    send(&office.client()).await.unwrap();
    assert!(!log.lines().iter().any(|line| line.contains("nearly used up")));
    for _ in 0..3 {
        send(&office.client()).await.unwrap();
    }
    let told = log.lines().iter().filter(|line| line.contains("a quota of actions is nearly used up")).count();
    assert_eq!(told, 1);
    log.told(Level::WARN, &["message.email.send", "used=2", "limit=10", "instance=\"r\""]);
}

#[tokio::test]
async fn what_was_counted_outlives_the_authority_and_so_does_what_it_counts_for() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
    let start = || {
        let class = RiskClassQuota::new(RiskClass::ExternalSideEffect, 50, QuotaWindow::PerHour);
        let policy = Policy::new("support", "tenant:acme").actions(emails(2).risk_class_quota(class));
        let builder = budget(Authority::builder()).policy("acme", policy).clock(clock.clone());
        builder.tenant("acme").path(directory.path()).start()
    };
    let request = || {
        let scope = Scope::tenant("acme").dimension("run_id", "r");
        let keys = runcycles::models::PolicyKeys::new().host("smtp.example.com");
        Reserve::new(kinds::MESSAGE_EMAIL_SEND, "x").estimate(tokens(1)).subject(scope).policy_keys(keys).build()
    };
    let authority = start().await.unwrap();
    let client = authority.client("acme");
    let first = client.create_reservation(&request()).await.unwrap().reservation_id.unwrap();
    client.create_reservation(&request()).await.unwrap();
    drop(client);
    authority.close().await.unwrap();

    let authority = start().await.unwrap();
    let client = authority.client("acme");
    let kept = client.get_reservation(&first).await.unwrap();
    assert_eq!(kept.action.policy_keys.unwrap().host.as_deref(), Some("smtp.example.com"));
    assert!(client.create_reservation(&request()).await.unwrap_err().is_blocked(), "both still count");
    client.release_reservation(&first, &runcycles::models::ReleaseRequest::new("not needed")).await.unwrap();
    client.create_reservation(&request()).await.unwrap();
}

#[tokio::test]
async fn a_lapsed_reservation_does_not_count_in_its_run() {
    let policy = Policy::new("support", "tenant:acme").actions(emails(1));
    let office = Office::with(|builder| budget(builder).policy("acme", policy)).await;
    let scope = Scope::tenant("acme").dimension("run_id", "r");
    let request = || Reserve::new(kinds::MESSAGE_EMAIL_SEND, "x").estimate(tokens(1)).subject(scope.clone()).build();
    office.client().create_reservation(&request()).await.unwrap();
    assert!(office.client().create_reservation(&request()).await.is_err());
    office.advance(Duration::from_secs(70));
    office.client().create_reservation(&request()).await.unwrap();
}

#[tokio::test]
async fn an_operator_puts_a_tenant_in_observe_mode() {
    let office = Office::with(budget).await;
    let observe = TenantChanges::new().observe_mode(ObserveMode::Observe);
    assert_eq!(office.admin.update_tenant("acme", observe).await.unwrap().observe_mode, Some(ObserveMode::Observe));
    let guard = office.client().reserve(Reserve::new("a", "b").estimate(tokens(1))).await.unwrap();
    assert!(guard.is_observed());
}

const FILE: &str = r#"
protocol_extensions = true

[[tenants]]
id = "acme"
observe_mode = "ENFORCE"

[[policies]]
tenant = "acme"
name = "support"
scope_pattern = "tenant:acme/agent:*"
denied_action_kinds = ["code.deploy"]
action_quotas = [{ action_kind = "message.email.send", max_calls = 5, window = "per_run", threshold_pct = 0.5 }]
risk_class_quotas = [{ risk_class = "high_risk", max_calls = 10, window = "per_hour_tumbling" }]
"#;

#[tokio::test]
async fn a_budgets_file_sets_rules_and_is_satisfied_once_they_are_there() {
    let office = Office::with(budget).await;
    let file = BudgetsFile::parse("cycles.toml", FILE).unwrap();
    assert!(file.uses_protocol_extensions());
    let plan = file.plan(&office.admin).await.unwrap();
    assert_eq!((plan.to_create(), plan.to_change()), (1, 1), "{plan}");
    plan.apply().await.unwrap();
    assert!(file.plan(&office.admin).await.unwrap().is_empty());
    let stricter = BudgetsFile::parse("cycles.toml", &FILE.replace("max_calls = 5", "max_calls = 4")).unwrap();
    assert_eq!(stricter.plan(&office.admin).await.unwrap().to_change(), 1);
}

#[test]
fn rules_that_cannot_be_meant_are_errors_that_name_the_line() {
    for (found, wrong, told) in [
        ("per_run", "per_week", "cycles.toml:10: the window is \"per_week\""),
        ("high_risk", "scary", "cycles.toml:10: the risk_class is \"scary\""),
        ("max_calls = 5", "max_calls = 0", "cycles.toml:10: the max_calls is 0"),
        ("ENFORCE", "MAYBE", "cycles.toml:6: \"MAYBE\" is no observe mode"),
    ] {
        let error = BudgetsFile::parse("cycles.toml", &FILE.replace(found, wrong)).unwrap_err().to_string();
        assert!(error.starts_with(told), "{error}");
    }
}
