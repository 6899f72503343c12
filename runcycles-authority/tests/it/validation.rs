//! What a request may say.

use runcycles::tokens;
use serde_json::{Value, json};

use crate::support::{World, commit, fresh_key, hold, spend, with};

const BOT: &str = "tenant:acme/agent:bot";

fn on_bot() -> World {
    World::new(|builder| builder.budget(BOT, tokens(1_000)))
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

#[track_caller]
fn refused(world: &World, path: &str, body: &Value) {
    let reply = world.acme.post(path, body);
    assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"), "{path} {body}");
}

#[test]
fn what_is_not_the_objects_json_is_malformed() {
    let world = on_bot();
    let valid = hold(1).to_string();
    let deep = format!("{{\"metadata\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let twice = valid.replacen('{', "{\"idempotency_key\": \"twice\", ", 1);
    let estimate = |amount: &str| valid.replace("\"amount\":1", &format!("\"amount\":{amount}"));
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"text\"",
        "\u{feff}{}",
        &format!("{valid} trailing"),
        &deep,
        &twice,
        &estimate("1.5"),
        &estimate("1e3"),
        &estimate("\"5\""),
        &estimate("true"),
        &estimate("9223372036854775808"),
        &estimate("99999999999999999999999"),
        &valid.replace("{\"amount\":1,\"unit\":\"TOKENS\"}", "[\"TOKENS\", 1]"),
        &valid.replace("\"bot\"", "7"),
    ] {
        let reply = world.acme.post_text("/v1/reservations", body);
        assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"), "{body:.100}");
        let message = reply.body["message"].as_str().expect("a message");
        assert!(message.starts_with("Malformed request body"), "{message}");
        assert!(message.len() < 400, "{}", message.len());
    }
    assert_eq!(world.figures(BOT), (0, 0, 0, 1_000, false));
}

#[test]
fn unknown_members_are_refused_at_every_level() {
    let world = on_bot();
    for change in [
        json!({"policy_keys": {}}),
        json!({"subject": {"agent": "bot", "team": "x"}}),
        json!({"action": {"kind": "k", "name": "n", "extra": 1}}),
        json!({"estimate": {"unit": "TOKENS", "amount": 1, "currency": "x"}}),
    ] {
        refused(&world, "/v1/reservations", &with(hold(1), change));
    }
}

#[test]
fn required_members_are_missed() {
    let world = on_bot();
    for member in ["idempotency_key", "subject", "action", "estimate"] {
        for path in ["/v1/reservations", "/v1/decide"] {
            let reply = world.acme.post(path, &with(hold(1), json!({member: null})));
            assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"));
            assert_eq!(reply.body["message"], format!("Validation failed: {member}: must be given"));
        }
    }
    let id = world.acme.held(&hold(1));
    refused(&world, &format!("/v1/reservations/{id}/commit"), &json!({"idempotency_key": fresh_key()}));
    refused(&world, &format!("/v1/reservations/{id}/release"), &json!({}));
    refused(&world, &format!("/v1/reservations/{id}/extend"), &json!({"idempotency_key": fresh_key()}));
    refused(&world, "/v1/events", &with(spend(1), json!({"actual": null})));
}

#[test]
fn limits_of_a_reservation_are_inclusive() {
    let world = on_bot();
    let kind = |length| json!({"action": {"kind": text(length), "name": "n"}});
    let name = |length| json!({"action": {"kind": "k", "name": text(length)}});
    let tags = |count, length| json!({"action": {"kind": "k", "name": "n", "tags": vec![text(length); count]}});
    let dimensions = |count: usize, length| {
        let dimensions: std::collections::BTreeMap<_, _> =
            (0..count).map(|at| (at.to_string(), text(length))).collect();
        json!({"subject": {"agent": "bot", "tenant": "acme", "dimensions": dimensions}})
    };
    for (accepted, refused_one) in [
        (json!({"idempotency_key": text(256)}), json!({"idempotency_key": text(257)})),
        (json!({"idempotency_key": "é".repeat(256)}), json!({"idempotency_key": ""})),
        (json!({"ttl_ms": 1_000}), json!({"ttl_ms": 999})),
        (json!({"ttl_ms": 86_400_000}), json!({"ttl_ms": 86_400_001})),
        (json!({"grace_period_ms": 0}), json!({"grace_period_ms": -1})),
        (json!({"grace_period_ms": 60_000}), json!({"grace_period_ms": 60_001})),
        (json!({"overage_policy": "REJECT"}), json!({"overage_policy": "MAYBE"})),
        (kind(64), kind(65)),
        (name(256), name(257)),
        (name(1), json!({"action": {"kind": "k", "name": " "}})),
        (tags(10, 64), tags(11, 1)),
        (tags(0, 0), tags(1, 65)),
        (dimensions(16, 256), dimensions(17, 1)),
        (dimensions(0, 0), dimensions(1, 257)),
        (json!({"estimate": {"unit": "TOKENS", "amount": 0}}), json!({"estimate": {"unit": "TOKENS", "amount": -1}})),
        (json!({"dry_run": true}), json!({"estimate": {"unit": "DOLLARS", "amount": 1}})),
        (json!({"dry_run": false}), json!({"estimate": {"unit": "tokens", "amount": 1}})),
        (json!({"metadata": {"any": [null, 1.5]}}), json!({"metadata": "text"})),
    ] {
        let reply = world.acme.reserve(&with(hold(1), accepted.clone()));
        assert_eq!(reply.status, 200, "{accepted} {}", reply.body);
        refused(&world, "/v1/reservations", &with(hold(1), refused_one));
    }
}

#[test]
fn a_subject_has_a_level_and_plain_values() {
    let world = on_bot();
    for subject in [
        json!({}),
        json!({"dimensions": {"run": "1"}}),
        json!({"agent": ""}),
        json!({"agent": "a b"}),
        json!({"agent": "a/b"}),
        json!({"agent": "a:b"}),
        json!({"agent": "é"}),
        json!({"agent": text(129)}),
    ] {
        refused(&world, "/v1/reservations", &with(hold(1), json!({"subject": subject})));
    }
}

#[test]
fn one_answer_names_everything_that_is_wrong() {
    let world = on_bot();
    let body = with(hold(1), json!({"ttl_ms": 5, "grace_period_ms": -3, "action": {"kind": "", "name": "n"}}));

    let reply = world.acme.reserve(&body);

    assert_eq!(
        reply.body["message"],
        "Validation failed: action.kind: must not be blank, ttl_ms: must be 1000 to 86400000, found 5, \
         grace_period_ms: must be 0 to 60000, found -3"
    );
}

#[test]
fn settlements_have_limits_too() {
    let world = on_bot();
    let id = world.acme.held(&hold(1));
    let commit_path = format!("/v1/reservations/{id}/commit");
    let event = |metrics: Value| with(spend(1), json!({"metrics": metrics}));
    for metrics in [
        json!({"tokens_input": -1}),
        json!({"tokens_output": 2_147_483_648_u64}),
        json!({"latency_ms": 1.5}),
        json!({"model_version": text(129)}),
        json!({"cost": 1}),
    ] {
        refused(&world, &commit_path, &with(commit(1), json!({"metrics": metrics})));
        refused(&world, "/v1/events", &event(metrics));
    }
    refused(&world, "/v1/events", &with(spend(1), json!({"client_time_ms": -1})));
    refused(&world, "/v1/events", &with(spend(1), json!({"overage_policy": "reject"})));
    for by in [0, 86_400_001] {
        let body = json!({"idempotency_key": fresh_key(), "extend_by_ms": by});
        refused(&world, &format!("/v1/reservations/{id}/extend"), &body);
    }
    let release = json!({"idempotency_key": fresh_key(), "reason": text(257)});
    refused(&world, &format!("/v1/reservations/{id}/release"), &release);
    refused(&world, &format!("/v1/reservations/{}/commit", text(129)), &commit(1));
    assert_eq!(world.figures(BOT), (0, 1, 0, 999, false));

    let metrics =
        json!({"tokens_input": 0, "latency_ms": 2_147_483_647, "model_version": text(128), "custom": {"x": [1]}});
    world.acme.post("/v1/events", &event(metrics.clone())).ok();
    world.acme.post(&commit_path, &with(commit(1), json!({"metrics": metrics}))).ok();
}
