//! Requests, byte for byte.

use std::time::Duration;

use runcycles::models::{
    Action, Amount, CommitOveragePolicy, CommitRequest, CyclesMetrics, DecisionRequest, EventCreateRequest,
    ExtendRequest, IdempotencyKey, Metadata, ReleaseRequest, ReservationCreateRequest,
};
use runcycles::{Reserve, Scope, tokens, usd};
use serde_json::json;

fn key() -> IdempotencyKey {
    IdempotencyKey::new("k-1").unwrap()
}

fn metadata() -> Metadata {
    json!({ "ticket": 7, "note": "ü" }).as_object().cloned().unwrap()
}

fn action() -> Action {
    Action::new("llm.completion", "gpt-4o").tag("prod").tag("customer-facing")
}

fn metrics() -> CyclesMetrics {
    CyclesMetrics {
        tokens_input: Some(1_500),
        tokens_output: Some(0),
        latency_ms: Some(2_340),
        model_version: Some("gpt-4o-2024-08-06".to_owned()),
        custom: json!({ "cache_hits": 2 }).as_object().cloned().unwrap(),
    }
}

#[track_caller]
fn wire(request: &impl serde::Serialize, expected: &str) {
    // Expectations are written on several lines.
    let expected: String = expected.lines().map(str::trim_start).collect();
    assert_eq!(serde_json::to_string(request).unwrap(), expected);
}

#[test]
fn what_a_request_leaves_out_is_not_on_the_wire() {
    let reserve: ReservationCreateRequest =
        Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.005)).idempotency_key(key()).build();
    wire(
        &reserve,
        r#"{"idempotency_key":"k-1","subject":{},"action":{"kind":"llm.completion","name":"gpt-4o"},
        "estimate":{"unit":"USD_MICROCENTS","amount":500000}}"#,
    );
    let decide = DecisionRequest::builder().action(Action::new("a", "b")).estimate(tokens(0)).idempotency_key(key());
    wire(
        &decide.build(),
        r#"{"idempotency_key":"k-1","subject":{},"action":{"kind":"a","name":"b"},"estimate":{"unit":"TOKENS","amount":0}}"#,
    );
    let event = EventCreateRequest::builder().action(Action::new("a", "b")).actual(tokens(1)).idempotency_key(key());
    wire(
        &event.build(),
        r#"{"idempotency_key":"k-1","subject":{},"action":{"kind":"a","name":"b"},"actual":{"unit":"TOKENS","amount":1}}"#,
    );
    wire(
        &CommitRequest::builder().actual(tokens(1)).idempotency_key(key()).build(),
        r#"{"idempotency_key":"k-1","actual":{"unit":"TOKENS","amount":1}}"#,
    );
    let mut release = ReleaseRequest::new("");
    (release.idempotency_key, release.reason) = (key(), None);
    wire(&release, r#"{"idempotency_key":"k-1"}"#);
    let mut extend = ExtendRequest::new(Duration::from_secs(60));
    extend.idempotency_key = key();
    wire(&extend, r#"{"idempotency_key":"k-1","extend_by_ms":60000}"#);
}

#[test]
fn a_reservation_puts_all_its_members_on_the_wire() {
    let request = Reserve::new("", "")
        .action(action())
        .estimate(Amount::credits(9_223_372_036_854_775_807))
        .subject(
            Scope::toolset("t").agent("a").workflow("f").app("p").workspace("w").tenant("acme").dimension("run", "r/1"),
        )
        .ttl(Duration::from_secs(86_400))
        .grace_period(Duration::ZERO)
        .overage_policy(CommitOveragePolicy::AllowWithOverdraft)
        .dry_run(true)
        .metadata(metadata())
        .idempotency_key(key())
        .build();
    wire(
        &request,
        r#"{"idempotency_key":"k-1",
        "subject":{"tenant":"acme","workspace":"w","app":"p","workflow":"f","agent":"a","toolset":"t","dimensions":{"run":"r/1"}},
        "action":{"kind":"llm.completion","name":"gpt-4o","tags":["prod","customer-facing"]},
        "estimate":{"unit":"CREDITS","amount":9223372036854775807},
        "overage_policy":"ALLOW_WITH_OVERDRAFT","dry_run":true,"ttl_ms":86400000,"grace_period_ms":0,
        "metadata":{"note":"ü","ticket":7}}"#,
    );
}

#[test]
fn settlements_put_all_their_members_on_the_wire() {
    let metrics_json = r#""metrics":{"tokens_input":1500,"tokens_output":0,"latency_ms":2340,
        "model_version":"gpt-4o-2024-08-06","custom":{"cache_hits":2}}"#;
    let commit =
        CommitRequest::builder().actual(usd!(0.00423)).metrics(metrics()).metadata(metadata()).idempotency_key(key());
    wire(
        &commit.build(),
        &format!(
            r#"{{"idempotency_key":"k-1","actual":{{"unit":"USD_MICROCENTS","amount":423000}},
            {metrics_json},"metadata":{{"note":"ü","ticket":7}}}}"#
        ),
    );
    let event = EventCreateRequest::builder()
        .action(action())
        .actual(Amount::risk_points(3))
        .subject(Scope::agent("a"))
        .overage_policy(CommitOveragePolicy::Reject)
        .metrics(metrics())
        .client_time_ms(1_712_956_800_000)
        .metadata(metadata())
        .idempotency_key(key());
    wire(
        &event.build(),
        &format!(
            r#"{{"idempotency_key":"k-1","subject":{{"agent":"a"}},
            "action":{{"kind":"llm.completion","name":"gpt-4o","tags":["prod","customer-facing"]}},
            "actual":{{"unit":"RISK_POINTS","amount":3}},"overage_policy":"REJECT",
            {metrics_json},"client_time_ms":1712956800000,"metadata":{{"note":"ü","ticket":7}}}}"#
        ),
    );
    let mut release = ReleaseRequest::new("not needed");
    release.idempotency_key = key();
    wire(&release, r#"{"idempotency_key":"k-1","reason":"not needed"}"#);
    let mut extend = ExtendRequest::new(Duration::from_micros(1_999));
    (extend.idempotency_key, extend.metadata) = (key(), metadata());
    wire(&extend, r#"{"idempotency_key":"k-1","extend_by_ms":1,"metadata":{"note":"ü","ticket":7}}"#);
}

#[test]
fn requests_without_a_key_get_one_each_of_their_own() {
    let make = || CommitRequest::new(tokens(1)).idempotency_key;
    let reserve = || Reserve::new("a", "b").estimate(tokens(1)).build().idempotency_key;
    assert_ne!(make(), make());
    assert_ne!(reserve(), reserve());
}
