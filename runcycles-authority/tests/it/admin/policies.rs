//! Policies.

use runcycles::tokens;
use serde_json::{Value, json};

use super::{BOT, BOT_QUERY, Office};
use crate::support::{Caller, START_MS, hold, with};

#[test]
fn policies_are_kept_and_shown_and_decide_nothing_unless_asked() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)));
    let body = json!({
        "tenant_id": "acme", "name": "soft landing", "scope_pattern": "tenant:acme/agent:*", "priority": 5,
        "caps": {"max_tokens": 64, "tool_denylist": ["shell"]}, "rate_limits": {"max_commits_per_minute": 9},
        "reservation_ttl_override": {"default_ttl_ms": 5_000}, "effective_until": "2025-12-01T00:00:00Z",
    });

    let made = office.operator.post("/v1/admin/policies", &body);
    assert_eq!(made.status, 201);
    let id = made.body["policy_id"].as_str().expect("an id");
    assert!(id.starts_with("pol_") && id.len() == 20, "{id}");
    for (member, value) in [
        ("name", json!("soft landing")),
        ("scope_pattern", json!("tenant:acme/agent:*")),
        ("priority", json!(5)),
        ("caps", json!({"max_tokens": 64, "tool_denylist": ["shell"]})),
        ("rate_limits", json!({"max_commits_per_minute": 9})),
        ("reservation_ttl_override", json!({"default_ttl_ms": 5_000})),
        ("effective_until", json!("2025-12-01T00:00:00.000Z")),
        ("status", json!("ACTIVE")),
    ] {
        assert_eq!(made.body[member], value, "{member}");
    }
    assert_eq!(office.operator.post("/v1/admin/policies", &body).refusal(), (409, "DUPLICATE_RESOURCE"));
    let reserved = office.world.acme.reserve(&hold(1)).ok();
    assert_eq!((&reserved["decision"], &reserved["remaining_ttl_ms"]), (&json!("ALLOW"), &json!(60_000)));

    let own = office.world.acme.get("/v1/admin/policies?scope_pattern=tenant:acme/agent:*").ok();
    assert_eq!(own["policies"][0]["policy_id"], id);
    assert_eq!(office.operator.get("/v1/admin/policies").refusal(), (400, "INVALID_REQUEST"));
    let path = format!("/v1/admin/policies/{id}");
    assert_eq!(office.world.acme.patch(&path, &json!({"status": "DISABLED"})).ok()["status"], "DISABLED");
    let other = Caller::of(&office.world.authority, "other");
    assert_eq!(other.patch(&path, &json!({"priority": 1})).refusal(), (403, "FORBIDDEN"));
    assert_eq!(office.operator.patch("/v1/admin/policies/none", &json!({})).refusal(), (404, "NOT_FOUND"));
    for change in [
        json!({"scope_pattern": "team:*"}),
        json!({"scope_pattern": "tenant:other/*"}),
        json!({"priority": -1}),
        json!({"caps": {"max_tokens": -1}}),
        json!({"policy_keys": {}}),
        json!({"tenant_id": null}),
    ] {
        let reply =
            office.operator.post("/v1/admin/policies", &with(with(body.clone(), json!({"name": "x"})), change.clone()));
        assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"), "{change}");
    }
}

#[test]
fn the_policy_that_applies_is_the_highest_then_the_innermost() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)).evaluate_policies());
    let policy = |name: &str, pattern: &str, priority: u64, more: Value| {
        let body = json!({"tenant_id": "acme", "name": name, "scope_pattern": pattern, "priority": priority});
        office.operator.post("/v1/admin/policies", &with(body, more)).ok()["policy_id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let cap = |max_tokens: u64| json!({"caps": {"max_tokens": max_tokens}});
    let capped_at = || office.world.acme.reserve(&hold(0)).ok()["caps"]["max_tokens"].as_u64();

    assert_eq!(capped_at(), None);
    policy("all", "tenant:acme", 0, cap(1));
    assert_eq!(capped_at(), Some(1));
    policy("agents", "agent:*", 0, cap(2));
    assert_eq!(capped_at(), Some(2));
    let top = policy("top", "tenant:acme/*", 9, with(cap(3), json!({"effective_until": "2025-11-22T01:31:00Z"})));
    assert_eq!(capped_at(), Some(3));
    assert_eq!(office.world.acme.post("/v1/decide", &hold(1)).ok()["caps"]["max_tokens"], 3);
    policy("elsewhere", "tenant:acme/app:*", 99, cap(4));
    assert_eq!(capped_at(), Some(3));
    office.operator.patch(&format!("/v1/admin/policies/{top}"), &json!({"status": "DISABLED"})).ok();
    assert_eq!(capped_at(), Some(2));
    office.operator.patch(&format!("/v1/admin/policies/{top}"), &json!({"status": "ACTIVE"})).ok();
    office.world.advance(60_000);
    assert_eq!(capped_at(), Some(2));
}

#[test]
fn a_policy_sets_what_a_request_leaves_open() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)).evaluate_policies());
    let patch = json!({"commit_overage_policy": "REJECT"});
    office.operator.patch(&format!("/v1/admin/budgets?{BOT_QUERY}"), &patch).ok();
    let id = office.world.acme.held(&hold(1));
    assert_eq!(office.world.acme.commit(&id, 2).refusal(), (409, "BUDGET_EXCEEDED"));

    let body = json!({
        "tenant_id": "acme", "name": "p", "scope_pattern": BOT, "commit_overage_policy": "ALLOW_IF_AVAILABLE",
        "reservation_ttl_override": {"default_ttl_ms": 5_000, "max_ttl_ms": 9_000, "max_extensions": 0},
    });
    office.operator.post("/v1/admin/policies", &body).ok();

    let reserved = office.world.acme.reserve(&hold(1)).ok();
    assert_eq!(reserved["expires_at_ms"], START_MS + 5_000);
    let id = reserved["reservation_id"].as_str().expect("an id");
    assert_eq!(office.world.acme.extend(id, 1).refusal(), (409, "MAX_EXTENSIONS_EXCEEDED"));
    office.world.acme.commit(id, 2).ok();
    let longer = office.world.acme.reserve(&with(hold(1), json!({"ttl_ms": 60_000}))).ok();
    assert_eq!(longer["expires_at_ms"], START_MS + 9_000);
    let strict = office.world.acme.held(&with(hold(1), json!({"overage_policy": "REJECT"})));
    assert_eq!(office.world.acme.commit(&strict, 2).refusal(), (409, "BUDGET_EXCEEDED"));
}
