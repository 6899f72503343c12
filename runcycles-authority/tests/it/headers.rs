//! What every answer carries, and who may ask.

use bytes::Bytes;
use runcycles::tokens;
use serde_json::json;

use crate::support::{Caller, Reply, World, hold};

const BOT: &str = "tenant:acme/agent:bot";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn on_bot() -> World {
    World::new(|builder| builder.budget(BOT, tokens(10)))
}

fn get_with(world: &World, headers: &[(&str, &str)]) -> Reply {
    let request = world.acme.request("GET", "/v1/balances?agent=bot");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    world.acme.send(request.body(Bytes::new()).expect("a valid request"))
}

#[test]
fn a_call_without_a_known_key_is_refused_before_anything_else() {
    let world = on_bot();
    for (key, message) in [("", "Missing API key"), ("nobody", "KEY_NOT_FOUND")] {
        let stranger = Caller::with_key(&world.authority, key);
        for path in ["/v1/balances?agent=bot", "/v1/nowhere", "/v1/reservations?limit=abc"] {
            let reply = stranger.get(path);
            assert_eq!(reply.refusal(), (401, "UNAUTHORIZED"));
            assert_eq!(reply.body["message"], message);
            assert_eq!(reply.header("x-cycles-tenant"), None);
        }
    }
}

#[test]
fn a_wrong_secret_of_a_known_key_is_told_apart() {
    let world = World::new(|builder| builder.api_key("cyc_live_0123456789", "acme"));
    Caller::with_key(&world.authority, "cyc_live_0123456789").get("/v1/reservations").ok();

    let reply = Caller::with_key(&world.authority, "cyc_live_01234xxxxx").get("/v1/reservations");

    assert_eq!(reply.refusal(), (401, "UNAUTHORIZED"));
    assert_eq!(reply.body["message"], "INVALID_KEY");
}

#[test]
fn every_answer_has_its_ids_and_errors_repeat_them() {
    let world = on_bot();
    for reply in [
        world.acme.reserve(&hold(1)),
        world.acme.reserve(&hold(100)),
        world.acme.get("/v1/reservations/none"),
        Caller::with_key(&world.authority, "nobody").get("/v1/balances"),
    ] {
        let request_id = reply.header("x-request-id").expect("a request id");
        let trace_id = reply.header("x-cycles-trace-id").expect("a trace id");
        assert_eq!(request_id.len(), 36);
        assert!(trace_id.len() == 32 && trace_id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{trace_id}");
        assert_eq!(reply.header("x-ratelimit-remaining"), Some("-1"));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        if !reply.status.is_success() {
            assert_eq!(reply.body["request_id"], request_id);
            assert_eq!(reply.body["trace_id"], trace_id);
        }
    }
}

#[test]
fn the_tenant_is_named_on_errors_too() {
    let world = on_bot();

    for reply in [world.acme.reserve(&hold(1)), world.acme.reserve(&hold(100)), world.acme.get("/v1/nowhere")] {
        assert_eq!(reply.header("x-cycles-tenant"), Some("acme"));
    }
}

#[test]
fn a_trace_is_continued_from_whichever_header_is_valid() {
    let world = on_bot();
    let parent = |trace: &str| format!("00-{trace}-00f067aa0ba902b7-01");
    let trace_of = |headers: &[(&str, &str)]| {
        let reply = get_with(&world, headers);
        assert_eq!(reply.status, 200);
        reply.header("x-cycles-trace-id").expect("a trace id").to_owned()
    };

    assert_eq!(trace_of(&[("traceparent", &parent(TRACE))]), TRACE);
    assert_eq!(trace_of(&[("traceparent", &parent(&TRACE.to_uppercase()))]), TRACE);
    assert_eq!(trace_of(&[("x-cycles-trace-id", TRACE)]), TRACE);
    assert_eq!(trace_of(&[("traceparent", &parent(TRACE)), ("x-cycles-trace-id", OTHER_TRACE)]), TRACE);
    assert_eq!(trace_of(&[("traceparent", "00-nonsense"), ("x-cycles-trace-id", OTHER_TRACE)]), OTHER_TRACE);
}

#[test]
fn a_malformed_trace_is_replaced_by_a_fresh_one() {
    let world = on_bot();
    let zeros = "0".repeat(32);
    let mut seen = std::collections::HashSet::new();
    for header in [
        format!("00-{zeros}-00f067aa0ba902b7-01"),
        format!("00-{TRACE}-0000000000000000-01"),
        format!("ff-{TRACE}-00f067aa0ba902b7-01"),
        format!("00-{TRACE}-00f067aa0ba902b7-01-extra"),
        String::new(),
    ] {
        let reply = get_with(&world, &[("traceparent", &header), ("x-cycles-trace-id", &zeros)]);
        let trace = reply.header("x-cycles-trace-id").expect("a trace id").to_owned();
        assert!(trace != TRACE && trace != zeros);
        assert!(seen.insert(trace));
    }
}

#[test]
fn a_request_id_from_outside_is_not_taken_over() {
    let reply = get_with(&on_bot(), &[("x-request-id", "foo")]);

    assert_ne!(reply.header("x-request-id"), Some("foo"));
}

#[test]
fn the_key_header_must_repeat_the_bodys_key() {
    let world = on_bot();
    let body = hold(1);
    let post = |key: &str| {
        let request = world.acme.request("POST", "/v1/reservations").header("content-type", "application/json");
        let request = request.header("x-idempotency-key", key);
        world.acme.send(request.body(body.to_string().into()).expect("a valid request"))
    };

    assert_eq!(post("another").refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(post(body["idempotency_key"].as_str().expect("a key")).status, 200);
}

#[test]
fn routes_methods_and_media_types_are_told_apart() {
    let world = on_bot();
    let send = |method: &str, path: &str, media_type: &str| {
        let request = world.acme.request(method, path).header("content-type", media_type);
        world.acme.send(request.body(hold(1).to_string().into()).expect("a valid request"))
    };

    for path in ["/", "/v1", "/v1/", "/v2/decide", "/v1/reservations/", "/v1/reservations/x/undo", "/v1/decide/x"] {
        assert_eq!(world.acme.get(path).refusal(), (404, "NOT_FOUND"), "{path}");
    }
    for (method, path, allow) in [
        ("PUT", "/v1/reservations", "GET, POST"),
        ("DELETE", "/v1/reservations/x", "GET"),
        ("GET", "/v1/reservations/x/commit", "POST"),
        ("POST", "/v1/balances", "GET"),
        ("GET", "/v1/decide", "POST"),
    ] {
        let reply = send(method, path, "application/json");
        assert_eq!(reply.refusal(), (405, "INVALID_REQUEST"), "{method} {path}");
        assert_eq!(reply.header("allow"), Some(allow));
    }
    // The same path reads the events of the other plane, for keys that may.
    assert_eq!(world.acme.get("/v1/events").refusal(), (403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(send("POST", "/v1/reservations", "text/plain").refusal(), (415, "INVALID_REQUEST"));
    assert_eq!(send("POST", "/v1/reservations", "application/json; charset=utf-8").status, 200);
}

#[test]
fn an_error_is_complete() {
    let world = on_bot();

    let body = world.acme.reserve(&json!({})).body;

    for member in ["error", "message", "request_id", "trace_id"] {
        assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
    }
}
