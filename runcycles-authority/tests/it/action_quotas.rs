//! How often actions may be done.

use runcycles::models::{ActionQuota, ActionRules, QuotaWindow, RiskClass, RiskClassQuota};
use runcycles::tokens;
use runcycles_authority::Policy;
use serde_json::{Value, json};

use crate::support::{Caller, World, hold, with};

const BOT: &str = "tenant:acme/agent:bot";
const EMAIL: &str = "message.email.send";
const SECRET: &str = "adm_secret";

fn ruled(rules: ActionRules) -> World {
    ruled_at("tenant:acme/agent:*", rules)
}

fn ruled_at(pattern: &str, rules: ActionRules) -> World {
    World::new(|builder| {
        let builder = builder.budget("tenant:acme", tokens(10_000)).admin_key(SECRET);
        builder.policy("acme", Policy::new("limits", pattern).actions(rules))
    })
}

fn per(window: QuotaWindow, most: u64) -> ActionRules {
    ActionRules::new().quota(ActionQuota::new(EMAIL, most, window))
}

/// An e-mail in a run of an agent.
fn email(agent: &str, run: &str) -> Value {
    let subject = json!({"tenant": "acme", "agent": agent, "dimensions": {"run_id": run}});
    with(hold(1), json!({"subject": subject, "action": {"kind": EMAIL, "name": "x"}}))
}

fn counters(world: &World, query: &str) -> Vec<Value> {
    let operator = Caller::operator(&world.authority, SECRET);
    let page = operator.get(&format!("/v1/admin/action-quota-counters?tenant_id=acme{query}")).ok();
    page["counters"].as_array().expect("a list").clone()
}

#[test]
fn a_quota_per_run_counts_each_run_of_each_agent_by_itself() {
    let world = ruled(per(QuotaWindow::PerRun, 2));
    world.acme.held(&email("bot", "r1"));
    world.acme.held(&email("bot", "r1"));
    let refused = world.acme.reserve(&email("bot", "r1"));
    assert_eq!(refused.refusal(), (409, "ACTION_QUOTA_EXCEEDED"));
    let detail = &refused.body["details"]["deny_detail"];
    let policy = detail["blocked_by_policy"].clone();
    assert_eq!(
        detail["quota_violation"],
        json!({
            "action_kind": EMAIL, "window": "per_run", "window_key": "r1", "used": 2, "limit": 2, "scope": BOT,
            "policy_id": policy,
        })
    );
    world.acme.held(&email("bot", "r2"));
    world.acme.held(&email("other", "r1"));
    assert_eq!(world.ledger("tenant:acme").reserved, tokens(4), "what is refused holds nothing");
}

#[test]
fn an_action_that_came_to_nothing_does_not_count_in_its_run_and_one_that_was_committed_does() {
    let world = ruled(per(QuotaWindow::PerRun, 1));
    let released = world.acme.held(&email("bot", "r"));
    world.acme.release(&released).ok();
    world.acme.held(&email("bot", "r"));
    world.advance(70_000);
    let committed = world.acme.held(&email("bot", "r"));
    world.acme.commit(&committed, 1).ok();
    assert_eq!(world.acme.reserve(&email("bot", "r")).refusal().1, "ACTION_QUOTA_EXCEEDED");
    world.advance(24 * 3_600_000 + 1);
    world.acme.held(&email("bot", "r"));
}

#[test]
fn a_quota_per_run_needs_to_know_the_run() {
    let world = ruled(per(QuotaWindow::PerRun, 1));
    let nameless = with(email("bot", "r"), json!({"subject": {"tenant": "acme", "agent": "bot"}}));
    for path in ["/v1/reservations", "/v1/decide"] {
        let refused = world.acme.post(path, &nameless);
        assert_eq!(refused.refusal(), (400, "INVALID_REQUEST"));
        assert!(refused.body["message"].as_str().expect("a message").contains("run_id"));
    }
}

#[test]
fn calendar_windows_begin_with_the_minute_the_hour_and_the_day_in_utc() {
    // The clock starts at 2025-11-22T01:30:00Z.
    for (window, left_ms, key) in [
        (QuotaWindow::PerMinute, 60_000, "2025-11-22T01:30"),
        (QuotaWindow::PerHour, 30 * 60_000, "2025-11-22T01"),
        (QuotaWindow::PerDay, (22 * 60 + 30) * 60_000, "2025-11-22"),
    ] {
        let world = ruled(per(window, 1));
        let id = world.acme.held(&email("bot", "r"));
        world.acme.release(&id).ok();
        let refused = world.acme.reserve(&email("bot", "r"));
        assert_eq!(refused.refusal().1, "ACTION_QUOTA_EXCEEDED", "a release gives nothing back");
        assert_eq!(refused.body["details"]["deny_detail"]["quota_violation"]["window_key"], key);
        world.advance(left_ms - 1);
        assert_eq!(world.acme.reserve(&email("bot", "r")).refusal().1, "ACTION_QUOTA_EXCEEDED");
        world.advance(1);
        world.acme.held(&email("bot", "r"));
    }
}

