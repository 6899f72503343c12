//! Documents that are no evidence are refused, each with its place and its reason.

use runcycles::evidence::{Artifact, Envelope, EvidenceError, EvidenceSigner};
use runcycles::models::{CommitRequest, CommitResponse, CommitStatus, EvidenceRef, IdempotencyKey};
use runcycles::tokens;
use serde_json::{Value, json};

const SERVER: &str = "https://cycles.example.com/v1";
const AT: u64 = 1_810_000_000_000;

fn signer() -> EvidenceSigner {
    EvidenceSigner::from_seed([7; 32], SERVER)
}

fn amount(amount: impl Into<Value>) -> Value {
    json!({ "unit": "TOKENS", "amount": amount.into() })
}

fn reserve() -> Value {
    json!({
        "request": {
            "idempotency_key": "key_1",
            "subject": { "tenant": "acme", "dimensions": { "run": "7" } },
            "action": { "kind": "llm.completion", "name": "gpt-4o", "tags": ["a"] },
            "estimate": amount(10),
            "ttl_ms": 60_000,
        },
        "response": {
            "decision": "ALLOW",
            "reservation_id": "rsv_1",
            "affected_scopes": ["tenant:acme"],
            "balances": [{ "scope": "tenant:acme", "scope_path": "tenant:acme", "remaining": amount(-5) }],
        },
    })
}

fn dry_run() -> Value {
    let mut body = reserve();
    body["request"]["dry_run"] = json!(true);
    body["response"] =
        json!({ "decision": "DENY", "affected_scopes": ["tenant:acme"], "reason_code": "BUDGET_EXCEEDED" });
    body
}

fn commit() -> Value {
    json!({
        "reservation_id": "rsv_1",
        "request": { "idempotency_key": "key_2", "actual": amount(7) },
        "response": { "status": "COMMITTED", "charged": amount(7), "released": amount(3) },
    })
}

fn refusal(endpoint: &str) -> Value {
    json!({
        "endpoint": endpoint,
        "http_status": 409,
        "response": { "error": "BUDGET_EXCEEDED", "message": "no", "request_id": "req_1", "details": { "any": [1] } },
    })
}

/// The place at which a body is refused; panics where it is not.
fn flaw(artifact: Artifact, body: &Value) -> String {
    match signer().draft(artifact, AT, None, body).map(|draft| signer().sign(&draft)) {
        Err(EvidenceError::Malformed { path, .. }) => path,
        other => panic!("{body}: {other:?}"),
    }
}

/// A body with a member set, by a pointer.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

fn without(mut body: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    body
}

#[test]
fn sound_bodies_become_envelopes_that_are_read_back() {
    let commits = "POST /v1/reservations/{reservation_id}/commit";
    for (artifact, body) in [
        (Artifact::Reserve, reserve()),
        (Artifact::Reserve, dry_run()),
        (Artifact::Commit, commit()),
        (Artifact::Error, refusal("POST /v1/decide")),
        (Artifact::Error, with(refusal(commits), "/reservation_id", json!("rsv_1"))),
        (Artifact::Commit, with(commit(), "/request/metadata", json!({ "ü\u{1f600}": [null, 1e-7, { "deep": {} }] }))),
    ] {
        let draft =
            signer().draft(artifact, AT, Some(&"0a".repeat(16)), &body).unwrap_or_else(|e| panic!("{body}: {e:?}"));
        let envelope = Envelope::parse(signer().sign(&draft).as_bytes()).unwrap();
        assert_eq!((envelope.artifact(), envelope.evidence_id()), (artifact, draft.evidence_id()));
        assert_eq!(serde_json::from_str::<Value>(&envelope.response()).unwrap(), body["response"]);
    }
}

#[test]
fn members_that_envelopes_do_not_have_are_refused_wherever_they_stand() {
    for (artifact, body, pointer) in [
        (Artifact::Reserve, reserve(), "/extra"),
        (Artifact::Reserve, reserve(), "/request/extra"),
        (Artifact::Reserve, reserve(), "/request/subject/user"),
        (Artifact::Reserve, reserve(), "/request/action/policy_keys"),
        (Artifact::Reserve, reserve(), "/request/observe_mode"),
        (Artifact::Reserve, reserve(), "/request/estimate/currency"),
        (Artifact::Reserve, reserve(), "/response/cycles_evidence"),
        (Artifact::Reserve, reserve(), "/response/remaining_ttl_ms"),
        (Artifact::Reserve, reserve(), "/response/deny_detail"),
        (Artifact::Reserve, reserve(), "/response/balances/0/extra"),
        (Artifact::Commit, commit(), "/request/reservation_id"),
        (Artifact::Error, refusal("POST /v1/decide"), "/response/cycles_evidence"),
    ] {
        let expected = format!("payload.{}{}", artifact.as_str(), pointer.replace('/', ".").replace(".0.", ".[0]."));
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut body = body;
        let object = if parent.is_empty() { &mut body } else { body.pointer_mut(parent).unwrap() };
        object[name] = json!("x");
        assert_eq!(flaw(artifact, &body), expected);
    }
}

