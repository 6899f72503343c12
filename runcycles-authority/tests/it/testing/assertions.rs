//! Assertions that hold, and what they say where they do not.

use runcycles::models::{Action, EventCreateRequest};
use runcycles::{Scope, tokens, usd};

use super::{JANE, completion, email, failure, jane};

#[tokio::test]
async fn what_was_reserved_is_a_subject_and_an_amount() {
    let (authority, client) = jane().await;
    client.create_reservation(&completion().build()).await.expect("an allowance");
    client.create_reservation(&completion().estimate(usd!(0.04)).build()).await.expect_err("a denial");
    client.create_reservation(&completion().estimate(usd!(0.01)).dry_run(true).build()).await.expect("an answer");

    authority.assert_reserved(JANE, usd!(0.02));
    authority.assert_reserved(Scope::tenant("acme").agent("Jane"), usd!(0.02));

    let denied = failure(|| authority.assert_reserved(JANE, usd!(0.04)));
    assert!(denied.starts_with("expected a reservation of $0.04 at tenant:acme/agent:jane, found none"), "{denied}");
    assert!(denied.contains("\n> 1  reserve") && denied.contains("\n  2  reserve"), "{denied}");
    failure(|| authority.assert_reserved(JANE, usd!(0.01)));
    failure(|| authority.assert_reserved("tenant:acme", usd!(0.02)));
}

#[tokio::test]
async fn what_was_spent_is_what_the_budget_was_charged() {
    let (authority, client) = jane().await;
    client.reserve(completion()).await.expect("an allowance").commit(usd!(0.013)).await.expect("a commit");

    authority.assert_spent(JANE, usd!(0.013));
    authority.assert_spent(Scope::tenant("acme"), usd!(0.013));

    let message = failure(|| authority.assert_spent(JANE, usd!(0.02)));
    assert!(message.starts_with("expected $0.02 to be spent at tenant:acme/agent:jane, found $0.013;"), "{message}");
    assert!(message.contains("$0.05 allocated") && message.contains("2  commit"), "{message}");
    let message = failure(|| authority.assert_spent(JANE, tokens(13)));
    assert!(message.starts_with("expected a budget in TOKENS at tenant:acme/agent:jane, found none"), "{message}");
    assert!(message.contains("\n  tenant:acme: $5.00 allocated"), "{message}");
}

#[tokio::test]
async fn an_action_that_was_only_denied_never_ran() {
    let (authority, client) = jane().await;
    authority.freeze(JANE).expect("a budget");
    client.create_reservation(&email()).await.expect_err("a denial");

    authority.assert_never_ran("email.send");
    authority.assert_calls("email.send", 1);
    authority.assert_denied(1);
    let message = failure(|| authority.assert_calls("email.send", 0));
    assert!(
        message.starts_with("expected 0 calls of the kind \"email.send\" that ask for an action, found 1"),
        "{message}"
    );
}

#[tokio::test]
async fn shadow_mode_and_events_count_as_run() {
    let (authority, client) = jane().await;
    let mut shadow = email();
    shadow.dry_run = Some(true);
    client.create_reservation(&shadow).await.expect("an answer");
    let event = EventCreateRequest::builder().action(Action::new("file.write", "notes")).actual(usd!(0.01));
    client.create_event(&event.build()).await.expect("an event");

    let message = failure(|| authority.assert_never_ran("email.send"));
    assert!(
        message.contains("found that it was let run 1 times") && message.contains("> 1  reserve (dry run)"),
        "{message}"
    );
    failure(|| authority.assert_never_ran("file.write"));
    authority.assert_never_ran("llm.completion");
}
