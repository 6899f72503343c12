//! Reservations and denials.

use std::sync::Arc;

use runcycles::models::{Caps, Unit};
use runcycles::{credits, tokens, usd};
use runcycles_authority::Budget;
use serde_json::{Value, json};

use crate::support::{Caller, START_MS, World, commit, fresh_key, hold, spend, with};

const TENANT: &str = "tenant:acme";
const BOT: &str = "tenant:acme/agent:bot";

fn on_bot(amount: u64) -> World {
    World::new(|builder| builder.budget(BOT, tokens(amount)))
}

#[test]
fn a_reservation_answers_with_its_hold_its_time_and_its_balances() {
    let world = on_bot(100);

    let mut body = world.acme.reserve(&hold(40)).ok();

    let id = body["reservation_id"].take();
    assert_eq!(id.as_str().map(str::len), Some(36));
    assert_eq!(
        body,
        json!({
            "decision": "ALLOW",
            "affected_scopes": ["tenant:acme", "tenant:acme/agent:bot"],
            "reservation_id": null,
            "reserved": {"unit": "TOKENS", "amount": 40},
            "expires_at_ms": START_MS + 60_000,
            "remaining_ttl_ms": 60_000,
            "scope_path": "tenant:acme/agent:bot",
            "balances": [{
                "scope": "agent:bot",
                "scope_path": "tenant:acme/agent:bot",
                "remaining": {"unit": "TOKENS", "amount": 60},
                "reserved": {"unit": "TOKENS", "amount": 40},
                "spent": {"unit": "TOKENS", "amount": 0},
                "allocated": {"unit": "TOKENS", "amount": 100},
            }],
        })
    );
}

#[test]
fn a_denial_says_where_and_how_much_in_words_and_in_details() {
    let world = World::new(|builder| builder.budget(BOT, usd!(0.01)));

    let reply =
        world.acme.reserve(&with(hold(0), json!({"estimate": {"unit": "USD_MICROCENTS", "amount": 2_000_000}})));

    assert_eq!(reply.refusal(), (409, "BUDGET_EXCEEDED"));
    assert_eq!(reply.body["message"], "Budget exceeded for: tenant:acme/agent:bot: $0.02 requested, $0.01 remaining");
    assert_eq!(
        reply.body["details"],
        json!({
            "scope": BOT,
            "unit": "USD_MICROCENTS",
            "requested": 2_000_000,
            "remaining": 1_000_000,
            "reason": "BUDGET_EXCEEDED",
        })
    );
}

#[test]
fn a_denied_reservation_changes_no_budget() {
    let world = World::new(|builder| builder.budget(TENANT, tokens(100)).budget(BOT, tokens(50)));

    assert_eq!(world.acme.reserve(&hold(60)).refusal(), (409, "BUDGET_EXCEEDED"));

    assert_eq!(world.figures(TENANT), (0, 0, 0, 100, false));
    assert_eq!(world.figures(BOT), (0, 0, 0, 50, false));
}

#[test]
fn every_budget_on_the_path_holds_the_amount() {
    let world = World::new(|builder| builder.budget(TENANT, tokens(100)).budget(BOT, tokens(100)));

    let body = world.acme.reserve(&hold(60)).ok();

    assert_eq!(world.figures(TENANT).1, 60);
    assert_eq!(world.figures(BOT).1, 60);
    let scopes: Vec<_> = body["balances"].as_array().into_iter().flatten().map(|line| &line["scope_path"]).collect();
    assert_eq!(scopes, [TENANT, BOT]);
}

#[test]
fn levels_are_ordered_gaps_are_skipped_and_case_is_folded() {
    let world = World::new(|builder| builder.budget("tenant:acme/workspace:prod/agent:bot-x", tokens(10)));
    let subject = json!({"agent": "Bot-X", "workspace": "Prod", "tenant": "acme", "dimensions": {"run": "r-1"}});

    let id = world.acme.held(&with(hold(1), json!({"subject": subject})));
    let row = world.acme.get(&format!("/v1/reservations/{id}")).ok();

    let scopes = ["tenant:acme", "tenant:acme/workspace:prod", "tenant:acme/workspace:prod/agent:bot-x"];
    assert_eq!(row["affected_scopes"], json!(scopes));
    assert_eq!(row["scope_path"], scopes[2]);
    assert_eq!(row["subject"], subject);
}

#[test]
fn an_amount_of_nothing_fits_into_nothing() {
    let world = on_bot(0);

    assert_eq!(world.acme.reserve(&hold(0)).status, 200);
    assert_eq!(world.acme.reserve(&hold(1)).refusal(), (409, "BUDGET_EXCEEDED"));
}