#[test]
fn a_quota_per_tenant_and_day_counts_all_agents_together() {
    let world = ruled(per(QuotaWindow::PerTenantPerDay, 2));
    world.acme.held(&email("bot", "r"));
    world.acme.held(&email("other", "r"));
    let refused = world.acme.reserve(&email("third", "r"));
    assert_eq!(refused.body["details"]["deny_detail"]["quota_violation"]["scope"], "tenant:acme");
}

#[test]
fn a_quota_of_a_risk_class_counts_all_its_kinds_and_comes_first() {
    let class = RiskClassQuota::new(RiskClass::ExternalSideEffect, 2, QuotaWindow::PerHour);
    let world = ruled(per(QuotaWindow::PerHour, 2).risk_class_quota(class));
    let of_kind = |kind: &str| with(email("bot", "r"), json!({"action": {"kind": kind, "name": "x"}}));
    world.acme.held(&of_kind(EMAIL));
    world.acme.held(&of_kind("message.slack.post"));
    world.acme.held(&of_kind("db.query"));
    let refused = world.acme.reserve(&of_kind(EMAIL));
    let violation = &refused.body["details"]["deny_detail"]["quota_violation"];
    assert_eq!((&violation["risk_class"], &violation["used"]), (&json!("external_side_effect"), &json!(2)));
    assert_eq!(violation["action_kind"], EMAIL);
}

#[test]
fn a_quota_for_some_hosts_leaves_others_and_those_that_are_not_told_alone() {
    let quota = ActionQuota::new("http.post", 1, QuotaWindow::PerHour).hosts(["api.stripe.com"]);
    let world = ruled(ActionRules::new().quota(quota));
    let to = |keys: Value| {
        with(email("bot", "r"), json!({"action": {"kind": "http.post", "name": "x", "policy_keys": keys}}))
    };
    world.acme.held(&to(json!({"host": "api.stripe.com"})));
    assert_eq!(world.acme.reserve(&to(json!({"host": "API.stripe.com"}))).refusal().1, "ACTION_QUOTA_EXCEEDED");
    world.acme.held(&to(json!({"host": "example.com"})));
    world.acme.held(&to(json!({})));
}

#[test]
fn a_replay_a_dry_run_and_a_decision_count_for_nothing_and_a_denial_neither() {
    let world = ruled(per(QuotaWindow::PerHour, 2));
    let first = email("bot", "r");
    for _ in 0..3 {
        world.acme.held(&first);
        world.acme.reserve(&with(email("bot", "r"), json!({"dry_run": true}))).ok();
        world.acme.post("/v1/decide", &email("bot", "r")).ok();
        let too_much = with(email("bot", "r"), json!({"estimate": {"unit": "TOKENS", "amount": 1_000_000}}));
        assert_eq!(world.acme.reserve(&too_much).refusal().1, "BUDGET_EXCEEDED");
    }
    assert_eq!(counters(&world, "")[0]["used"], 1);
}

#[test]
fn counters_are_read_by_scope_kind_window_and_run() {
    let world = ruled(per(QuotaWindow::PerRun, 5).quota(ActionQuota::new(EMAIL, 9, QuotaWindow::PerHour)));
    world.acme.held(&email("bot", "r1"));
    let released = world.acme.held(&email("other", "r2"));
    world.acme.release(&released).ok();
    let used = |query: &str| counters(&world, query).len();
    assert_eq!((used(""), used("&include_zero=true")), (3, 4));
    assert_eq!((used("&window=per_run"), used("&run_id=r1"), used("&run_id=r9")), (1, 1, 0));
    assert_eq!((used("&scope=tenant:acme/agent:other"), used("&action_kind=db.query")), (1, 0));
    let hour = &counters(&world, "&scope=tenant:acme/agent:bot&window=per_hour_tumbling")[0];
    assert_eq!((&hour["used"], &hour["limit"], &hour["remaining"]), (&json!(1), &json!(9), &json!(8)));
    assert_eq!(
        (&hour["window_key"], &hour["expires_at"]),
        (&json!("2025-11-22T01"), &json!("2025-11-22T02:00:00.000Z"))
    );
    let own = world.acme.get("/v1/admin/action-quota-counters");
    assert_eq!(own.header("x-cycles-permission-deprecated"), Some("balances:read"));
    assert_eq!(own.ok()["counters"].as_array().map(Vec::len), Some(3));
}

