//! Requests that break the protocol's limits: an error that names the member, before anything is sent.

use std::time::Duration;

use runcycles::models::{
    Action, Amount, BalanceParams, CommitRequest, CyclesMetrics, ExtendRequest, ListReservationsParams, MAX_AMOUNT,
    ReleaseRequest, Subject, Unit,
};
use runcycles::{CyclesClient, Error, Reserve, Scope, tokens};

use crate::support::operations::{decide, event, reservation, reserve};
use crate::support::script::Script;

/// Checks that a call fails by a member's name and value, and that nothing was sent.
async fn refused<T>(call: impl AsyncFnOnce(&CyclesClient) -> Result<T, Error>, text: &str) {
    let script = Script::new();
    match call(&script.client()).await {
        Err(Error::Validation(error)) => assert_eq!(error.to_string(), text),
        Err(other) => panic!("{other}, expected {text}"),
        Ok(_) => panic!("no error, expected {text}"),
    }
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn times_out_of_range_are_refused() {
    for (ttl, found) in
        [(Duration::from_millis(999), "999"), (Duration::from_millis(86_400_001), "86400001"), (Duration::ZERO, "0")]
    {
        let text = format!("invalid ttl_ms: found {found}, expected 1000 to 86400000");
        refused(async |client| client.reserve(Reserve::new("a", "b").estimate(tokens(1)).ttl(ttl)).await, &text).await;
    }
    let endless = Reserve::new("a", "b").estimate(tokens(1)).ttl(Duration::MAX);
    let text = format!("invalid ttl_ms: found {}, expected 1000 to 86400000", u64::MAX);
    refused(async |client| client.reserve(endless).await, &text).await;

    let grace = Reserve::new("a", "b").estimate(tokens(1)).grace_period(Duration::from_millis(60_001)).build();
    let text = "invalid grace_period_ms: found 60001, expected 0 to 60000";
    refused(async |client| client.create_reservation(&grace).await, text).await;

    for (by, found) in [(Duration::ZERO, "0"), (Duration::from_millis(86_400_001), "86400001")] {
        let text = format!("invalid extend_by_ms: found {found}, expected 1 to 86400000");
        refused(async |client| client.extend_reservation(&reservation(), &ExtendRequest::new(by)).await, &text).await;
    }
}

#[tokio::test]
async fn amounts_beyond_int64_are_refused() {
    let beyond = Amount::new(Unit::Credits, MAX_AMOUNT + 1);
    let text = |member| format!("invalid {member}: found 9223372036854775808, expected 0 to 9223372036854775807");
    let (mut reserve, mut decide, mut event) = (reserve(), decide(), event());
    (reserve.estimate, decide.estimate, event.actual) = (beyond.clone(), beyond.clone(), beyond.clone());
    refused(async |client| client.create_reservation(&reserve).await, &text("estimate")).await;
    refused(async |client| client.reserve(reserve.clone()).await, &text("estimate")).await;
    refused(async |client| client.decide(&decide).await, &text("estimate")).await;
    refused(async |client| client.create_event(&event).await, &text("actual")).await;
    let commit = CommitRequest::new(beyond);
    refused(async |client| client.commit_reservation(&reservation(), &commit).await, &text("actual")).await;
}

#[tokio::test]
async fn actions_need_a_kind_and_a_name_of_bounded_length() {
    let chars = |count| "é".repeat(count);
    let name = "a name such as llm.completion";
    for (action, text) in [
        (Action::new("", "b"), format!("invalid action.kind: found nothing, expected {name}")),
        (Action::new("a", " \t"), format!("invalid action.name: found nothing, expected {name}")),
        (Action::new(chars(65), "b"), "invalid action.kind: found 65 characters, expected 1 to 64 characters".into()),
        (
            Action::new("a", chars(257)),
            "invalid action.name: found 257 characters, expected 1 to 256 characters".into(),
        ),
        (
            (0..11).fold(Action::new("a", "b"), |action, n| action.tag(n.to_string())),
            "invalid action.tags: found 11 tags, expected at most 10".into(),
        ),
        (
            Action::new("a", "b").tag(chars(65)),
            "invalid action.tags: found 65 characters, expected 0 to 64 characters".into(),
        ),
    ] {
        let (mut reserve, mut decide, mut event) = (reserve(), decide(), event());
        (reserve.action, decide.action, event.action) = (action.clone(), action.clone(), action);
        refused(async |client| client.create_reservation(&reserve).await, &text).await;
        refused(async |client| client.decide(&decide).await, &text).await;
        refused(async |client| client.create_event(&event).await, &text).await;
    }
}

#[tokio::test]
async fn the_longest_action_is_sent() {
    let script = Script::new();
    let mut reserve = reserve();
    reserve.action =
        (0..10).fold(Action::new("é".repeat(64), "é".repeat(256)), |action, _| action.tag("é".repeat(64)));
    script.client().create_reservation(&reserve).await.unwrap();
}

#[tokio::test]
async fn scopes_are_refused_by_level_and_value_also_when_they_are_inherited() {
    let text = "invalid subject.agent: found \"jane@acme.com\", which contains '@', \
                expected 1 to 128 characters out of A-Z a-z 0-9 _ . -";
    let jane = || Scope::agent("jane@acme.com");
    let mut named = reserve();
    named.subject = jane();
    refused(async |client| client.reserve(named).await, text).await;
    refused(async |client| client.scoped(jane()).decide(&decide()).await, text).await;
    refused(async |client| client.scoped(jane()).run(async { client.create_event(&event()).await }).await, text).await;
}

#[tokio::test]
async fn measurements_and_reasons_are_bounded() {
    let metrics = |set: fn(&mut CyclesMetrics)| {
        let mut metrics = CyclesMetrics::default();
        set(&mut metrics);
        metrics
    };
    for (metrics, text) in [
        (
            metrics(|m| m.tokens_input = Some(1 << 31)),
            "invalid metrics.tokens_input: found 2147483648, expected 0 to 2147483647",
        ),
        (
            metrics(|m| m.tokens_output = Some(u64::MAX)),
            "invalid metrics.tokens_output: found 18446744073709551615, expected 0 to 2147483647",
        ),
        (
            metrics(|m| m.latency_ms = Some(1 << 31)),
            "invalid metrics.latency_ms: found 2147483648, expected 0 to 2147483647",
        ),
        (
            metrics(|m| m.model_version = Some("v".repeat(129))),
            "invalid metrics.model_version: found 129 characters, expected 0 to 128 characters",
        ),
    ] {
        let mut event = event();
        event.metrics = Some(metrics.clone());
        refused(async |client| client.create_event(&event).await, text).await;
        let commit = CommitRequest::builder().actual(tokens(1)).metrics(metrics).build();
        refused(async |client| client.commit_reservation(&reservation(), &commit).await, text).await;
    }
    let release = ReleaseRequest::new("r".repeat(257));
    let text = "invalid reason: found 257 characters, expected 0 to 256 characters";
    refused(async |client| client.release_reservation(&reservation(), &release).await, text).await;
}

#[tokio::test]
async fn pages_are_bounded_and_balances_need_a_level() {
    for limit in [0, 201] {
        let text = format!("invalid limit: found {limit}, expected 1 to 200");
        let list = ListReservationsParams::new().limit(limit);
        refused(async |client| client.list_reservations(&list).await, &text).await;
        let balances = BalanceParams::within(Scope::tenant("acme")).limit(limit);
        refused(async |client| client.get_balances(&balances).await, &text).await;
    }
    let nobody = BalanceParams::within(Subject::default().dimension("run", "1")).include_children(true);
    let text = "invalid balances: found no filter, expected at least one level, such as a tenant";
    refused(async |client| client.get_balances(&nobody).await, text).await;
}

#[tokio::test]
async fn a_guard_of_a_dry_run_is_refused() {
    let text =
        "invalid dry_run: found true, expected a live reservation; ask without holding by decide or create_reservation";
    refused(async |client| client.reserve(Reserve::new("a", "b").estimate(tokens(1)).dry_run(true)).await, text).await;
}
