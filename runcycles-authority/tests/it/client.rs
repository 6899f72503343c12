//! The authority under the client it was made for.

use runcycles::models::CommitRequest;
use runcycles::{Error, Reserve, usd};
use runcycles_authority::{Authority, KeyError};

const BOT: &str = "tenant:acme/agent:bot";

async fn authority() -> Authority {
    Authority::builder().budget(BOT, usd!(0.05)).start().await.expect("a valid set-up")
}

fn two_cents() -> Reserve<runcycles::models::Action, runcycles::Amount> {
    let subject = runcycles::models::Subject { agent: Some("bot".into()), ..Default::default() };
    Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02)).subject(subject)
}

#[tokio::test]
async fn a_client_reserves_and_commits_without_a_socket() {
    let authority = authority().await;
    let client = authority.client("acme");

    let reservation = client.create_reservation(&two_cents().build()).await.expect("an allowance");
    let id = reservation.reservation_id.as_ref().expect("an id");
    assert_eq!(authority.ledger(BOT).expect("a budget").reserved, usd!(0.02));
    let committed = client.commit_reservation(id, &CommitRequest::new(usd!(0.015))).await.expect("a commit");

    assert_eq!(committed.released, Some(usd!(0.005)));
    assert_eq!(
        authority.ledger(BOT).expect("a budget").to_string(),
        format!("{BOT}: $0.05 allocated, $0.015 spent, $0.00 reserved, $0.035 remaining")
    );
    authority.assert_settled();
}

#[tokio::test]
async fn a_client_is_told_where_and_how_much() {
    let client = authority().await.client("acme");
    for _ in 0..2 {
        client.create_reservation(&two_cents().build()).await.expect("an allowance");
    }

    let error = client.create_reservation(&two_cents().build()).await.expect_err("a denial");

    assert!(matches!(error, Error::BudgetExceeded { .. }));
    let message = error.to_string();
    assert!(message.contains("tenant:acme/agent:bot") && message.contains("$0.01"), "{message}");
}

#[tokio::test]
#[should_panic(
    expected = "expected nothing to be held, found 1: $0.02 at tenant:acme/agent:bot for llm.completion gpt-4o"
)]
async fn a_hold_that_nobody_settled_is_named() {
    let authority = authority().await;
    authority.client("acme").create_reservation(&two_cents().build()).await.expect("an allowance");

    authority.assert_settled();
}

#[tokio::test]
async fn a_text_that_is_no_tenant_gets_neither_a_client_nor_a_key() {
    let authority = authority().await;

    for text in ["", "Acme", "acme/agent:bot", "acme corp"] {
        let error = authority.try_client(text).expect_err("no tenant");
        assert!(matches!(&error, KeyError::Tenant(invalid) if invalid.tenant() == text), "{error}");
        assert!(authority.try_api_key(text).is_err(), "{text}");
    }

    assert!(authority.try_client("globex").is_ok());
}
