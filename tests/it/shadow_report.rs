//! What shadow modes say that enforcement would have done.

use std::time::Duration;

use runcycles::models::{Amount, CommitOveragePolicy, Level, Unit};
use runcycles::{CyclesClient, Error, JournalConfig, Mode, Scope, ShadowReport, WithCyclesConfig, cycles, tokens, usd};
use runcycles_authority::{Authority, Call, Fault, Tenant};

use crate::support::clock::pass;
use crate::support::office::Office;
use crate::support::reply::{Reply, refusal};
use crate::support::script::Script;
use crate::support::sent::Route;

const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
const METERED: Mode = Mode::ShadowMetered;

#[cycles(cost, "agent.run", client = client, mode = mode, workflow = workflow, actual = |()| cost)]
async fn run(client: &CyclesClient, mode: Mode, workflow: &str, cost: Amount) -> Result<(), Error> {
    Ok(())
}

/// The week of the guides: 72 calls of two dollars and one of $3.30 against a hundred. Says how many bodies ran.
async fn week(client: &CyclesClient, mode: Mode) -> usize {
    let mut bodies = 0;
    for cost in std::iter::repeat_n(usd!(2), 72).chain([usd!(3.30)]) {
        bodies += usize::from(run(client, mode, "triage", cost).await.is_ok());
    }
    bodies
}

fn report(client: &CyclesClient) -> ShadowReport {
    client.budget(Scope::tenant("acme")).shadow_report(WEEK)
}

