//! Replays and mismatches.

use runcycles::tokens;
use serde_json::json;

use crate::support::{Caller, START_MS, World, commit, fresh_key, hold, spend, with};

const BOT: &str = "tenant:acme/agent:bot";

fn on_bot(amount: u64) -> World {
    World::new(|builder| builder.budget(BOT, tokens(amount)))
}

#[test]
fn a_replayed_reservation_is_the_first_answer_with_the_time_that_is_left() {
    let world = on_bot(100);
    let body = hold(10);
    let first = world.acme.reserve(&body).ok();
    world.acme.reserve(&hold(5)).ok();
    world.advance(20_000);

    let second = world.acme.reserve(&body).ok();

    assert_eq!(second["remaining_ttl_ms"], 40_000);
    assert_eq!(with(second, json!({"remaining_ttl_ms": 60_000})), first);
    assert_eq!(world.figures(BOT), (0, 15, 0, 85, false));
}

#[test]
fn a_replay_after_the_commit_still_answers_and_has_no_time_left() {
    let world = on_bot(100);
    let body = hold(10);
    let first = world.acme.reserve(&body).ok();
    let id = first["reservation_id"].as_str().expect("an id");
    world.acme.extend(id, 60_000).ok();
    world.acme.commit(id, 10).ok();

    let second = world.acme.reserve(&body).ok();

    assert_eq!(second["remaining_ttl_ms"], 0);
    assert_eq!(second["expires_at_ms"], START_MS + 60_000);
    assert_eq!(with(second, json!({"remaining_ttl_ms": 60_000})), first);
}

#[test]
fn a_replayed_commit_or_release_is_byte_for_byte_the_first_answer() {
    let world = on_bot(100);
    let (committed, released) = (world.acme.held(&hold(10)), world.acme.held(&hold(20)));
    let commit_path = format!("/v1/reservations/{committed}/commit");
    let release_path = format!("/v1/reservations/{released}/release");
    let (commit_body, release_body) = (commit(4), json!({"idempotency_key": fresh_key(), "reason": "cancelled"}));

    let first = (world.acme.post(&commit_path, &commit_body).ok(), world.acme.post(&release_path, &release_body).ok());
    world.acme.post("/v1/events", &spend(1)).ok();
    let second = (world.acme.post(&commit_path, &commit_body).ok(), world.acme.post(&release_path, &release_body).ok());

    assert_eq!(first, second);
    assert_eq!(first.0["released"]["amount"], 6);
    assert_eq!(first.1["released"]["amount"], 20);
    assert_eq!(world.figures(BOT), (5, 0, 0, 95, false));

    let other = with(commit_body, json!({"actual": {"unit": "TOKENS", "amount": 5}}));
    assert_eq!(world.acme.post(&commit_path, &other).refusal(), (409, "IDEMPOTENCY_MISMATCH"));
    let other = with(release_body, json!({"reason": "something else"}));
    assert_eq!(world.acme.post(&release_path, &other).refusal(), (409, "IDEMPOTENCY_MISMATCH"));
}

#[test]
fn a_commits_key_does_not_replay_as_a_release() {
    let world = on_bot(100);
    let id = world.acme.held(&hold(10));
    let body = commit(10);
    world.acme.post(&format!("/v1/reservations/{id}/commit"), &body).ok();

    let release = json!({"idempotency_key": body["idempotency_key"]});
    let reply = world.acme.post(&format!("/v1/reservations/{id}/release"), &release);

    assert_eq!(reply.refusal(), (409, "RESERVATION_FINALIZED"));
}

#[test]
fn a_replayed_extension_extends_once() {
    let world = on_bot(100);
    let id = world.acme.held(&hold(10));
    let path = format!("/v1/reservations/{id}/extend");
    let body = json!({"idempotency_key": fresh_key(), "extend_by_ms": 5_000});

    let first = world.acme.post(&path, &body).ok();
    world.advance(1_000);
    let second = world.acme.post(&path, &body).ok();

    assert_eq!(first["remaining_ttl_ms"], 65_000);
    assert_eq!(second["remaining_ttl_ms"], 64_000);
    assert_eq!(with(second, json!({"remaining_ttl_ms": 65_000})), first);
    let other = with(body.clone(), json!({"extend_by_ms": 5_001}));
    assert_eq!(world.acme.post(&path, &other).refusal(), (409, "IDEMPOTENCY_MISMATCH"));

    world.acme.commit(&id, 1).ok();
    assert_eq!(world.acme.post(&path, &body).ok()["remaining_ttl_ms"], 0);
}

#[test]
fn a_replayed_event_is_charged_once() {
    let world = on_bot(100);
    let body = spend(30);

    let first = world.acme.post("/v1/events", &body);
    let second = world.acme.post("/v1/events", &body);

    assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 201));
    assert_eq!(first.body, second.body);
    assert_eq!(world.figures(BOT), (30, 0, 0, 70, false));
    let other = with(body, json!({"actual": {"unit": "TOKENS", "amount": 31}}));
    assert_eq!(world.acme.post("/v1/events", &other).refusal(), (409, "IDEMPOTENCY_MISMATCH"));
}

#[test]
fn a_dry_run_and_a_reservation_share_their_keys() {
    let world = on_bot(100);
    for (first, second) in [(true, false), (false, true)] {
        let body = hold(1);
        world.acme.reserve(&with(body.clone(), json!({"dry_run": first}))).ok();

        let reply = world.acme.reserve(&with(body, json!({"dry_run": second})));

        assert_eq!(reply.refusal(), (409, "IDEMPOTENCY_MISMATCH"));
    }
    assert_eq!(world.figures(BOT).1, 1);
}