#[test]
fn a_subject_without_any_budget_is_not_found() {
    let world = World::new(|builder| builder.budget("tenant:acme/agent:other", tokens(1)));

    let reply = world.acme.reserve(&hold(1));

    assert_eq!(reply.refusal(), (404, "NOT_FOUND"));
    assert_eq!(reply.body["message"], "Budget not found for provided scope: tenant:acme/agent:bot: 1 token requested");
    assert_eq!(reply.body["details"]["reason"], "BUDGET_NOT_FOUND");
}

#[test]
fn a_budget_in_another_unit_only_is_named() {
    let world = World::new(|builder| builder.budget(TENANT, credits(5)).budget(TENANT, usd!(1)));

    for path in ["/v1/reservations", "/v1/decide"] {
        let reply = world.acme.post(path, &hold(1));

        assert_eq!(reply.refusal(), (400, "UNIT_MISMATCH"));
        assert_eq!(
            reply.body["details"],
            json!({"scope": TENANT, "requested_unit": "TOKENS", "expected_units": ["USD_MICROCENTS", "CREDITS"]})
        );
    }
    assert_eq!(world.acme.post("/v1/events", &spend(1)).refusal(), (400, "UNIT_MISMATCH"));
    assert_eq!(world.acme.reserve(&with(hold(1), json!({"dry_run": true}))).refusal(), (400, "UNIT_MISMATCH"));
}

#[test]
fn scopes_with_budgets_in_other_units_are_skipped_where_one_has_the_unit() {
    let world = World::new(|builder| builder.budget(TENANT, credits(5)).budget(BOT, tokens(10)));

    world.acme.reserve(&hold(10)).ok();

    assert_eq!(world.figures(BOT), (0, 10, 0, 0, false));
    assert_eq!(world.figures(TENANT), (0, 0, 0, 5, false));
}

#[test]
fn all_checks_of_a_scope_run_before_the_next_one() {
    let frozen_child =
        World::new(|builder| builder.budget(TENANT, tokens(1)).budget(BOT, Budget::new(tokens(100)).frozen()));
    assert_eq!(frozen_child.acme.reserve(&hold(2)).refusal(), (409, "BUDGET_EXCEEDED"));

    let frozen_parent =
        World::new(|builder| builder.budget(TENANT, Budget::new(tokens(100)).frozen()).budget(BOT, tokens(1)));
    assert_eq!(frozen_parent.acme.reserve(&hold(2)).refusal(), (409, "BUDGET_FROZEN"));
}

#[test]
fn frozen_and_closed_budgets_take_nothing_new() {
    for (budget, code) in
        [(Budget::new(tokens(9)).frozen(), "BUDGET_FROZEN"), (Budget::new(tokens(9)).closed(), "BUDGET_CLOSED")]
    {
        let world = World::new(|builder| builder.budget(BOT, budget));

        for estimate in [0, 1] {
            let reply = world.acme.reserve(&hold(estimate));
            assert_eq!(reply.refusal(), (409, code));
            assert_eq!(reply.body["details"]["reason"], code);
            assert_eq!(reply.body["details"]["remaining"], 9);
        }
        assert_eq!(world.acme.post("/v1/events", &spend(1)).refusal(), (409, code));
        let denied = world.acme.post("/v1/decide", &hold(1)).ok();
        assert_eq!((&denied["decision"], &denied["reason_code"]), (&json!("DENY"), &json!(code)));
    }
}

#[test]
fn work_in_flight_settles_on_a_frozen_budget() {
    let world = on_bot(100);
    let (committed, released) = (world.acme.held(&hold(40)), world.acme.held(&hold(10)));

    world.authority.freeze(BOT).expect("a budget to freeze");

    world.acme.commit(&committed, 60).ok();
    world.acme.release(&released).ok();
    assert_eq!(world.figures(BOT), (60, 0, 0, 40, false));
    assert_eq!(world.acme.reserve(&hold(1)).refusal(), (409, "BUDGET_FROZEN"));

    world.authority.unfreeze(BOT).expect("a budget to unfreeze");
    world.acme.reserve(&hold(1)).ok();
}

