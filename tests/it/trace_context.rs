//! The trace that requests belong to.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use runcycles::{CyclesClient, Reserve, TraceContext, carry, tokens};
use runcycles_authority::Authority;

use crate::support::operations::decide;
use crate::support::reply::timeout;
use crate::support::script::Script;
use crate::support::sent::{Route, Sent};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn trace() -> TraceContext {
    TraceContext::parse(PARENT).unwrap().with_tracestate("vendor=1")
}

fn trace_of(sent: &Sent) -> Option<(&str, &str, Option<&str>)> {
    let header = |name: &str| sent.headers.get(name).map(|value| value.to_str().unwrap());
    Some((header("traceparent")?, header("x-cycles-trace-id")?, header("tracestate")))
}

#[test]
fn a_traceparent_is_read_as_w3c_writes_it() {
    assert_eq!(trace().trace_id(), ID);
    assert_eq!(trace().traceparent(), PARENT);
    let later = PARENT.replacen("00", "cc", 1) + "-what-will-be";
    assert_eq!(
        TraceContext::parse(&later).unwrap().traceparent(),
        PARENT,
        "a later version, by what all versions have"
    );
    for wrong in [
        "",
        &PARENT[..54],
        &PARENT.replacen("00", "ff", 1),
        &PARENT.to_uppercase(),
        &PARENT.replace(ID, &"0".repeat(32)),
        &PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
        &(PARENT.to_owned() + "-more"),
        &PARENT.replace('-', "_"),
        "00-4bf92f3577b34da6a3ce929d0e0e473ü-00f067aa0ba902b-01",
    ] {
        assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
    }
    assert_ne!(TraceContext::random().trace_id(), TraceContext::random().trace_id());
}

#[test]
fn the_trace_of_an_incoming_request_is_that_of_its_traceparent_or_else_of_its_trace_id() {
    let mut headers = HeaderMap::new();
    assert_eq!(TraceContext::from_headers(&headers), None);
    headers.insert("x-cycles-trace-id", HeaderValue::from_static("0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(TraceContext::from_headers(&headers).unwrap().trace_id(), "0af7651916cd43dd8448eb211c80319c");
    headers.insert("traceparent", HeaderValue::from_static(PARENT));
    headers.insert("tracestate", HeaderValue::from_static("vendor=1"));
    assert_eq!(TraceContext::from_headers(&headers), Some(trace()));
    headers.insert("traceparent", HeaderValue::from_static("00-broken"));
    assert_eq!(TraceContext::from_headers(&headers).unwrap().trace_id(), "0af7651916cd43dd8448eb211c80319c");
}

#[tokio::test]
async fn requests_carry_the_ambient_trace_or_else_the_hooks_and_none_by_default() {
    let script = Script::new();
    script.client().decide(&decide()).await.unwrap();
    assert_eq!(trace_of(&script.sent()[0]), None);
    let hooked = script.builder().trace_context(|| Some(trace())).build();
    hooked.decide(&decide()).await.unwrap();
    assert_eq!(trace_of(&script.sent()[1]), Some((PARENT, ID, Some("vendor=1"))));
    let other = TraceContext::random();
    other.clone().scope(async { hooked.decide(&decide()).await }).await.unwrap();
    assert_eq!(trace_of(&script.sent()[2]).unwrap().1, other.trace_id());
}

#[tokio::test(start_paused = true)]
async fn everything_about_a_reservation_belongs_to_the_trace_that_it_was_made_in() {
    let script = Script::new();
    let client = script.client();
    let guard = trace().scope(client.reserve(Reserve::new("a", "b").estimate(tokens(1)))).await.unwrap();
    script.wait_for(Route::Extend, 1).await;
    script.next(Route::Commit, [timeout(), timeout()]);
    drop(guard.commit(tokens(1)).await);
    client.flush(Duration::from_secs(60)).await;
    assert!(script.of(Route::Commit).len() >= 3, "in the background too");
    for sent in script.sent() {
        assert_eq!(trace_of(&sent), Some((PARENT, ID, Some("vendor=1"))), "{sent:?}");
    }
}

#[tokio::test]
async fn a_task_carries_the_trace_along_where_it_is_told_to() {
    let script = Script::new();
    let ask = |client: CyclesClient| async move { client.decide(&decide()).await.map(drop) };
    let task = async { tokio::spawn(carry(ask(script.client()))).await.unwrap() };
    trace().scope(task).await.unwrap();
    assert_eq!(trace_of(&script.only()).unwrap().1, ID);
}

#[tokio::test]
async fn the_authority_continues_the_callers_trace() {
    let authority = Authority::builder().budget("tenant:acme", tokens(10)).start().await.unwrap();
    let client = authority.client("acme");
    let answer = trace().scope(async { client.decide(&decide()).with_metadata().await }).await.unwrap();
    assert_eq!(answer.metadata.trace_id(), Some(ID));
    let denied = trace().scope(client.reserve(Reserve::new("a", "b").estimate(tokens(11)))).await.unwrap_err();
    assert_eq!(denied.trace_id(), Some(ID));
}
