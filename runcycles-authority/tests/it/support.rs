//! An authority and a way to speak to it in plain JSON.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use runcycles::Transport as _;
use runcycles_authority::{Authority, AuthorityBuilder, InProcess, Ledger, ManualClock};
use serde_json::{Value, json};

/// When the clock of a test starts.
pub(crate) const START_MS: u64 = 1_763_775_000_000;

/// An authority with a clock that stands still, and a key of `acme`.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) clock: ManualClock,
    pub(crate) acme: Caller,
}

impl World {
    pub(crate) fn new(budgets: impl FnOnce(AuthorityBuilder) -> AuthorityBuilder) -> Self {
        let clock = ManualClock::at_epoch_ms(START_MS);
        let builder = Authority::builder().tenant("acme").clock(clock.clone());
        let authority = at_once(budgets(builder).start()).expect("a valid set-up");
        let acme = Caller::of(&authority, "acme");
        Self { authority, clock, acme }
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    pub(crate) fn ledger(&self, scope: &str) -> Ledger {
        self.authority.ledger(scope).expect("a budget at the scope")
    }

    /// Spent, reserved, debt, remaining, over the limit.
    pub(crate) fn figures(&self, scope: &str) -> (u64, u64, u64, i64, bool) {
        let ledger = self.ledger(scope);
        let Ledger { spent, reserved, debt, remaining, is_over_limit, .. } = ledger;
        (spent.value(), reserved.value(), debt.value(), remaining.value(), is_over_limit)
    }
}

/// Somebody with an API key.
pub(crate) struct Caller {
    transport: InProcess,
    header: &'static str,
    key: String,
}

impl Caller {
    pub(crate) fn of(authority: &Authority, tenant: &str) -> Self {
        Self::with_key(authority, &authority.api_key(tenant))
    }

    pub(crate) fn with_key(authority: &Authority, key: &str) -> Self {
        Self { transport: authority.transport(), header: "x-cycles-api-key", key: key.to_owned() }
    }

    /// Somebody with the admin key.
    pub(crate) fn operator(authority: &Authority, key: &str) -> Self {
        Self { header: "x-admin-api-key", ..Self::with_key(authority, key) }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(self.request("GET", path).body(Bytes::new()).expect("a valid request"))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_text(path, &body.to_string())
    }

    pub(crate) fn post_text(&self, path: &str, body: &str) -> Reply {
        self.send_text("POST", path, body)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send_text("PATCH", path, &body.to_string())
    }

    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.send(self.request("DELETE", path).body(Bytes::new()).expect("a valid request"))
    }

    fn send_text(&self, method: &str, path: &str, body: &str) -> Reply {
        let request = self.request(method, path).header("content-type", "application/json");
        self.send(request.body(Bytes::copy_from_slice(body.as_bytes())).expect("a valid request"))
    }

    /// A request with this caller's key.
    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let builder = Request::builder().method(method).uri(format!("http://in-process{path}"));
        if self.key.is_empty() { builder } else { builder.header(self.header, &self.key) }
    }

    pub(crate) fn send(&self, request: Request<Bytes>) -> Reply {
        let response = at_once(self.transport.call(request)).expect("the transport always answers");
        let (head, body) = response.into_parts();
        let body = serde_json::from_slice(&body).expect("every body is JSON");
        Reply { status: head.status, headers: head.headers, body }
    }

    pub(crate) fn reserve(&self, body: &Value) -> Reply {
        self.post("/v1/reservations", body)
    }

    pub(crate) fn commit(&self, id: &str, actual: u64) -> Reply {
        self.post(&format!("/v1/reservations/{id}/commit"), &commit(actual))
    }

    pub(crate) fn release(&self, id: &str) -> Reply {
        self.post(&format!("/v1/reservations/{id}/release"), &json!({"idempotency_key": fresh_key()}))
    }

    pub(crate) fn extend(&self, id: &str, by_ms: u64) -> Reply {
        let body = json!({"idempotency_key": fresh_key(), "extend_by_ms": by_ms});
        self.post(&format!("/v1/reservations/{id}/extend"), &body)
    }

    /// Holds an amount, and returns the reservation's id.
    pub(crate) fn held(&self, body: &Value) -> String {
        self.reserve(body).ok()["reservation_id"].as_str().expect("a reservation id").to_owned()
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "expected a success, found {} {}", self.status, self.body);
        self.body
    }

    /// The status and code of a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["error"].as_str().expect("an error code"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of text"))
    }
}

/// The outcome of a future that does not wait.
#[track_caller]
pub(crate) fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("expected an outcome at once"),
    }
}

pub(crate) fn fresh_key() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("key-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn tokens(amount: u64) -> Value {
    json!({"unit": "TOKENS", "amount": amount})
}

/// A reservation of tokens by agent `bot` of `acme`.
pub(crate) fn hold(estimate: u64) -> Value {
    json!({
        "idempotency_key": fresh_key(),
        "subject": {"tenant": "acme", "agent": "bot"},
        "action": {"kind": "llm.completion", "name": "gpt-4o"},
        "estimate": tokens(estimate),
    })
}

/// An event of tokens by agent `bot` of `acme`.
pub(crate) fn spend(actual: u64) -> Value {
    json!({
        "idempotency_key": fresh_key(),
        "subject": {"tenant": "acme", "agent": "bot"},
        "action": {"kind": "llm.completion", "name": "gpt-4o"},
        "actual": tokens(actual),
    })
}

pub(crate) fn commit(actual: u64) -> Value {
    json!({"idempotency_key": fresh_key(), "actual": tokens(actual)})
}

/// A body with members set, or removed where they are `null`.
pub(crate) fn with(mut body: Value, members: Value) -> Value {
    let Value::Object(members) = members else { panic!("expected members in an object") };
    let object = body.as_object_mut().expect("an object");
    for (name, value) in members {
        if value.is_null() {
            object.remove(&name);
        } else {
            object.insert(name, value);
        }
    }
    body
}