#[test]
fn caps_come_with_reservations_at_their_own_scope_alone() {
    let mut caps = Caps::new();
    caps.max_tokens = Some(512);
    caps.tool_allowlist = vec!["search".to_owned()];
    let world = World::new(|builder| {
        builder.budget(TENANT, tokens(100)).budget(BOT, tokens(100)).caps(BOT, Unit::Tokens, caps)
    });

    let capped = world.acme.reserve(&hold(1)).ok();
    assert_eq!(capped["decision"], "ALLOW_WITH_CAPS");
    assert_eq!(capped["caps"], json!({"max_tokens": 512, "tool_allowlist": ["search"]}));
    assert_eq!(world.acme.post("/v1/decide", &hold(1)).ok()["decision"], "ALLOW_WITH_CAPS");
    assert_eq!(world.acme.reserve(&with(hold(1), json!({"dry_run": true}))).ok()["decision"], "ALLOW_WITH_CAPS");

    let elsewhere = with(hold(1), json!({"subject": {"tenant": "acme", "agent": "other"}}));
    let plain = world.acme.reserve(&elsewhere).ok();
    assert_eq!(plain["decision"], "ALLOW");
    assert_eq!(plain.get("caps"), None);
}

#[test]
fn a_dry_run_answers_and_holds_nothing() {
    let world = on_bot(100);

    let allowed = world.acme.reserve(&with(hold(40), json!({"dry_run": true}))).ok();
    assert_eq!(
        allowed,
        json!({
            "decision": "ALLOW",
            "affected_scopes": [TENANT, BOT],
            "reserved": {"unit": "TOKENS", "amount": 40},
            "scope_path": BOT,
            "balances": [{
                "scope": "agent:bot",
                "scope_path": BOT,
                "remaining": {"unit": "TOKENS", "amount": 100},
                "reserved": {"unit": "TOKENS", "amount": 0},
                "spent": {"unit": "TOKENS", "amount": 0},
                "allocated": {"unit": "TOKENS", "amount": 100},
            }],
        })
    );
    let denied = world.acme.reserve(&with(hold(101), json!({"dry_run": true}))).ok();
    assert_eq!(
        denied,
        json!({
            "decision": "DENY",
            "affected_scopes": [TENANT, BOT],
            "scope_path": BOT,
            "reason_code": "BUDGET_EXCEEDED",
        })
    );
    assert_eq!(world.figures(BOT), (0, 0, 0, 100, false));
    assert_eq!(world.acme.get("/v1/reservations").ok()["reservations"], json!([]));
}

#[test]
fn a_decision_names_the_scopes_whether_or_not_it_allows() {
    let world = on_bot(100);

    let allowed = world.acme.post("/v1/decide", &hold(100)).ok();
    assert_eq!(allowed, json!({"decision": "ALLOW", "affected_scopes": [TENANT, BOT]}));
    let denied = world.acme.post("/v1/decide", &hold(101)).ok();
    assert_eq!(denied, json!({"decision": "DENY", "reason_code": "BUDGET_EXCEEDED", "affected_scopes": [TENANT, BOT]}));
    let nowhere = with(hold(1), json!({"subject": {"tenant": "acme", "app": "x"}}));
    assert_eq!(world.acme.post("/v1/decide", &nowhere).ok()["reason_code"], "BUDGET_NOT_FOUND");
}

#[test]
fn another_tenant_can_neither_name_nor_touch_a_reservation() {
    let world = World::new(|builder| builder.budget(BOT, tokens(100)).tenant("other"));
    let other = Caller::of(&world.authority, "other");
    let id = world.acme.held(&hold(10));

    assert_eq!(other.reserve(&hold(1)).refusal(), (403, "FORBIDDEN"));
    assert_eq!(other.commit(&id, 1).refusal(), (403, "FORBIDDEN"));
    assert_eq!(other.release(&id).refusal(), (403, "FORBIDDEN"));
    assert_eq!(other.extend(&id, 1).refusal(), (403, "FORBIDDEN"));
    assert_eq!(other.get(&format!("/v1/reservations/{id}")).refusal(), (403, "FORBIDDEN"));
    assert_eq!(other.get("/v1/balances?tenant=acme").refusal(), (403, "FORBIDDEN"));
    assert_eq!(other.get("/v1/reservations?tenant=acme").refusal(), (403, "FORBIDDEN"));
    assert_eq!(other.get("/v1/reservations").ok()["reservations"], json!([]));
    assert_eq!(other.get("/v1/balances?agent=bot").ok()["balances"], json!([]));

    assert_eq!(world.acme.get(&format!("/v1/reservations/{id}")).ok()["status"], "ACTIVE");
    assert_eq!(world.figures(BOT), (0, 10, 0, 90, false));
}

#[test]
fn the_case_of_a_tenant_matters() {
    let world = on_bot(1);

    let reply = world.acme.reserve(&with(hold(1), json!({"subject": {"tenant": "Acme", "agent": "bot"}})));

    assert_eq!(reply.refusal(), (403, "FORBIDDEN"));
}

