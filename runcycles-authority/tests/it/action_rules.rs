//! Lists of kinds of actions, and what denials tell.

use runcycles::models::{ActionRules, Caps, PolicyKeys};
use runcycles::tokens;
use runcycles_authority::{AuthorityBuilder, Policy};
use serde_json::{Value, json};

use crate::support::{World, fresh_key, hold, spend, with};

const BOT: &str = "tenant:acme/agent:bot";

/// A world with a budget of 100 tokens for `bot`, and a policy for all agents of `acme`.
fn ruled(rules: ActionRules) -> World {
    World::new(|builder| budget(builder).policy("acme", Policy::new("agents", "tenant:acme/agent:*").actions(rules)))
}

fn budget(builder: AuthorityBuilder) -> AuthorityBuilder {
    builder.budget(BOT, tokens(100))
}

fn hold_of(kind: &str) -> Value {
    with(hold(10), json!({"action": {"kind": kind, "name": "x"}}))
}

fn decision(kind: &str) -> Value {
    with(hold_of(kind), json!({"ttl_ms": null}))
}

#[test]
fn a_kind_on_the_list_of_denied_ones_never_goes_through() {
    let world = ruled(ActionRules::new().deny(["code.deploy"]));
    let refused = world.acme.reserve(&hold_of("code.deploy"));
    assert_eq!(refused.refusal(), (409, "ACTION_KIND_DENIED"));
    let detail = &refused.body["details"]["deny_detail"];
    assert_eq!(detail["reason_code"], "ACTION_KIND_DENIED");
    assert_eq!(detail["blocked_by_scope"], BOT);
    assert!(detail["blocked_by_policy"].as_str().expect("an id").starts_with("pol_"));
    assert_eq!(detail["suggested_fix"], "Take code.deploy off denied_action_kinds of the policy 'agents'");
    assert_eq!(world.figures(BOT), (0, 0, 0, 100, false));
    world.acme.held(&hold_of("code.exec"));
}

#[test]
fn where_there_is_a_list_of_allowed_kinds_no_other_goes_through() {
    let world = ruled(ActionRules::new().allow(["llm.completion"]));
    world.acme.held(&hold_of("llm.completion"));
    assert_eq!(world.acme.reserve(&hold_of("llm.completions")).refusal(), (409, "ACTION_KIND_NOT_ALLOWED"));
}

#[test]
fn dry_runs_and_decisions_tell_what_a_reservation_would_be_told() {
    let world = ruled(ActionRules::new().deny(["code.deploy"]));
    let dry = world.acme.reserve(&with(hold_of("code.deploy"), json!({"dry_run": true}))).ok();
    let decided = world.acme.post("/v1/decide", &decision("code.deploy")).ok();
    let again = with(decision("code.deploy"), json!({"idempotency_key": "same"}));
    let first = world.acme.post("/v1/decide", &again).ok();
    assert_eq!(first, world.acme.post("/v1/decide", &again).ok(), "a replay tells the same");
    for answer in [dry, decided] {
        assert_eq!((&answer["decision"], &answer["reason_code"]), (&json!("DENY"), &json!("ACTION_KIND_DENIED")));
        assert_eq!(answer["deny_detail"]["reason_code"], "ACTION_KIND_DENIED");
    }
}

#[test]
fn a_denial_of_the_budget_tells_what_is_missing() {
    let world = World::new(|builder| budget(builder).protocol_extensions());
    let refused = world.acme.reserve(&hold(130));
    assert_eq!(refused.refusal(), (409, "BUDGET_EXCEEDED"));
    assert_eq!(
        refused.body["details"]["deny_detail"],
        json!({
            "reason_code": "BUDGET_EXCEEDED", "blocked_by_scope": BOT, "budget_remaining": 100,
            "suggested_fix": format!("Fund {BOT} by at least 30 tokens"),
        })
    );
}

