//! Payloads, one shape for each kind of artifact.

use super::super::tree::Tree;
use super::Flaw;
use super::rules::{check_caps, check_error, check_reserve, check_subject};
use super::shape::{Field, INT64, Shape};

const TEXT: Shape = Shape::Text { most: usize::MAX };
const COUNT: Shape = Shape::Whole { least: 0.0, most: INT64 };
const NAME: Shape = Shape::Text { most: 128 };
const UNIT: Shape = Shape::Word(&["USD_MICROCENTS", "TOKENS", "CREDITS", "RISK_POINTS"]);
const DECISION: Shape = Shape::Word(&["ALLOW", "ALLOW_WITH_CAPS", "DENY"]);
const TOOLS: Shape = Shape::List { of: &Shape::Text { most: 256 }, most: usize::MAX };
const SCOPES: Shape = Shape::List { of: &TEXT, most: usize::MAX };
const AMOUNT: Shape = Shape::Object(&[Field::required("unit", UNIT), Field::required("amount", COUNT)]);
const SIGNED_AMOUNT: Shape = Shape::Object(&[
    Field::required("unit", UNIT),
    Field::required("amount", Shape::Whole { least: -INT64, most: INT64 }),
]);

const SUBJECT: Shape = Shape::Object(&[
    Field::optional("tenant", NAME),
    Field::optional("workspace", NAME),
    Field::optional("app", NAME),
    Field::optional("workflow", NAME),
    Field::optional("agent", NAME),
    Field::optional("toolset", NAME),
    Field::optional("dimensions", Shape::Texts { most: 16, longest: 256 }),
]);

const ACTION: Shape = Shape::Object(&[
    Field::required("kind", Shape::Text { most: 64 }),
    Field::required("name", Shape::Text { most: 256 }),
    Field::optional("tags", Shape::List { of: &Shape::Text { most: 64 }, most: 10 }),
]);

const CAPS: Shape = Shape::Object(&[
    Field::optional("max_tokens", COUNT),
    Field::optional("max_steps_remaining", COUNT),
    Field::optional("tool_allowlist", TOOLS),
    Field::optional("tool_denylist", TOOLS),
    Field::optional("cooldown_ms", COUNT),
]);

const BALANCES: Shape = Shape::List {
    of: &Shape::Object(&[
        Field::required("scope", TEXT),
        Field::required("scope_path", TEXT),
        Field::required("remaining", SIGNED_AMOUNT),
        Field::optional("reserved", AMOUNT),
        Field::optional("spent", AMOUNT),
        Field::optional("allocated", AMOUNT),
        Field::optional("debt", AMOUNT),
        Field::optional("overdraft_limit", AMOUNT),
        Field::optional("is_over_limit", Shape::Flag),
    ]),
    most: usize::MAX,
};

const DECIDE_REQUEST: Shape = Shape::Object(&[
    Field::required("idempotency_key", Shape::Key),
    Field::required("subject", SUBJECT),
    Field::required("action", ACTION),
    Field::required("estimate", AMOUNT),
    Field::optional("metadata", Shape::Open),
]);

const DECIDE_RESPONSE: Shape = Shape::Object(&[
    Field::required("decision", DECISION),
    Field::optional("caps", CAPS),
    Field::optional("reason_code", NAME),
    Field::optional("retry_after_ms", COUNT),
    Field::optional("affected_scopes", SCOPES),
]);

const RESERVE_REQUEST: Shape = Shape::Object(&[
    Field::required("idempotency_key", Shape::Key),
    Field::required("subject", SUBJECT),
    Field::required("action", ACTION),
    Field::required("estimate", AMOUNT),
    Field::optional("ttl_ms", Shape::Whole { least: 1_000.0, most: 86_400_000.0 }),
    Field::optional("grace_period_ms", Shape::Whole { least: 0.0, most: 60_000.0 }),
    Field::optional("overage_policy", Shape::Word(&["REJECT", "ALLOW_IF_AVAILABLE", "ALLOW_WITH_OVERDRAFT"])),
    Field::optional("dry_run", Shape::Flag),
    Field::optional("metadata", Shape::Open),
]);

const RESERVE_RESPONSE: Shape = Shape::Object(&[
    Field::required("decision", DECISION),
    Field::required("affected_scopes", SCOPES),
    Field::optional("reservation_id", TEXT),
    Field::optional("reserved", AMOUNT),
    Field::optional("caps", CAPS),
    Field::optional("reason_code", NAME),
    Field::optional("retry_after_ms", COUNT),
    Field::optional("expires_at_ms", COUNT),
    Field::optional("scope_path", TEXT),
    Field::optional("balances", BALANCES),
]);

const COMMIT_REQUEST: Shape = Shape::Object(&[
    Field::required("idempotency_key", Shape::Key),
    Field::required("actual", AMOUNT),
    Field::optional("metrics", METRICS),
    Field::optional("metadata", Shape::Open),
]);