#[test]
fn a_subject_without_a_tenant_finds_no_budget() {
    let world = on_bot(1);

    let reply = world.acme.reserve(&with(hold(1), json!({"subject": {"agent": "bot"}})));

    assert_eq!(reply.refusal(), (404, "NOT_FOUND"));
    assert!(reply.body["message"].as_str().is_some_and(|message| message.contains("agent:bot")));
}

#[test]
fn a_reservation_settles_once() {
    let world = on_bot(100);
    let (committed, released) = (world.acme.held(&hold(10)), world.acme.held(&hold(10)));
    world.acme.commit(&committed, 5).ok();
    world.acme.release(&released).ok();

    for id in [&committed, &released] {
        assert_eq!(world.acme.commit(id, 5).refusal(), (409, "RESERVATION_FINALIZED"));
        assert_eq!(world.acme.release(id).refusal(), (409, "RESERVATION_FINALIZED"));
        assert_eq!(world.acme.extend(id, 5).refusal(), (409, "RESERVATION_FINALIZED"));
    }
    assert_eq!(world.figures(BOT), (5, 0, 0, 95, false));
    world.authority.assert_settled();
}

#[test]
fn an_unknown_reservation_is_not_found() {
    let world = on_bot(1);

    for id in ["0", "6e0f0ce0-0000-4000-8000-000000000000", "6E0F0CE0-0000-4000-8000-000000000000", "%20"] {
        assert_eq!(world.acme.commit(id, 1).refusal(), (404, "NOT_FOUND"));
        assert_eq!(world.acme.release(id).refusal(), (404, "NOT_FOUND"));
        assert_eq!(world.acme.extend(id, 1).refusal(), (404, "NOT_FOUND"));
        assert_eq!(world.acme.get(&format!("/v1/reservations/{id}")).refusal(), (404, "NOT_FOUND"));
    }
}

#[test]
fn a_commit_in_another_unit_leaves_the_reservation_as_it_is() {
    let world = on_bot(100);
    let id = world.acme.held(&hold(10));
    let body = with(commit(1), json!({"actual": {"unit": "CREDITS", "amount": 1}}));

    let reply = world.acme.post(&format!("/v1/reservations/{id}/commit"), &body);

    assert_eq!(reply.refusal(), (400, "UNIT_MISMATCH"));
    assert_eq!(reply.body.get("details"), None);
    world.acme.commit(&id, 10).ok();
}

#[test]
fn figures_beyond_int64_are_refused_before_anything_changes() {
    let largest = i64::MAX as u64;
    let world = World::new(|builder| {
        let indebted = Budget::new(tokens(largest)).overdraft_limit(tokens(largest));
        builder.budget(TENANT, tokens(largest)).budget(BOT, indebted)
    });

    let id = world.acme.held(&hold(largest));
    world.authority.fund(BOT, runcycles_authority::Funding::Reset(tokens(0))).expect("a budget to fund");
    assert_eq!(world.figures(BOT), (0, largest, 0, -i64::MAX, false));
    let event = with(spend(largest), json!({"overage_policy": "ALLOW_WITH_OVERDRAFT"}));
    // The parent has nothing left, so nothing is charged to either of them.
    assert_eq!(world.acme.post("/v1/events", &event).ok()["charged"]["amount"], 0);
    world.acme.commit(&id, largest).ok();
    assert_eq!(world.figures(BOT), (largest, 0, 0, -i64::MAX, false));
    assert!(world.authority.fund(BOT, tokens(largest + 1)).is_err());
    assert_eq!(world.figures(BOT), (largest, 0, 0, -i64::MAX, false));
}

#[test]
fn fifty_threads_get_exactly_the_twenty_tokens_there_are() {
    let world = Arc::new(on_bot(20));

    let threads: Vec<_> = (0..50)
        .map(|_| {
            let world = world.clone();
            std::thread::spawn(move || world.acme.reserve(&hold(1)).status.as_u16())
        })
        .collect();
    let statuses: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("a thread that ends")).collect();

    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 20);
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 30);
    assert_eq!(world.figures(BOT), (0, 20, 0, 0, false));
}

#[test]
fn ten_threads_commit_one_reservation_once() {
    let world = Arc::new(on_bot(100));
    let id = world.acme.held(&hold(10));
    let body = json!({"idempotency_key": fresh_key(), "actual": {"unit": "TOKENS", "amount": 7}});

    let threads: Vec<_> = (0..10)
        .map(|_| {
            let (world, path, body) = (world.clone(), format!("/v1/reservations/{id}/commit"), body.clone());
            std::thread::spawn(move || world.acme.post(&path, &body).ok())
        })
        .collect();
    let answers: Vec<Value> = threads.into_iter().map(|thread| thread.join().expect("a thread that ends")).collect();

    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(world.figures(BOT), (7, 0, 0, 93, false));
}