#[test]
fn rules_come_before_budgets_and_after_a_closed_tenant() {
    let world = ruled(ActionRules::new().deny(["code.deploy"]));
    let costly = with(hold_of("code.deploy"), json!({"estimate": {"unit": "TOKENS", "amount": 1_000}}));
    assert_eq!(world.acme.reserve(&costly).refusal().1, "ACTION_KIND_DENIED");
    let elsewhere =
        with(costly, json!({"idempotency_key": fresh_key(), "subject": {"tenant": "acme", "agent": "new"}}));
    assert_eq!(world.acme.reserve(&elsewhere).refusal().1, "ACTION_KIND_DENIED", "budget or not");
}

#[test]
fn the_policy_that_applies_counts_alone() {
    let deny = Policy::new("agents", "tenant:acme/agent:*").actions(ActionRules::new().deny(["code.deploy"]));
    let lenient = Policy::new("bot", BOT).priority(1).caps(Caps::new());
    let world = World::new(|builder| budget(builder).policy("acme", deny).policy("acme", lenient));
    world.acme.held(&hold_of("code.deploy"));
}

#[test]
fn spend_that_has_happened_is_recorded_whatever_the_rules_say() {
    let world = ruled(ActionRules::new().deny(["llm.completion"]));
    world.acme.post("/v1/events", &spend(5)).ok();
    assert_eq!(world.figures(BOT).0, 5);
}

#[test]
fn an_authority_that_was_told_nothing_takes_no_member_of_the_extension_and_tells_no_detail() {
    let world = World::new(budget);
    for members in [json!({"observe_mode": "OBSERVE"}), json!({"observe_mode": "ENFORCE"})] {
        assert_eq!(world.acme.reserve(&with(hold(1), members)).refusal(), (400, "INVALID_REQUEST"));
    }
    let keyed = json!({"action": {"kind": "a", "name": "b", "policy_keys": {"host": "x.example"}}});
    assert_eq!(world.acme.reserve(&with(hold(1), keyed.clone())).refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(world.acme.post("/v1/decide", &with(hold(1), keyed)).refusal(), (400, "INVALID_REQUEST"));
    let denied = world.acme.reserve(&hold(101));
    assert_eq!(denied.body["details"].get("deny_detail"), None);
    world.acme.held(&with(hold(1), json!({"action": {"kind": "custom.acme.undeclared", "name": "x"}})));
    assert_eq!(world.acme.get("/v1/action-kinds").refusal(), (404, "NOT_FOUND"));
    assert_eq!(world.acme.get("/v1/admin/action-quota-counters").refusal(), (404, "NOT_FOUND"));
    let unknown = with(hold(1), json!({"colour": 1}));
    let message = world.acme.reserve(&unknown).body["message"].as_str().expect("a message").to_owned();
    assert!(!message.contains("observe_mode"), "{message}");
}

#[test]
fn policy_keys_are_kept_with_the_reservation_and_are_a_part_of_what_its_key_stands_for() {
    let world = World::new(|builder| budget(builder).protocol_extensions());
    let keys = PolicyKeys::new().host("api.example.com").custom("team", "support");
    let keyed = with(
        hold(1),
        json!({"idempotency_key": "k", "action": {"kind": "http.post", "name": "x", "policy_keys": keys}}),
    );
    let id = world.acme.held(&keyed);
    assert_eq!(world.acme.get(&format!("/v1/reservations/{id}")).ok()["action"]["policy_keys"], json!(keys));
    assert_eq!(world.acme.held(&keyed), id);
    let other = with(keyed, json!({"action": {"kind": "http.post", "name": "x"}}));
    assert_eq!(world.acme.reserve(&other).refusal(), (409, "IDEMPOTENCY_MISMATCH"));
    let long = json!({"action": {"kind": "a", "name": "b", "policy_keys": {"host": "x".repeat(254)}}});
    assert_eq!(world.acme.reserve(&with(hold(1), long)).refusal(), (400, "INVALID_REQUEST"));
    let unknown = json!({"action": {"kind": "a", "name": "b", "policy_keys": {"port": "1"}}});
    assert_eq!(world.acme.reserve(&with(hold(1), unknown)).refusal(), (400, "INVALID_REQUEST"));
}
