//! What the canned server answers, and what a client with prebuilt bodies sends.

/// The body of a reservation against one budget.
pub(crate) const RESERVE: &str = r#"{"idempotency_key":"019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b","subject":{"tenant":"acme","agent":"bot"},"action":{"kind":"llm.completion","name":"gpt-4o"},"estimate":{"unit":"USD_MICROCENTS","amount":2000000},"ttl_ms":60000}"#;

/// The body of its commit.
pub(crate) const COMMIT: &str = r#"{"idempotency_key":"019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b","actual":{"unit":"USD_MICROCENTS","amount":1300000},"metrics":{"latency_ms":0}}"#;

/// The id in a path that was made before.
pub(crate) const ANY_ID: &str = "0a1b2c3d-4e5f-4a6b-8c7d-0000000000ff";

/// The answer to a commit.
pub(crate) const COMMITTED: &str = r#"{"status":"COMMITTED","charged":{"unit":"USD_MICROCENTS","amount":1300000},"released":{"unit":"USD_MICROCENTS","amount":700000},"balances":[{"scope":"agent:bot","scope_path":"tenant:acme/agent:bot","remaining":{"unit":"USD_MICROCENTS","amount":9000000000},"reserved":{"unit":"USD_MICROCENTS","amount":0},"spent":{"unit":"USD_MICROCENTS","amount":1000000000},"allocated":{"unit":"USD_MICROCENTS","amount":10000000000}}]}"#;

/// The answer to a release.
pub(crate) const RELEASED: &str =
    r#"{"status":"RELEASED","released":{"unit":"USD_MICROCENTS","amount":2000000},"balances":[]}"#;

/// The answer to an extension that comes too late.
pub(crate) const EXPIRED: &str =
    r#"{"error":"RESERVATION_EXPIRED","message":"the reservation has expired","request_id":"req-1"}"#;

/// The answer to a reservation.
pub(crate) fn reserved(id: &str, expires_at_ms: u64, remaining_ttl_ms: Option<u64>) -> String {
    let remaining = remaining(remaining_ttl_ms);
    format!(
        r#"{{"decision":"ALLOW","reservation_id":"{id}","affected_scopes":["tenant:acme","tenant:acme/agent:bot"],"scope_path":"tenant:acme/agent:bot","reserved":{{"unit":"USD_MICROCENTS","amount":2000000}},"expires_at_ms":{expires_at_ms}{remaining},"balances":[{{"scope":"agent:bot","scope_path":"tenant:acme/agent:bot","remaining":{{"unit":"USD_MICROCENTS","amount":9000000000}},"reserved":{{"unit":"USD_MICROCENTS","amount":2000000}},"spent":{{"unit":"USD_MICROCENTS","amount":998000000}},"allocated":{{"unit":"USD_MICROCENTS","amount":10000000000}}}}]}}"#
    )
}

/// The answer to an extension.
pub(crate) fn extended(expires_at_ms: u64, remaining_ttl_ms: Option<u64>) -> String {
    let remaining = remaining(remaining_ttl_ms);
    format!(r#"{{"status":"ACTIVE","expires_at_ms":{expires_at_ms}{remaining},"balances":[]}}"#)
}

fn remaining(ttl_ms: Option<u64>) -> String {
    ttl_ms.map_or_else(String::new, |ttl_ms| format!(r#","remaining_ttl_ms":{ttl_ms}"#))
}