fn headline(report: &ShadowReport) -> String {
    report.to_string().lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn metered_shadow_reports_the_line_of_the_guides() {
    let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await.unwrap();
    let client = authority.client("acme");
    assert_eq!(week(&client, METERED).await, 73);

    let report = report(&client);
    assert_eq!(headline(&report), "23 calls would have been denied. Peak overage: $47.30.");
    assert_eq!((report.calls(), report.denied(), report.undecided()), (73, 23, 0));
    assert_eq!(report.peak_overage(&Unit::UsdMicrocents), usd!(47.30));
    assert_eq!(report.peak_overage(&Unit::Tokens), tokens(0));
    let denials: Vec<_> = report.denials().iter().map(|denial| (denial.reason.as_str(), denial.calls)).collect();
    assert_eq!(denials, [("OVERDRAFT_LIMIT_EXCEEDED", 22), ("BUDGET_EXCEEDED", 1)]);
    assert!(report.denials().iter().all(|denial| denial.scope.as_deref() == Some("tenant:acme")));
    let spend = &report.spend()[0];
    assert_eq!((spend.calls, &spend.actual, spend.percent_of_estimate()), (73, &usd!(147.30), Some(100)));
    assert_eq!(report.by_level(Level::Workflow), [("triage", 73, 23)]);
    assert_eq!(report.callers()[0].burst, 73);
    assert_eq!(authority.ledger("tenant:acme").unwrap().spent, usd!(100));
}

#[tokio::test(start_paused = true)]
async fn a_report_reads_well() {
    let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await.unwrap();
    let client = authority.client("acme");
    week(&client, METERED).await;
    let expected = "\
23 calls would have been denied. Peak overage: $47.30.
73 calls ran in the last 7 days.
Denials by budget and reason:
       22  OVERDRAFT_LIMIT_EXCEEDED  tenant:acme
        1  BUDGET_EXCEEDED  tenant:acme
Overage by budget:
   $47.30  tenant:acme
Estimated $147.30, cost $147.30: 100 % of the estimates.
Calls, denials and the most calls within a minute, by subject:
       73      23      73  tenant:acme/workflow:triage
";
    assert_eq!(report(&client).to_string(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_rejects_or_overdraws_overage_reports_the_same_and_gets_no_debt() {
    for policy in [CommitOveragePolicy::Reject, CommitOveragePolicy::AllowWithOverdraft] {
        let tenant = Tenant::new("acme").overage_policy(policy);
        let authority = Authority::builder().tenant(tenant).budget("tenant:acme", usd!(100)).start().await.unwrap();
        let client = authority.client("acme");
        week(&client, METERED).await;
        assert_eq!(headline(&report(&client)), "23 calls would have been denied. Peak overage: $47.30.");
        assert_eq!(authority.ledger("tenant:acme").unwrap().debt, usd!(0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_reports_nothing_and_says_why() {
    let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await.unwrap();
    let client = authority.client("acme");
    assert_eq!(week(&client, Mode::Shadow).await, 73);
    let report = report(&client);
    let expected = "0 calls would have been denied (stateless dry run: balances never move; use shadow_metered).";
    assert_eq!(headline(&report), expected);
    assert!(!report.is_metered());
    assert_eq!(report.spend()[0].actual, usd!(147.30), "what calls cost is known all the same");
    assert_eq!(authority.ledger("tenant:acme").unwrap().spent, usd!(0));
}

#[tokio::test(start_paused = true)]
async fn every_body_runs_in_shadow_while_the_authority_is_down() {
    for mode in [Mode::Shadow, METERED] {
        let script = Script::new();
        for route in [Route::Reserve, Route::Decide, Route::Event] {
            script.always(route, Reply::Silence);
        }
        let client = script.client();
        assert_eq!(week(&client, mode).await, 73);
        let report = report(&client);
        assert_eq!((report.calls(), report.denied(), report.undecided()), (73, 0, 73));
        assert!(report.to_string().contains("73 of them without a decision"), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn enforcing_after_a_trial_runs_fifty_bodies() {
    let office = Office::with(|builder| builder.budget("tenant:acme", usd!(100))).await;
    let client = office.client();
    week(&client, METERED).await;
    office.admin.budget("tenant:acme").start_period(usd!(100), "cut-over").await.unwrap();
    assert_eq!(week(&client, Mode::Enforce).await, 50);
    assert_eq!(report(&client).calls(), 73, "enforced calls are not in the report");
}

#[tokio::test(start_paused = true)]
async fn a_report_covers_its_window_and_its_scope() {
    let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await.unwrap();
    let client = authority.client("acme");
    run(&client, METERED, "triage", usd!(1)).await.unwrap();
    pass(2 * DAY).await;
    run(&client, METERED, "Research", usd!(200)).await.unwrap();

    let calls = |scope, window| client.budget(scope).shadow_report(window).calls();
    assert_eq!(calls(Scope::tenant("acme"), WEEK), 2);
    assert_eq!(calls(Scope::tenant("acme"), DAY), 1);
    assert_eq!(calls(Scope::workflow("triage"), WEEK), 1);
    assert_eq!(calls(Scope::workflow("triage"), DAY), 0);
    assert_eq!(calls(Scope::workflow("research"), DAY), 1);
    assert_eq!(calls(Scope::tenant("other"), WEEK), 0);
    // A tenant that has never called has nothing to explain.
    let nobody = client.budget(Scope::tenant("other")).shadow_report(WEEK);
    assert_eq!(headline(&nobody), "0 calls would have been denied. Peak overage: $0.00.");
}

#[tokio::test(start_paused = true)]
async fn the_peak_of_an_overage_stays_when_a_new_period_starts() {
    let office = Office::with(|builder| builder.budget("tenant:acme", usd!(10))).await;
    let client = office.client();
    for (period, cost) in [("one", usd!(13)), ("two", usd!(15)), ("three", usd!(11))] {
        run(&client, METERED, "triage", cost).await.unwrap();
        office.admin.budget("tenant:acme").start_period(usd!(10), period).await.unwrap();
        run(&client, METERED, "triage", usd!(1)).await.unwrap();
        office.admin.budget("tenant:acme").start_period(usd!(10), format!("{period} again")).await.unwrap();
    }
    assert_eq!(headline(&report(&client)), "3 calls would have been denied. Peak overage: $5.00.");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_two_units_is_asked_about_and_recorded_in_both() {
    let authority = Authority::builder()
        .budget("tenant:acme", usd!(100))
        .budget("tenant:acme", tokens(1_000))
        .start()
        .await
        .unwrap();
    let client = authority.client("acme");

    #[cycles((usd!(1), tokens(600)), "agent.step", client = client, mode = "shadow_metered")]
    async fn step(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    for _ in 0..3 {
        step(&client).await.unwrap();
        assert_eq!(client.flush(DAY).await.remaining, 0);
    }
    let spent: Vec<_> = authority.ledgers("tenant:acme").into_iter().map(|ledger| ledger.spent).collect();
    assert_eq!(spent, [usd!(3), tokens(1_000)]);
    let report = report(&client);
    assert_eq!((report.denied(), report.peak_overage(&Unit::Tokens)), (2, tokens(800)));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_refused_is_no_denial() {
    let authority = Authority::builder().budget("tenant:acme", usd!(100)).start().await.unwrap();
    let client = CyclesClient::builder("wrong", "http://in-process")
        .tenant("acme")
        .journal(JournalConfig::disabled())
        .transport(authority.transport())
        .build();
    run(&client, Mode::Shadow, "triage", usd!(1)).await.unwrap();
    authority.inject_on(Call::Reserve, Fault::RateLimited { retry_after: Duration::from_secs(1) });
    run(&authority.client("acme"), Mode::Shadow, "triage", usd!(1)).await.unwrap();
    let report = report(&client);
    assert_eq!((report.denied(), report.undecided()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn subjects_without_number_give_way_oldest_first_and_the_report_says_so() {
    let script = Script::new();
    let client = script.client();
    let call = |user: usize| {
        let call =
            WithCyclesConfig::new(tokens(1)).action("a", "b").subject(Scope::tenant("acme").agent(user.to_string()));
        client.execute(call.mode(Mode::Shadow), |_| async { Ok::<_, Error>(()) })
    };
    for user in 0..10 {
        call(user).await.unwrap();
    }
    pass(DAY).await;
    for user in 0..9_000 {
        call(user).await.unwrap();
    }
    let report = report(&client);
    assert_eq!((report.calls(), report.forgotten()), (9_000, 10));
    assert_eq!(report.callers().len(), 8_193);
    assert!(report.to_string().contains("10 earlier calls are not counted"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_report_of_spend_that_nobody_recorded_says_so() {
    let script = Script::new();
    script.always(Route::Event, refusal(403, "FORBIDDEN"));
    let client = script.client();
    for _ in 0..3 {
        run(&client, METERED, "triage", usd!(2)).await.unwrap();
    }
    let report = report(&client);
    assert!(!report.is_metered());
    assert!(headline(&report).contains("no spend has been recorded"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_the_records_of_a_trial() {
    let script = Script::new();
    script.always(Route::Event, Reply::Silence);
    let client = script.client();
    let before = tokio::time::Instant::now();
    run(&client, METERED, "triage", usd!(2)).await.unwrap();
    assert!(before.elapsed() <= Duration::from_secs(2), "{:?}", before.elapsed());
    // What got no answer is sent again, the same to the byte.
    script.recover();
    pass(Duration::from_secs(60)).await;
    let events = script.of(Route::Event);
    assert!(events.len() >= 2 && events.iter().all(|event| event.body == events[0].body), "{events:?}");
    assert!(report(&client).is_metered());
}