#[test]
fn what_members_say_of_each_other_is_checked() {
    let caps = json!({ "max_tokens": 5 });
    for (artifact, body, place) in [
        (Artifact::Reserve, with(reserve(), "/response/decision", json!("DENY")), "response.decision"),
        (Artifact::Reserve, without(reserve(), "/response/reservation_id"), "response.reservation_id"),
        (Artifact::Reserve, with(dry_run(), "/response/reservation_id", json!("rsv_1")), "response.reservation_id"),
        (Artifact::Reserve, with(dry_run(), "/response/expires_at_ms", json!(1)), "response.expires_at_ms"),
        (Artifact::Reserve, with(reserve(), "/response/caps", caps), "response.caps"),
        (Artifact::Reserve, with(reserve(), "/response/decision", json!("ALLOW_WITH_CAPS")), "response.caps"),
        (Artifact::Reserve, with(reserve(), "/request/subject", json!({ "dimensions": {} })), "request.subject"),
        (Artifact::Reserve, with(reserve(), "/request/dry_run", json!("true")), "request.dry_run"),
        (Artifact::Commit, without(commit(), "/reservation_id"), "reservation_id"),
        (Artifact::Error, refusal("POST /v1/reservations/{reservation_id}/release"), "reservation_id"),
        (Artifact::Error, with(refusal("POST /v1/decide"), "/request", commit()["request"].clone()), "request.actual"),
    ] {
        assert_eq!(flaw(artifact, &body), format!("payload.{}.{place}", artifact.as_str()), "{body}");
    }
    let reservation =
        with(refusal("POST /v1/decide"), "/request", without(reserve(), "/request/ttl_ms")["request"].clone());
    signer().draft(Artifact::Error, AT, None, &reservation).unwrap();
    let named = json!({ "endpoint": "POST /v1/decide", "http_status": 409, "reservation_id": "rsv_1",
        "response": refusal("POST /v1/decide")["response"] });
    assert_eq!(flaw(Artifact::Error, &named), "payload.error.reservation_id");
}

#[test]
fn values_beyond_their_ranges_are_refused() {
    for (pointer, value) in [
        ("/request/estimate/amount", json!(-1)),
        ("/request/estimate/amount", json!(1.5)),
        ("/request/estimate/amount", json!("10")),
        ("/request/estimate/amount", json!(u64::MAX)),
        ("/request/estimate/unit", json!("EUR")),
        ("/request/ttl_ms", json!(999)),
        ("/request/idempotency_key", json!("")),
        ("/request/idempotency_key", json!("k".repeat(257))),
        ("/request/subject/tenant", json!("t".repeat(129))),
        ("/request/action/tags", json!(vec!["t"; 11])),
        ("/request/metadata", json!([])),
        ("/response/decision", json!("MAYBE")),
        ("/response/affected_scopes", Value::Null),
        ("/response/balances", json!({})),
    ] {
        let body = with(reserve(), pointer, value);
        assert_eq!(flaw(Artifact::Reserve, &body), format!("payload.reserve{}", pointer.replace('/', ".")));
    }
    for (pointer, value) in [
        ("/http_status", json!(399)),
        ("/http_status", json!(600)),
        ("/endpoint", json!("POST /v1/events")),
        ("/response/error", json!("ACTION_QUOTA_EXCEEDED")),
        ("/response/trace_id", json!("0".repeat(31))),
    ] {
        let mut body = refusal("POST /v1/decide");
        *body.pointer_mut(pointer).unwrap_or(&mut Value::Null) = value.clone();
        let body = if pointer == "/response/trace_id" {
            with(body, pointer, value)
        } else if body.pointer(pointer) == Some(&value) {
            body
        } else {
            let mut body = body;
            body[&pointer[1..]] = value;
            body
        };
        assert_eq!(flaw(Artifact::Error, &body), format!("payload.error{}", pointer.replace('/', ".")));
    }
}

/// An envelope as JSON, changed and read again.
fn changed(change: impl FnOnce(&mut Value)) -> EvidenceError {
    let draft = signer().draft(Artifact::Commit, AT, None, &commit()).unwrap();
    let mut envelope: Value = serde_json::from_str(&signer().sign(&draft)).unwrap();
    change(&mut envelope);
    Envelope::parse(envelope.to_string().as_bytes()).unwrap_err()
}

