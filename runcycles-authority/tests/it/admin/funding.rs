//! What changes an allocation.

use bytes::Bytes;
use runcycles::tokens;
use serde_json::{Value, json};

use super::{BOT, BOT_QUERY, Office};
use crate::support::{hold, tokens as tokens_json, with};

#[test]
fn each_way_of_funding_does_its_own_arithmetic() {
    /// What is left afterwards: allocated, remaining, debt, spent.
    type After = (u64, i64, u64, u64);
    let cases: Vec<(&str, u64, Value, After)> = vec![
        ("CREDIT", 100, json!({}), (200, 160, 0, 30)),
        ("DEBIT", 20, json!({}), (80, 40, 0, 30)),
        ("RESET", 200, json!({}), (200, 160, 0, 30)),
        ("RESET_SPENT", 200, json!({}), (200, 190, 0, 0)),
        ("RESET_SPENT", 200, json!({"spent": tokens_json(5)}), (200, 185, 0, 5)),
        ("REPAY_DEBT", 60, json!({}), (160, 120, 0, 30)),
    ];
    for (operation, amount, more, (allocated, remaining, debt, spent)) in cases {
        let office =
            Office::new(|builder| builder.budget(BOT, runcycles_authority::Budget::new(tokens(100)).spent(tokens(30))));
        office.world.acme.held(&hold(10));

        let answer = office.fund(operation, amount, more).ok();

        assert_eq!(answer["operation"], operation);
        assert_eq!(answer["previous_allocated"], tokens_json(100), "{operation}");
        assert_eq!(answer["previous_remaining"], tokens_json(60), "{operation}");
        assert_eq!(answer["new_allocated"], tokens_json(allocated), "{operation}");
        assert_eq!(answer["new_remaining"]["amount"], remaining, "{operation}");
        assert_eq!(answer["new_debt"], tokens_json(debt), "{operation}");
        assert_eq!(answer["new_spent"], tokens_json(spent), "{operation}");
        assert_eq!(answer["timestamp"], "2025-11-22T01:30:00.000Z");
    }
}

#[test]
fn funding_that_cannot_be_is_refused() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)).tenant("other"));

    assert_eq!(office.fund("DEBIT", 101, json!({})).refusal(), (409, "BUDGET_EXCEEDED"));
    assert_eq!(office.fund("CREDIT", 1, json!({"spent": tokens_json(1)})).refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(office.fund("GIFT", 1, json!({})).refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(office.fund("CREDIT", i64::MAX as u64, json!({})).refusal(), (400, "INVALID_REQUEST"));
    let credits = json!({"amount": {"unit": "CREDITS", "amount": 1}});
    assert_eq!(office.fund("CREDIT", 1, credits).refusal(), (400, "UNIT_MISMATCH"));
    let body = json!({"operation": "CREDIT", "amount": tokens_json(1)});
    for (query, expected) in [
        (BOT_QUERY.to_owned(), (400, "INVALID_REQUEST")),
        (format!("{BOT_QUERY}&tenant_id=other"), (403, "FORBIDDEN")),
        ("scope=tenant:acme&unit=TOKENS&tenant_id=acme".to_owned(), (404, "BUDGET_NOT_FOUND")),
        ("scope=tenant:acme/agent:bot&tenant_id=acme".to_owned(), (400, "INVALID_REQUEST")),
        ("unit=TOKENS&tenant_id=acme".to_owned(), (400, "INVALID_REQUEST")),
    ] {
        let reply = office.operator.post(&format!("/v1/admin/budgets/fund?{query}"), &body);
        assert_eq!(reply.refusal(), expected, "{query}");
    }
    assert_eq!(office.world.figures(BOT), (0, 0, 0, 100, false));
}

#[test]
fn a_repeated_funding_counts_once_for_its_own_budget() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)).budget("tenant:acme", tokens(100)));
    let key = json!({"idempotency_key": "2025-11-22"});

    let first = office.fund("RESET_SPENT", 100, key.clone()).ok();
    office.world.acme.post("/v1/events", &crate::support::spend(7)).ok();
    assert_eq!(office.fund("RESET_SPENT", 100, key.clone()).ok(), first);
    assert_eq!(office.world.figures(BOT).0, 7);
    assert_eq!(office.fund("RESET_SPENT", 101, key.clone()).refusal(), (409, "IDEMPOTENCY_MISMATCH"));

    let body = with(json!({"operation": "RESET_SPENT", "amount": tokens_json(100)}), key.clone());
    let elsewhere = "/v1/admin/budgets/fund?scope=tenant:acme&unit=TOKENS&tenant_id=acme";
    office.operator.post(elsewhere, &body).ok();
    assert_eq!(office.world.figures("tenant:acme").0, 0);

    office.world.advance(86_400_001);
    office.fund("RESET_SPENT", 100, key).ok();
    assert_eq!(office.world.figures(BOT).0, 0);
}

#[test]
fn a_frozen_budget_takes_neither_reservations_nor_funds() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)));
    let freeze = || office.operator.post(&format!("/v1/admin/budgets/freeze?{BOT_QUERY}"), &json!({"reason": "audit"}));
    let unfreeze = || {
        let request = office.operator.request("POST", &format!("/v1/admin/budgets/unfreeze?{BOT_QUERY}"));
        office.operator.send(request.body(Bytes::new()).expect("a valid request"))
    };

    assert_eq!(freeze().ok()["status"], "FROZEN");
    assert_eq!(freeze().refusal().0, 409);
    assert_eq!(office.world.acme.reserve(&hold(1)).refusal(), (409, "BUDGET_FROZEN"));
    assert_eq!(office.fund("CREDIT", 1, json!({})).refusal(), (409, "BUDGET_FROZEN"));
    let limit = json!({"overdraft_limit": tokens_json(9)});
    assert_eq!(office.operator.patch(&format!("/v1/admin/budgets?{BOT_QUERY}"), &limit).status, 200);
    assert_eq!(unfreeze().ok()["status"], "ACTIVE");
    assert_eq!(unfreeze().refusal(), (409, "INVALID_REQUEST"));
    office.world.acme.reserve(&hold(1)).ok();
}
