//! Decisions on demand.

use runcycles::models::{Action, Caps, Decision, DecisionRequest};
use runcycles::{Error, Scope, usd};
use runcycles_authority::testing::Ruling;
use runcycles_authority::{Authority, Call, Fault};

use super::{JANE, completion, email, failure, jane};

#[tokio::test]
async fn a_kind_is_denied_so_many_times_and_others_are_not() {
    let (authority, client) = jane().await;
    authority.rule(Ruling::deny().kind("llm.completion").times(2));

    for _ in 0..2 {
        let error = client.create_reservation(&completion().build()).await.expect_err("a denial");
        assert!(error.is_budget_exceeded(), "{error}");
        assert!(error.to_string().contains(JANE) && error.to_string().contains("$0.02"), "{error}");
    }
    client.create_reservation(&email()).await.expect("an allowance");
    client.create_reservation(&completion().build()).await.expect("an allowance");
    authority.assert_denied(2);
    authority.assert_script_played();
}

#[tokio::test]
async fn a_scope_is_denied_with_what_is_below_it() {
    let (authority, client) = jane().await;
    authority.rule(Ruling::deny().at(Scope::tenant("acme").agent("Jane")));
    let below = completion().subject(Scope::agent("jane").toolset("mail"));
    let beside = completion().subject(Scope::agent("janet"));

    client.create_reservation(&below.build()).await.expect_err("a denial");
    authority.client("acme").create_reservation(&beside.build()).await.expect("an allowance");
}

#[tokio::test]
async fn dry_runs_and_decisions_are_denied_in_their_own_way() {
    let (authority, client) = jane().await;
    authority.rule(Ruling::deny());
    let request = DecisionRequest::builder().action(Action::new("llm.completion", "gpt-4o")).estimate(usd!(0.02));

    let dry = client.create_reservation(&completion().dry_run(true).build()).await.expect("an answer");
    let decided = client.decide(&request.build()).await.expect("an answer");

    assert_eq!((&dry.decision, dry.scope_path.as_deref()), (&Decision::Deny, Some("tenant:acme/agent:jane")));
    assert_eq!((&decided.decision, decided.reason_code), (&Decision::Deny, dry.reason_code));
    assert_eq!(dry.affected_scopes, ["tenant:acme", "tenant:acme/agent:jane"]);
}

#[tokio::test]
async fn caps_come_with_what_the_budgets_allow_and_with_nothing_else() {
    let (authority, client) = jane().await;
    let mut caps = Caps::new();
    caps.max_tokens = Some(200);
    authority.rule(Ruling::caps(caps.clone()).name("gpt-4o"));

    let capped = client.reserve(completion()).await.expect("an allowance");
    assert_eq!((capped.decision(), capped.caps()), (&Decision::AllowWithCaps, Some(&caps)));
    assert!(!client.reserve(email()).await.expect("an allowance").is_capped());
    let error = client.reserve(completion().estimate(usd!(9))).await.expect_err("a denial");
    assert!(error.is_budget_exceeded(), "{error}");
    assert_eq!(authority.calls().name("gpt-4o").allowed()[0].caps, Some(caps));
}

#[tokio::test]
async fn a_budget_freezes_before_the_third_action() {
    let (authority, client) = jane().await;
    authority.rule(Ruling::freeze("tenant:ACME").after(2));

    let first = client.reserve(email()).await.expect("an allowance");
    client.reserve(email()).await.expect("an allowance").release("not needed").await.expect("a release");
    let error = client.reserve(email()).await.expect_err("a frozen budget");

    assert!(matches!(error, Error::Blocked { .. }), "{error}");
    first.commit(usd!(0.01)).await.expect("work in flight settles");
    authority.unfreeze("tenant:acme").expect("a frozen budget");
    client.create_reservation(&email()).await.expect("it freezes once");
    let message = failure(|| authority.rule(Ruling::freeze("tenant:other")));
    assert_eq!(message, "expected a budget to freeze at tenant:other, found none");
}

#[tokio::test]
async fn an_action_that_is_asked_for_again_counts_once_and_is_ruled_as_before() {
    let (authority, client) = jane().await;
    let mut caps = Caps::new();
    caps.max_tokens = Some(200);
    authority.rule(Ruling::caps(caps.clone()).times(1));
    authority.inject_on(Call::Reserve, Fault::LoseResponse);

    let capped = client.reserve(completion()).await.expect("an allowance at the second attempt");
    let free = client.reserve(completion()).await.expect("an allowance");

    assert_eq!((capped.caps(), free.caps()), (Some(&caps), None));
}

#[tokio::test]
async fn the_first_ruling_that_applies_counts() {
    let (authority, client) = jane().await;
    authority.rule(Ruling::deny().after(1).times(1));
    authority.rule(Ruling::freeze(JANE).after(1));

    client.create_reservation(&email()).await.expect("both let it go by");
    assert!(client.reserve(email()).await.expect_err("the denial").is_budget_exceeded());
    assert!(client.reserve(email()).await.expect_err("the frozen budget").is_blocked());
}

#[tokio::test]
async fn a_script_that_was_not_played_is_told() {
    let (authority, client) = jane().await;
    authority.rule(Ruling::deny().kind("email.sent").at(JANE).after(1).times(2));
    authority.inject_on(Call::Commit, Fault::DropConnection);
    client.create_reservation(&email()).await.expect("an allowance");

    let message = failure(|| authority.assert_script_played());

    let ruling =
        r#"deny "email.sent" at tenant:acme/agent:jane, 2 times, after 1: it was about 0 actions, and applied to 0"#;
    assert!(message.contains(ruling) && message.contains("1 faults"), "{message}");
}

#[tokio::test]
async fn rulings_apply_where_nothing_is_recorded() {
    let authority = Authority::builder().budget("tenant:acme", usd!(5)).start().await.expect("a valid set-up");
    let client = authority.client("acme");
    client.reserve(completion()).await.expect("an allowance").commit(usd!(0.01)).await.expect("a commit");
    authority.rule(Ruling::deny());

    assert!(client.reserve(completion()).await.expect_err("a denial").is_budget_exceeded());
    authority.assert_spent("tenant:acme", usd!(0.01));
}