#[test]
fn an_envelope_is_of_one_version_one_artifact_and_lower_case_digits() {
    let version = changed(|envelope| envelope["schema_version"] = json!("cycles-evidence/v0.2"));
    assert!(matches!(version, EvidenceError::UnknownVersion { .. }), "{version}");
    let place = |change: fn(&mut Value)| match changed(change) {
        EvidenceError::Malformed { path, problem } => format!("{path}: {problem}"),
        other => panic!("{other:?}"),
    };
    assert!(place(|envelope| envelope["artifact_type"] = json!("release")).starts_with("payload: found [commit]"));
    assert!(place(|envelope| envelope["payload"]["decide"] = json!({})).starts_with("payload: found [commit, decide]"));
    assert!(place(|envelope| envelope["payload"] = json!({})).starts_with("payload: found []"));
    assert!(place(|envelope| envelope["note"] = json!(1)).starts_with("note:"));
    assert!(place(|envelope| envelope["trace_id"] = json!("")).starts_with("trace_id:"));
    assert!(place(|envelope| envelope["issued_at_ms"] = json!(-1)).starts_with("issued_at_ms:"));
    assert!(place(|envelope| envelope["issued_at_ms"] = json!(1.5)).starts_with("issued_at_ms:"));
    assert!(place(|envelope| envelope["server_id"] = json!("cycles")).starts_with("server_id:"));
    let upper = |name: &'static str| {
        changed(|envelope| {
            let digits = envelope[name].as_str().unwrap().to_uppercase();
            envelope[name] = json!(digits);
        })
    };
    for name in ["evidence_id", "signature"] {
        assert!(matches!(upper(name), EvidenceError::Malformed { path, .. } if path == name));
    }
}

#[test]
fn a_document_with_two_meanings_or_without_bounds_is_refused() {
    let draft = signer().draft(Artifact::Commit, AT, None, &commit()).unwrap();
    let envelope = signer().sign(&draft);
    let twice = envelope.replacen('{', "{\"server_id\":\"https://cycles.example.com/v1\",", 1);
    let deep = envelope.replace("\"key_2\"", &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)));
    let infinite = envelope.replace(&AT.to_string(), "1e999");
    for document in [&twice, &deep, &infinite, &envelope[..envelope.len() / 2], "", "null "] {
        let error = Envelope::parse(document.as_bytes()).unwrap_err();
        assert!(matches!(error, EvidenceError::Json(_) | EvidenceError::Malformed { .. }), "{error}");
    }
    let large = " ".repeat(2 << 20) + &envelope;
    assert!(matches!(Envelope::parse(large.as_bytes()), Err(EvidenceError::TooLarge { .. })));
    let padded = format!("\n {envelope}\t");
    assert!(Envelope::parse(padded.as_bytes()).is_ok(), "space around a document says nothing");
}

#[test]
fn amounts_beyond_a_double_are_attested_as_they_are_signed() {
    let body = with(commit(), "/request/actual", amount(i64::MAX));
    let body = with(body, "/response/charged", amount(9_007_199_254_740_993_i64));
    let draft = signer().draft(Artifact::Commit, AT, None, &body).unwrap();
    let envelope = Envelope::parse(signer().sign(&draft).as_bytes()).unwrap();
    assert!(envelope.request().contains("9223372036854776000"));
    assert!(envelope.response().contains("9007199254740992"));
    let mut request = CommitRequest::new(tokens(i64::MAX.unsigned_abs()));
    request.idempotency_key = IdempotencyKey::new("key_2").unwrap();
    assert!(envelope.attests_request(&request));
}

#[test]
fn an_answer_is_attested_apart_from_its_reference_and_nothing_else() {
    let draft = signer().draft(Artifact::Commit, AT, None, &commit()).unwrap();
    let envelope = Envelope::parse(signer().sign(&draft).as_bytes()).unwrap();
    let mut answer = CommitResponse::new(CommitStatus::Committed, tokens(7));
    answer.released = Some(tokens(3));
    answer.cycles_evidence =
        Some(EvidenceRef::new(draft.evidence_id().to_owned(), "https://elsewhere.test/".to_owned()));
    assert!(envelope.attests_response(&answer));
    let mut other = answer.clone();
    other.charged = tokens(8);
    assert!(!envelope.attests_response(&other));
    answer.released = None;
    assert!(!envelope.attests_response(&answer));
    assert!(!envelope.attests_request(&answer));
}