#[test]
fn an_operator_sets_one_counter_to_zero() {
    let world = ruled(per(QuotaWindow::PerRun, 1));
    world.acme.held(&email("bot", "r"));
    let operator = Caller::operator(&world.authority, SECRET);
    let path = "/v1/admin/action-quota-counters/reset";
    let body = json!({
        "tenant_id": "acme", "scope": BOT, "action_kind": EMAIL, "window": "per_run", "window_key": "r", "reason": "stuck",
    });
    let reset = operator.post(path, &body).ok();
    assert_eq!((&reset["previous_used"], &reset["counter"]["used"]), (&json!(1), &json!(0)));
    world.acme.held(&email("bot", "r"));
    for (change, refusal) in [
        (json!({"window_key": "other"}), (404, "NOT_FOUND")),
        (json!({"tenant_id": null}), (400, "INVALID_REQUEST")),
        (json!({"window": "per_week"}), (400, "INVALID_REQUEST")),
        (json!({"action_kind": "__risk__"}), (400, "INVALID_REQUEST")),
    ] {
        assert_eq!(operator.post(path, &with(body.clone(), change.clone())).refusal(), refusal, "{change}");
    }
    assert_eq!(world.acme.post(path, &body).refusal(), (401, "UNAUTHORIZED"));
}

#[test]
fn policies_take_rules_from_the_admin_plane_and_replace_them_list_by_list() {
    let world = World::new(|builder| {
        builder.budget("tenant:acme", tokens(100)).admin_key(SECRET).evaluate_policies().protocol_extensions()
    });
    let operator = Caller::operator(&world.authority, SECRET);
    let quota = json!({"action_kind": EMAIL, "max_calls": 1, "window": "per_hour_tumbling"});
    let policy = json!({
        "tenant_id": "acme", "name": "p", "scope_pattern": "tenant:acme", "action_quotas": [quota],
        "denied_action_kinds": ["code.deploy"],
    });
    let made = operator.post("/v1/admin/policies", &policy).ok();
    assert_eq!((&made["action_quotas"], &made["denied_action_kinds"]), (&json!([quota]), &json!(["code.deploy"])));
    let path = format!("/v1/admin/policies/{}", made["policy_id"].as_str().expect("an id"));
    world.acme.held(&email("bot", "r"));
    assert_eq!(world.acme.reserve(&email("bot", "r")).refusal().1, "ACTION_QUOTA_EXCEEDED");

    let more = json!({"action_quotas": [with(quota.clone(), json!({"max_calls": 2}))]});
    assert_eq!(operator.patch(&path, &more).ok()["denied_action_kinds"], json!(["code.deploy"]), "left as it is");
    world.acme.held(&email("bot", "r"));
    assert_eq!(world.acme.reserve(&email("bot", "r")).refusal().1, "ACTION_QUOTA_EXCEEDED", "what was counted counts");
    assert_eq!(operator.patch(&path, &json!({"action_quotas": []})).ok().get("action_quotas"), None);
    world.acme.held(&email("bot", "r"));

    for wrong in [
        json!({"allowed_action_kinds": ["a.b"]}),
        json!({"action_quotas": [with(quota.clone(), json!({"max_calls": 0}))]}),
        json!({"action_quotas": [with(quota.clone(), json!({"window": "per_week"}))]}),
        json!({"action_quotas": [with(quota.clone(), json!({"per_run_counter_ttl_ms": 60_000}))]}),
        json!({"action_quotas": [with(quota.clone(), json!({"threshold_pct": 1.0}))]}),
        json!({"action_quotas": [with(quota, json!({"colour": "red"}))]}),
        json!({"risk_class_quotas": [{"risk_class": "scary", "max_calls": 1, "window": "per_run"}]}),
        json!({"denied_action_kinds": vec!["a.b"; 201]}),
    ] {
        assert_eq!(operator.patch(&path, &wrong).refusal(), (400, "INVALID_REQUEST"), "{wrong}");
    }
    let both = json!({"allowed_action_kinds": ["a.b"], "denied_action_kinds": []});
    assert_eq!(operator.patch(&path, &both).ok()["allowed_action_kinds"], json!(["a.b"]));
}