const METRICS: Shape = Shape::Object(&[
    Field::optional("tokens_input", COUNT),
    Field::optional("tokens_output", COUNT),
    Field::optional("latency_ms", COUNT),
    Field::optional("model_version", NAME),
    Field::optional("custom", Shape::Open),
]);

const COMMIT_RESPONSE: Shape = Shape::Object(&[
    Field::required("status", Shape::Word(&["COMMITTED"])),
    Field::required("charged", AMOUNT),
    Field::optional("released", AMOUNT),
    Field::optional("balances", BALANCES),
]);

const RELEASE_REQUEST: Shape = Shape::Object(&[
    Field::required("idempotency_key", Shape::Key),
    Field::optional("reason", Shape::Text { most: 256 }),
]);

const RELEASE_RESPONSE: Shape = Shape::Object(&[
    Field::required("status", Shape::Word(&["RELEASED"])),
    Field::required("released", AMOUNT),
    Field::optional("balances", BALANCES),
]);

const ERROR_RESPONSE: Shape = Shape::Object(&[
    Field::required("error", Shape::Word(ERROR_CODES)),
    Field::required("message", TEXT),
    Field::required("request_id", TEXT),
    Field::optional("trace_id", Shape::Hex { digits: 32 }),
    Field::optional("details", Shape::Open),
]);

/// The codes that evidence may attest: those of the runtime plane, without the three that came later.
const ERROR_CODES: &[&str] = &[
    "INVALID_REQUEST",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "NOT_FOUND",
    "BUDGET_EXCEEDED",
    "BUDGET_FROZEN",
    "BUDGET_CLOSED",
    "RESERVATION_EXPIRED",
    "RESERVATION_FINALIZED",
    "IDEMPOTENCY_MISMATCH",
    "UNIT_MISMATCH",
    "OVERDRAFT_LIMIT_EXCEEDED",
    "DEBT_OUTSTANDING",
    "MAX_EXTENSIONS_EXCEEDED",
    "LIMIT_EXCEEDED",
    "TENANT_CLOSED",
    "INTERNAL_ERROR",
];

const COMMIT: &str = "POST /v1/reservations/{reservation_id}/commit";
const RELEASE: &str = "POST /v1/reservations/{reservation_id}/release";

const DECIDED: &[Field] = &[Field::required("request", DECIDE_REQUEST), Field::required("response", DECIDE_RESPONSE)];
const RESERVED: &[Field] =
    &[Field::required("request", RESERVE_REQUEST), Field::required("response", RESERVE_RESPONSE)];
const COMMITTED: &[Field] = &[
    Field::required("reservation_id", TEXT),
    Field::required("request", COMMIT_REQUEST),
    Field::required("response", COMMIT_RESPONSE),
];
const RELEASED: &[Field] = &[
    Field::required("reservation_id", TEXT),
    Field::required("request", RELEASE_REQUEST),
    Field::required("response", RELEASE_RESPONSE),
];
const REFUSED: &[Field] = &[
    Field::required("endpoint", Shape::Word(&["POST /v1/decide", "POST /v1/reservations", COMMIT, RELEASE])),
    Field::required("http_status", Shape::Whole { least: 400.0, most: 599.0 }),
    Field::required("response", ERROR_RESPONSE),
    Field::optional("request", Shape::Open),
    Field::optional("reservation_id", TEXT),
];

/// Checks what stands in a payload of a kind.
pub(super) fn check(artifact: &str, body: &Tree) -> Result<(), Flaw> {
    let part = |name: &str| body.get(name).unwrap_or(&Tree::Null);
    match artifact {
        "decide" => {
            Shape::Object(DECIDED).check(body)?;
            check_subject(part("request"))?;
            check_caps(part("response"))
        }
        "reserve" => {
            Shape::Object(RESERVED).check(body)?;
            check_subject(part("request"))?;
            check_caps(part("response"))?;
            check_reserve(part("request"), part("response"))
        }
        "commit" => Shape::Object(COMMITTED).check(body),
        "release" => Shape::Object(RELEASED).check(body),
        _ => {
            Shape::Object(REFUSED).check(body)?;
            check_refused_request(part("endpoint").text().unwrap_or_default(), body.get("request"))?;
            check_error(body)
        }
    }
}

/// Checks the request of a refusal, which is that of the operation refused.
fn check_refused_request(endpoint: &str, request: Option<&Tree>) -> Result<(), Flaw> {
    let Some(request) = request else { return Ok(()) };
    let shape = match endpoint {
        "POST /v1/decide" => &DECIDE_REQUEST,
        "POST /v1/reservations" => &RESERVE_REQUEST,
        COMMIT => &COMMIT_REQUEST,
        _ => &RELEASE_REQUEST,
    };
    shape.check(request).map_err(|flaw| flaw.within("request"))?;
    if matches!(endpoint, COMMIT | RELEASE) { Ok(()) } else { check_subject(request) }
}
