//! Answers as the specification writes them.

use runcycles::models::{
    Amount, Balance, BalanceResponse, Caps, CommitResponse, DecisionResponse, ErrorResponse, EventCreateResponse,
    EvidenceRef, ExtendResponse, ReleaseResponse, ReservationCreateResponse, ReservationDetail, ReservationEvidence,
    ReservationListResponse, SignedAmount, Subject, Unit,
};
use serde_json::{Value, json};

use crate::support::schema;

fn microcents(amount: i64) -> Value {
    json!({ "unit": "USD_MICROCENTS", "amount": amount })
}

fn scopes() -> Value {
    json!(["tenant:acme-corp", "tenant:acme-corp/workspace:prod"])
}

fn caps() -> Value {
    json!({
        "max_tokens": 4_000,
        "max_steps_remaining": 0,
        "tool_allowlist": ["web.search", "file.read"],
        "tool_denylist": ["shell.exec"],
        "cooldown_ms": 250,
    })
}

fn evidence() -> Value {
    let id = "0f".repeat(32);
    json!({ "evidence_id": id, "cycles_evidence_url": format!("https://cycles.example.com/v1/evidence/{id}") })
}

fn balance() -> Value {
    json!({
        "scope": "workspace:prod",
        "scope_path": "tenant:acme-corp/workspace:prod",
        "remaining": microcents(-120_000),
        "reserved": microcents(500_000),
        "spent": microcents(423_000),
        "allocated": microcents(1_000_000),
        "debt": microcents(197_000),
        "overdraft_limit": microcents(200_000),
        "is_over_limit": true,
    })
}

fn reservation() -> Value {
    json!({
        "reservation_id": "rsv_a1b2c3d4",
        "status": "COMMITTED",
        "idempotency_key": "idem_20260412_run42_step1",
        "subject": { "tenant": "acme-corp", "workspace": "prod", "dimensions": { "run": "42" } },
        "action": { "kind": "llm.completion", "name": "summarize-document", "tags": ["prod"] },
        "reserved": microcents(500_000),
        "committed": microcents(423_000),
        "created_at_ms": 1_712_956_800_000_u64,
        "expires_at_ms": 1_712_956_830_000_u64,
        "finalized_at_ms": 1_712_956_812_345_u64,
        "scope_path": "tenant:acme-corp/workspace:prod",
        "affected_scopes": scopes(),
        "metadata": { "ticket": 7 },
        "committed_metadata": { "actual_source": "estimate" },
        "evidence": { "reserve": evidence(), "commit": evidence(), "release": evidence() },
    })
}

const RESERVATION: &[&str] = &[
    "reservation_id",
    "status",
    "subject",
    "action",
    "reserved",
    "created_at_ms",
    "expires_at_ms",
    "scope_path",
    "affected_scopes",
];

#[test]
fn every_answer_is_read_and_written_as_its_schema_says() {
    schema::check::<ReservationCreateResponse>(
        &json!({
            "decision": "ALLOW_WITH_CAPS",
            "reservation_id": "rsv_a1b2c3d4",
            "reserved": microcents(500_000),
            "expires_at_ms": 1_712_956_830_000_u64,
            "remaining_ttl_ms": 600_000,
            "scope_path": "tenant:acme-corp/workspace:prod",
            "affected_scopes": scopes(),
            "caps": caps(),
            "balances": [balance()],
            "reason_code": "BUDGET_EXCEEDED",
            "retry_after_ms": 1_500,
            "cycles_evidence": evidence(),
        }),
        &["decision", "affected_scopes"],
    );
    schema::check::<CommitResponse>(
        &json!({
            "status": "COMMITTED",
            "charged": microcents(423_000),
            "released": microcents(77_000),
            "balances": [balance()],
            "cycles_evidence": evidence(),
        }),
        &["status", "charged"],
    );
    schema::check::<ReleaseResponse>(
        &json!({
            "status": "RELEASED",
            "released": microcents(500_000),
            "balances": [balance()],
            "cycles_evidence": evidence(),
        }),
        &["status", "released"],
    );
    schema::check::<ExtendResponse>(
        &json!({
            "status": "ACTIVE",
            "expires_at_ms": 1_712_956_890_000_u64,
            "remaining_ttl_ms": 60_000,
            "balances": [balance()],
        }),
        &["status", "expires_at_ms"],
    );
    schema::check::<DecisionResponse>(
        &json!({
            "decision": "DENY",
            "caps": caps(),
            "reason_code": "TENANT_CLOSED",
            "retry_after_ms": 0,
            "affected_scopes": scopes(),
            "cycles_evidence": evidence(),
        }),
        &["decision"],
    );
    schema::check::<EventCreateResponse>(
        &json!({ "status": "APPLIED", "event_id": "evt_1", "charged": microcents(5), "balances": [balance()] }),
        &["status", "event_id"],
    );
    schema::check::<ReservationDetail>(&reservation(), RESERVATION);
    schema::check::<ReservationListResponse>(
        &json!({ "reservations": [reservation()], "next_cursor": "b3BhcXVl", "has_more": true }),
        &["reservations"],
    );
    schema::check::<BalanceResponse>(
        &json!({ "balances": [balance()], "next_cursor": "b3BhcXVl", "has_more": false }),
        &["balances"],
    );
    schema::check::<ErrorResponse>(
        &json!({
            "error": "BUDGET_EXCEEDED",
            "message": "Insufficient remaining budget for scope tenant:acme-corp",
            "request_id": "req_abc123def456",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "details": { "scope": "tenant:acme-corp", "remaining": 7 },
            "cycles_evidence": evidence(),
        }),
        &["error", "message", "request_id"],
    );
}

