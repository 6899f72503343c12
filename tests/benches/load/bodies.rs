//! Bodies with what a client needs, and nothing more.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Serialize)]
pub(crate) struct Reserve<'a> {
    idempotency_key: String,
    subject: Subject<'a>,
    action: Action<'a>,
    estimate: Amount,
    ttl_ms: u64,
}

#[derive(Serialize)]
pub(crate) struct Subject<'a> {
    tenant: &'a str,
    agent: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Action<'a> {
    kind: &'a str,
    name: &'a str,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Amount {
    unit: Unit,
    amount: u64,
}

#[derive(Deserialize, Serialize)]
pub(crate) enum Unit {
    #[serde(rename = "USD_MICROCENTS")]
    UsdMicrocents,
}

#[derive(Serialize)]
pub(crate) struct Commit {
    idempotency_key: String,
    actual: Amount,
    metrics: Metrics,
}

#[derive(Serialize)]
pub(crate) struct Metrics {
    latency_ms: u64,
}

#[derive(Deserialize)]
#[expect(dead_code, clippy::struct_field_names, reason = "a client decodes what it hands on, by the protocol's names")]
pub(crate) struct Reserved {
    pub(crate) decision: Decision,
    pub(crate) reservation_id: String,
    affected_scopes: Vec<String>,
    expires_at_ms: u64,
    remaining_ttl_ms: Option<u64>,
    scope_path: String,
    reserved: Amount,
    balances: Vec<Balance>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Decision {
    Allow,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "a client decodes what it hands on")]
pub(crate) struct Balance {
    scope: String,
    scope_path: String,
    remaining: Amount,
    reserved: Amount,
    spent: Amount,
    allocated: Amount,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "a client decodes what it hands on")]
pub(crate) struct Committed {
    status: Status,
    charged: Amount,
    released: Amount,
    balances: Vec<Balance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Committed,
}

const fn microcents(amount: u64) -> Amount {
    Amount { unit: Unit::UsdMicrocents, amount }
}

impl Reserve<'_> {
    /// With a key of its own.
    pub(crate) fn new() -> Self {
        Self {
            idempotency_key: Uuid::now_v7().to_string(),
            subject: Subject { tenant: "acme", agent: "bot" },
            action: Action { kind: "llm.completion", name: "gpt-4o" },
            estimate: microcents(2_000_000),
            ttl_ms: 60_000,
        }
    }
}

impl Commit {
    /// With a key of its own.
    pub(crate) fn new() -> Self {
        Self {
            idempotency_key: Uuid::now_v7().to_string(),
            actual: microcents(1_300_000),
            metrics: Metrics { latency_ms: 0 },
        }
    }
}