#[test]
fn operations_and_tenants_have_keys_of_their_own() {
    let world = World::new(|builder| builder.budget(BOT, tokens(100)).budget("tenant:other", tokens(100)));
    let other = Caller::of(&world.authority, "other");
    let body = hold(1);
    let key = json!({"idempotency_key": body["idempotency_key"]});

    world.acme.reserve(&body).ok();
    world.acme.post("/v1/decide", &body).ok();
    world.acme.post("/v1/events", &with(spend(1), key)).ok();
    other.reserve(&with(body, json!({"subject": {"tenant": "other"}}))).ok();
}

#[test]
fn one_commit_key_serves_two_reservations() {
    let world = on_bot(100);
    let body = commit(1);

    for id in [world.acme.held(&hold(1)), world.acme.held(&hold(1))] {
        world.acme.post(&format!("/v1/reservations/{id}/commit"), &body).ok();
    }

    assert_eq!(world.figures(BOT).0, 2);
}

#[test]
fn a_refusal_is_not_remembered_but_a_denial_that_was_answered_is() {
    let world = on_bot(10);
    let (reservation, decision) = (hold(11), hold(11));
    let dry_run = with(hold(11), json!({"dry_run": true}));
    assert_eq!(world.acme.reserve(&reservation).refusal(), (409, "BUDGET_EXCEEDED"));
    assert_eq!(world.acme.post("/v1/decide", &decision).ok()["decision"], "DENY");
    assert_eq!(world.acme.reserve(&dry_run).ok()["decision"], "DENY");

    world.authority.fund(BOT, tokens(100)).expect("a budget to fund");

    assert_eq!(world.acme.reserve(&reservation).status, 200);
    assert_eq!(world.acme.post("/v1/decide", &decision).ok()["decision"], "DENY");
    assert_eq!(world.acme.reserve(&dry_run).ok()["decision"], "DENY");
    assert_eq!(world.acme.post("/v1/decide", &hold(11)).ok()["decision"], "ALLOW");
}

#[test]
fn the_same_request_written_differently_is_a_replay() {
    let world = on_bot(100);
    let first = r#"{
        "idempotency_key": "k", "subject": {"tenant": "acme", "agent": "bot", "dimensions": {"b": "2", "a": "1"}},
        "action": {"kind": "llm.completion", "name": "gpt-4o"}, "estimate": {"unit": "TOKENS", "amount": 1},
        "metadata": {"x": {"deep": [1, {"q": null, "p": 1.0}]}, "a": "\u0041"}
    }"#;
    let second = r#"{"metadata":{"a":"A","x":{"deep":[1,{"p":1,"q":null}]}},"dry_run":false,"grace_period_ms":5000,
        "ttl_ms":null,"estimate":{"amount":1,"unit":"TOKENS"},"action":{"name":"gpt-4o","kind":"llm.completion","tags":null},
        "subject":{"dimensions":{"a":"1","b":"2"},"agent":"bot","tenant":"acme","app":null},"idempotency_key":"k"}"#;

    let answers = (world.acme.post_text("/v1/reservations", first), world.acme.post_text("/v1/reservations", second));

    assert_eq!(answers.0.ok(), answers.1.ok());
    assert_eq!(world.figures(BOT).1, 1);
}

#[test]
fn every_member_of_a_reservation_tells_it_from_another() {
    let world = on_bot(100);
    let body = with(hold(1), json!({"metadata": {"a": 1}}));
    world.acme.reserve(&body).ok();

    for change in [
        json!({"subject": {"tenant": "acme", "agent": "Bot"}}),
        json!({"subject": {"tenant": "acme", "agent": "bot", "dimensions": {"run": "1"}}}),
        json!({"action": {"kind": "llm.completion", "name": "gpt-5"}}),
        json!({"action": {"kind": "llm.completion", "name": "gpt-4o", "tags": ["t"]}}),
        json!({"estimate": {"unit": "TOKENS", "amount": 2}}),
        json!({"estimate": {"unit": "CREDITS", "amount": 1}}),
        json!({"ttl_ms": 60_000}),
        json!({"grace_period_ms": 4_999}),
        json!({"overage_policy": "ALLOW_IF_AVAILABLE"}),
        json!({"metadata": {"a": 2}}),
        json!({"metadata": null}),
    ] {
        let reply = world.acme.reserve(&with(body.clone(), change.clone()));
        assert_eq!(reply.refusal(), (409, "IDEMPOTENCY_MISMATCH"), "{change}");
    }
}

#[test]
fn a_key_is_known_for_a_day() {
    const DAY_MS: u64 = 86_400_000;
    let world = on_bot(100);
    let body = hold(10);
    let first = world.acme.held(&body);

    world.advance(DAY_MS);
    assert_eq!(world.acme.held(&body), first);
    world.advance(1);
    assert_ne!(world.acme.held(&body), first);
}

#[test]
fn twenty_threads_with_one_key_make_one_hold() {
    let world = std::sync::Arc::new(on_bot(100));
    let body = hold(10);

    let threads: Vec<_> = (0..20)
        .map(|_| {
            let (world, body) = (world.clone(), body.clone());
            std::thread::spawn(move || world.acme.held(&body))
        })
        .collect();
    let ids: std::collections::HashSet<_> =
        threads.into_iter().map(|thread| thread.join().expect("a thread that ends")).collect();

    assert_eq!(ids.len(), 1);
    assert_eq!(world.figures(BOT).1, 10);
}
