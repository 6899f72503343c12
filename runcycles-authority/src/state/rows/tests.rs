use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use proptest::prelude::*;
use serde_json::json;

use super::Row;
use crate::clock::{Clock as _, ManualClock, Millis};
use crate::engine::{AddApiKey, Command, Engine};
use crate::http::{Gate, Router};
use crate::state::{Changes, RowKey, Rules, State};

/// Takes the rows that changed.
struct TakeRows;

impl Command for TakeRows {
    type Outcome = Vec<(RowKey, Option<Row>)>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let keys = state.take_changes();
        keys.into_iter().map(|key| (key.clone(), state.row(&key))).collect()
    }
}

/// Describes every row and the order in which rows come due.
struct Describe;

impl Command for Describe {
    type Outcome = String;

    fn apply(self, state: &mut State, _now: Millis) -> String {
        describe(state)
    }
}

fn describe(state: &State) -> String {
    let mut rows: Vec<_> = state.keys().map(|key| format!("{key:?} {:?}", state.row(&key))).collect();
    rows.sort_unstable();
    format!("{rows:#?}\n{:#?}\n{:?}", state.retirements, state.reservations().next_deadline())
}

const AGENTS: [&str; 3] = ["a", "b", "c"];

/// A request as its method, path and body, out of a few numbers.
fn request(kind: u8, number: u64, ids: &[String]) -> (&'static str, String, serde_json::Value) {
    let key = format!("key-{}", number % 40);
    let subject = json!({"tenant": "acme", "agent": AGENTS[(number % 3) as usize]});
    let action = json!({"kind": "k", "name": "n"});
    let amount = json!({"unit": "TOKENS", "amount": number % 50});
    let id = if ids.is_empty() {
        "none"
    } else {
        &ids[usize::try_from(number % 1_000).expect("a small number") % ids.len()]
    };
    let scope = format!("tenant%3Aacme%2Fagent%3A{}", AGENTS[(number % 3) as usize]);
    match kind {
        0..=2 => (
            "POST",
            "/v1/reservations".into(),
            json!({"idempotency_key": key, "subject": subject, "action": action, "estimate": amount,
                   "ttl_ms": 1_000 + number % 4_000, "dry_run": number.is_multiple_of(7)}),
        ),
        3 | 4 => ("POST", format!("/v1/reservations/{id}/commit"), json!({"idempotency_key": key, "actual": amount})),
        5 => ("POST", format!("/v1/reservations/{id}/release"), json!({"idempotency_key": key})),
        6 => (
            "POST",
            format!("/v1/reservations/{id}/extend"),
            json!({"idempotency_key": key, "extend_by_ms": 1 + number % 2_000}),
        ),
        7 => (
            "POST",
            "/v1/events".into(),
            json!({"idempotency_key": key, "subject": subject, "action": action, "actual": amount}),
        ),
        8 => (
            "POST",
            "/v1/decide".into(),
            json!({"idempotency_key": key, "subject": subject, "action": action, "estimate": amount}),
        ),
        9 => (
            "POST",
            format!("/v1/admin/budgets/fund?scope={scope}&unit=TOKENS&tenant_id=acme"),
            json!({"operation": "CREDIT", "amount": amount, "idempotency_key": key}),
        ),
        10 => {
            let transition = if number.is_multiple_of(2) { "freeze" } else { "unfreeze" };
            ("POST", format!("/v1/admin/budgets/{transition}?scope={scope}&unit=TOKENS"), json!({}))
        }
        11 => ("PATCH", format!("/v1/admin/budgets?scope={scope}&unit=TOKENS"), json!({"overdraft_limit": amount})),
        12 => (
            "POST",
            "/v1/admin/budgets".into(),
            json!({"tenant_id": "acme", "scope": format!("tenant:acme/app:{}", number % 9), "unit": "TOKENS",
                   "allocated": amount}),
        ),
        13 => ("POST", "/v1/admin/api-keys".into(), json!({"tenant_id": "acme", "name": key})),
        14 => (
            "POST",
            "/v1/admin/policies".into(),
            json!({"tenant_id": "acme", "name": key, "scope_pattern": "tenant:acme/*", "caps": {"max_tokens": number}}),
        ),
        _ => ("PATCH", "/v1/admin/tenants/acme".into(), json!({"name": key})),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_rows_are_all_that_a_store_needs(
        steps in prop::collection::vec((0..16_u8, any::<u64>(), 0..900_u64), 1..120),
        close_at_the_end in any::<bool>(),
    ) {
        let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
        let engine = Arc::new(Engine::new(State::new(Changes::recorded(), Rules::default()), Arc::new(clock.clone())));
        engine.execute(AddApiKey { id: "key_1".into(), key: "secret", tenant: "acme" }).expect("a tenant");
        let router = Router::new(engine.clone(), Gate::new(engine.clone(), Some("admin"), false));
        let mut mirror = State::new(Changes::default(), Rules::default());
        let mut ids = Vec::new();
        let send = |method: &str, path: &str, body: serde_json::Value| {
            let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
            let admin = path.starts_with("/v1/admin/");
            let (name, key) = if admin { ("x-admin-api-key", "admin") } else { ("x-cycles-api-key", "secret") };
            let request = request.header(name, key).body(Bytes::from(body.to_string())).expect("a valid request");
            router.handle(&request).into_body()
        };
        for agent in AGENTS {
            let body = json!({"tenant_id": "acme", "scope": format!("tenant:acme/agent:{agent}"), "unit": "TOKENS",
                              "allocated": {"unit": "TOKENS", "amount": 200}});
            send("POST", "/v1/admin/budgets", body);
        }

        let copy = |mirror: &mut State| {
            for (key, row) in engine.execute(TakeRows) {
                mirror.restore(key, row);
            }
            mirror.reach(clock.now_ms());
            assert!(describe(mirror) == engine.execute(Describe), "the mirror differs");
        };
        for (kind, number, pause) in steps {
            clock.advance(std::time::Duration::from_millis(pause));
            if number % 53 == 0 {
                clock.advance(std::time::Duration::from_secs(25 * 3_600));
            }
            let (method, path, body) = request(kind, number, &ids);
            let answer = send(method, &path, body);
            let answer: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
            ids.extend(answer["reservation_id"].as_str().map(str::to_owned));
            copy(&mut mirror);
        }
        if close_at_the_end {
            send("PATCH", "/v1/admin/tenants/acme", json!({"status": "CLOSED"}));
            copy(&mut mirror);
        }
        clock.advance(std::time::Duration::from_secs(40 * 86_400));
        for _ in 0..30 {
            engine.execute(Describe);
        }
        copy(&mut mirror);
    }
}