#[test]
fn every_part_of_an_answer_is_read_and_written_as_its_schema_says() {
    schema::check::<Balance>(&balance(), &["scope", "scope_path", "remaining"]);
    schema::check::<Caps>(&caps(), &[]);
    schema::check::<EvidenceRef>(&evidence(), &["evidence_id", "cycles_evidence_url"]);
    schema::check::<ReservationEvidence>(
        &json!({ "reserve": evidence(), "commit": evidence(), "release": evidence() }),
        &[],
    );
}

#[test]
fn numbers_span_the_protocols_int64_and_no_more() {
    let amount = |number: &str| format!(r#"{{"unit":"TOKENS","amount":{number}}}"#);
    let read = |number: &str| serde_json::from_str::<Amount>(&amount(number));
    let read_signed = |number: &str| serde_json::from_str::<SignedAmount>(&amount(number));

    for number in ["0", "9223372036854775807"] {
        let value = read(number).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), amount(number));
    }
    for number in ["-9223372036854775808", "-1", "0", "9223372036854775807"] {
        let value = read_signed(number).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), amount(number));
    }
    for number in ["-1", "9223372036854775808", "18446744073709551616", "1.0", "1e3", "\"1\"", "null"] {
        assert!(read(number).is_err(), "{number}");
    }
    for number in ["-9223372036854775809", "9223372036854775808", "0.5", "\"1\"", "null"] {
        assert!(read_signed(number).is_err(), "{number}");
    }
}

#[test]
fn amounts_need_both_members_once_and_keep_units_they_do_not_know() {
    for wrong in [
        r#"{"unit":"TOKENS"}"#,
        r#"{"amount":1}"#,
        r#"{"unit":"TOKENS","amount":1,"amount":1}"#,
        r#"{"unit":"TOKENS","unit":"TOKENS","amount":1}"#,
        r#"{"unit":null,"amount":1}"#,
        r#"["TOKENS",1]"#,
        "1",
    ] {
        assert!(serde_json::from_str::<Amount>(wrong).is_err(), "{wrong}");
        assert!(serde_json::from_str::<SignedAmount>(wrong).is_err(), "{wrong}");
    }
    let text = r#"{"unit":"GPU_SECONDS","amount":3}"#;
    let amount: Amount = serde_json::from_str(text).unwrap();
    assert_eq!(amount, Amount::new(Unit::from("GPU_SECONDS"), 3));
    assert_eq!(serde_json::to_string(&amount).unwrap(), text);
    let newer: Amount = serde_json::from_str(r#"{"unit":"TOKENS","scale":2,"amount":1}"#).unwrap();
    assert_eq!(newer, Amount::tokens(1));
}

#[test]
fn subjects_and_actions_are_objects_whose_nulls_are_absent() {
    let nulls = r#"{"tenant":"acme","workspace":null,"dimensions":null}"#;
    assert_eq!(serde_json::from_str::<Subject>(nulls).unwrap(), runcycles::Scope::tenant("acme"));
    for wrong in [r#"["acme"]"#, "[]", "\"acme\"", r#"{"tenant":1}"#, r#"{"tenant":"a","tenant":"b"}"#] {
        assert!(serde_json::from_str::<Subject>(wrong).is_err(), "{wrong}");
    }
    for wrong in [r#"["llm.completion","gpt-4o"]"#, r#"{"kind":"a"}"#, r#"{"kind":"a","name":"b","tags":"c"}"#] {
        assert!(serde_json::from_str::<runcycles::models::Action>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_non_empty_allowlist_overrides_the_denylist_and_names_compare_with_case() {
    let caps = |allowed: &[&str], denied: &[&str]| -> Caps {
        serde_json::from_value(json!({ "tool_allowlist": allowed, "tool_denylist": denied })).unwrap()
    };
    for (allowed, denied, search, shell) in [
        (&[][..], &[][..], true, true),
        (&[], &["shell.exec"], true, false),
        (&["web.search"], &[], true, false),
        (&["web.search"], &["web.search"], true, false),
        (&["Web.Search", "SHELL.EXEC"], &[], false, false),
    ] {
        let caps = caps(allowed, denied);
        assert_eq!(
            (caps.is_tool_allowed("web.search"), caps.is_tool_allowed("shell.exec")),
            (search, shell),
            "{caps:?}"
        );
    }
}

#[test]
fn a_token_cap_lowers_what_is_wanted_and_never_raises_it() {
    let caps = |json: Value| serde_json::from_value::<Caps>(json).unwrap();
    for (cap, wanted, clamped) in
        [(json!({}), 800, 800), (json!({ "max_tokens": 0 }), 800, 0), (json!({ "max_tokens": 900 }), 800, 800)]
    {
        assert_eq!(caps(cap).clamp_max_tokens(wanted), clamped);
    }
}
