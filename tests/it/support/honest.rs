//! An authority that allows everything and remembers only keys.

use std::collections::HashMap;
use std::sync::Mutex;

use bytes::Bytes;
use runcycles::{BoxFuture, Transport, TransportError};
use serde_json::{Value, json};

use super::sent::{Route, Sent};

/// When all its reservations begin, in milliseconds since 1970.
const NOW_MS: u64 = 1_763_775_000_000;

/// Allows everything. A key that comes again gets the same reservation.
#[derive(Default)]
pub(crate) struct Honest {
    reservations: Mutex<HashMap<String, usize>>,
}

impl Honest {
    fn answer(&self, sent: &Sent) -> (u16, Value) {
        match sent.route {
            Route::Reserve => (200, self.reserve(sent)),
            Route::Commit => (200, json!({ "status": "COMMITTED", "charged": sent.json()["actual"] })),
            Route::Release => (200, json!({ "status": "RELEASED", "released": { "unit": "TOKENS", "amount": 10 } })),
            Route::Extend => {
                let by = sent.json()["extend_by_ms"].as_u64().expect("how long");
                (200, json!({ "status": "ACTIVE", "expires_at_ms": NOW_MS + by, "remaining_ttl_ms": by }))
            }
            Route::Event => (201, json!({ "status": "APPLIED", "event_id": "evt_1" })),
            Route::Decide => (200, json!({ "decision": "ALLOW" })),
            Route::List => (200, json!({ "reservations": [] })),
            Route::Balances => (200, json!({ "balances": [] })),
            Route::ActionKinds => (200, json!({ "version": "1.0.0", "kinds": [] })),
            Route::ActionKind => (200, json!({ "kind": "llm.completion", "risk_class": "side_effect" })),
            Route::KeySet => (200, json!({ "keys": [] })),
            Route::Get | Route::Evidence => {
                (404, json!({ "error": "NOT_FOUND", "message": "not here", "request_id": "req_1" }))
            }
        }
    }

    fn reserve(&self, sent: &Sent) -> Value {
        let request = sent.json();
        let mut known = self.reservations.lock().expect("no panic in between");
        let fresh = known.len() + 1;
        let number = *known.entry(sent.key()).or_insert(fresh);
        let ttl_ms = request["ttl_ms"].as_u64().unwrap_or(60_000);
        json!({
            "decision": "ALLOW",
            "reservation_id": format!("rsv_{number}"),
            "reserved": request["estimate"],
            "expires_at_ms": NOW_MS + ttl_ms,
            "remaining_ttl_ms": ttl_ms,
            "affected_scopes": ["tenant:acme"],
        })
    }
}

impl Transport for Honest {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let (status, body) = self.answer(&Sent::new(&request));
        let answer = http::Response::builder().status(status).body(Bytes::from(body.to_string()));
        Box::pin(async move { Ok(answer.expect("a valid answer")) })
    }
}
