//! Requests as typed values.

use http::StatusCode;
use runcycles::models::{CommitRequest, Decision, DecisionRequest, ErrorCode, EventCreateRequest, ReasonCode};
use runcycles::{Scope, usd};
use runcycles_authority::{Call, Fault};
use serde_json::json;

use super::{completion, email, failure, jane};

#[tokio::test]
async fn a_call_has_what_was_asked_and_what_was_told() {
    let (authority, client) = jane().await;
    let mut metadata = runcycles::models::Metadata::new();
    metadata.insert("step".to_owned(), json!(3));
    let guard = client.reserve(completion().metadata(metadata.clone())).await.expect("an allowance");
    let id = guard.reservation_id().clone();
    guard.commit(usd!(0.013)).await.expect("a commit");

    let calls = authority.calls();

    assert_eq!(calls.len(), 2);
    let (reserve, commit) = (&calls[0], &calls[1]);
    let subject = Scope::tenant("acme").agent("Jane").dimension("run", "r-1");
    assert_eq!((reserve.call, reserve.subject.as_ref()), (Call::Reserve, Some(&subject)));
    assert_eq!((reserve.scope().as_str(), reserve.kind(), reserve.name()), (super::JANE, "llm.completion", "gpt-4o"));
    assert_eq!((reserve.estimate.as_ref(), reserve.actual.as_ref()), (Some(&usd!(0.02)), None));
    assert_eq!((reserve.status, reserve.decision.as_ref()), (Some(StatusCode::OK), Some(&Decision::Allow)));
    assert_eq!((&reserve.metadata, reserve.attempts, reserve.dry_run), (&metadata, 1, false));
    assert!(reserve.key.is_some() && reserve.key != commit.key);
    assert_eq!((commit.call, commit.reservation_id.as_ref()), (Call::Commit, Some(&id)));
    assert_eq!((commit.subject.as_ref(), commit.actual.as_ref()), (Some(&subject), Some(&usd!(0.013))));
    assert_eq!((commit.kind(), commit.estimate.as_ref()), ("llm.completion", Some(&usd!(0.02))));
}

#[tokio::test]
async fn attempts_of_one_call_are_one_call() {
    let (authority, client) = jane().await;
    authority.inject_on(Call::Reserve, Fault::LoseResponse);

    let guard = client.reserve(completion()).await.expect("an allowance at the second attempt");

    let calls = authority.calls();
    assert_eq!((authority.requests().len(), calls.len(), calls[0].attempts), (2, 1, 2));
    assert_eq!(calls[0].reservation_id.as_ref(), Some(guard.reservation_id()));
    authority.assert_calls("llm.completion", 1);
    assert!(calls.to_string().contains("ALLOW, 2 attempts"), "{calls}");
}

#[tokio::test]
async fn reads_are_calls_of_their_own_each_time() {
    let (authority, client) = jane().await;
    let balances = || runcycles::models::BalanceParams::within(Scope::tenant("acme"));
    client.get_balances(&balances()).await.expect("balances");
    client.get_balances(&balances()).await.expect("balances");

    authority.calls().of(Call::Balances).assert_count(2);
}

#[tokio::test]
async fn denials_are_told_from_calls_that_went_wrong() {
    let (authority, client) = jane().await;
    let dear = || completion().estimate(usd!(0.06));
    client.create_reservation(&dear().build()).await.expect_err("a denial");
    client.create_reservation(&dear().dry_run(true).build()).await.expect("an answer");
    let decision = DecisionRequest::builder().action(runcycles::models::Action::new("llm.completion", "gpt-4o"));
    client.decide(&decision.estimate(usd!(0.06)).build()).await.expect("an answer");
    authority.inject(Fault::Status(StatusCode::FORBIDDEN));
    client.create_reservation(&email()).await.expect_err("no permission");
    let reserved = client.create_reservation(&email()).await.expect("an allowance");
    let id = reserved.reservation_id.expect("an id");
    client.commit_reservation(&id, &CommitRequest::new(usd!(9))).await.ok();

    let denied = authority.calls().denied();

    denied.assert_count(3);
    assert_eq!(denied[0].error, Some(ErrorCode::BudgetExceeded));
    assert_eq!((denied[1].dry_run, denied[1].reason_code.as_ref()), (true, Some(&ReasonCode::BudgetExceeded)));
    assert_eq!((denied[2].call, denied[2].decision.as_ref()), (Call::Decide, Some(&Decision::Deny)));
    authority.calls().kind("email.send").denied().assert_count(0);
}

#[tokio::test]
async fn filters_go_together_and_scopes_hold_what_is_below() {
    let (authority, client) = jane().await;
    client.create_reservation(&completion().build()).await.expect("an allowance");
    let elsewhere = completion().subject(Scope::agent("janet"));
    authority.client("acme").create_reservation(&elsewhere.build()).await.expect("an allowance");
    client.create_reservation(&email()).await.expect("an allowance");

    authority.calls().at("tenant:acme").assert_count(3);
    authority.calls().at(Scope::tenant("acme").agent("JANE")).assert_count(2);
    authority.calls().kind("llm.completion").name("gpt-4o").at("tenant:acme/agent:janet").allowed().assert_count(1);
    assert_eq!(authority.calls().names().into_iter().collect::<Vec<_>>(), ["gpt-4o", "welcome"]);
    let message = failure(|| authority.calls().kind("email.send").denied().assert_count(1));
    assert!(message.starts_with("expected 1 calls of the kind \"email.send\" that were denied, found 0"), "{message}");
}

#[tokio::test]
async fn a_table_shows_every_call_on_a_line_and_marks_those_in_question() {
    let (authority, client) = jane().await;
    client.reserve(completion()).await.expect("an allowance").commit(usd!(0.013)).await.expect("a commit");
    client.create_reservation(&completion().estimate(usd!(0.06)).build()).await.expect_err("a denial");

    assert_eq!(
        authority.calls().to_string(),
        "     call     scope                           action                 estimate  actual  answer
  1  reserve  tenant:acme/agent:jane run=r-1  llm.completion gpt-4o  $0.02             ALLOW
  2  commit   tenant:acme/agent:jane run=r-1  llm.completion gpt-4o  $0.02     $0.013  200
  3  reserve  tenant:acme/agent:jane run=r-1  llm.completion gpt-4o  $0.06             409 BUDGET_EXCEEDED
"
    );
    let message = failure(|| authority.assert_denied(0));
    assert!(message.contains("\n> 3  reserve") && message.contains("\n  1  reserve"), "{message}");
}

#[tokio::test]
async fn a_long_record_ends_with_what_happened_last() {
    let (authority, client) = jane().await;
    let event = || EventCreateRequest::builder().action(runcycles::models::Action::new("llm.completion", "gpt-4o"));
    for _ in 0..70 {
        client.create_event(&event().actual(usd!(0.0001)).build()).await.expect("an event");
    }

    let table = authority.calls().to_string();

    assert_eq!(table.lines().count(), 62);
    assert!(
        table.starts_with("… 10 earlier …\n") && table.lines().last().is_some_and(|line| line.contains("70  event"))
    );
}

#[tokio::test]
async fn an_authority_that_records_nothing_says_so() {
    let authority = runcycles_authority::Authority::builder().start().await.expect("a valid set-up");
    let message = failure(|| authority.assert_never_ran("email.send"));
    assert!(message.contains(".record_requests()"), "{message}");
}
