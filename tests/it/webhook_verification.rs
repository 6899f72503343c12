//! Deliveries are believed only where a known secret signed the bytes that arrived.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, StatusCode};
use runcycles::webhooks::{WebhookError, WebhookVerifier, sign};
use serde_json::json;

const SECRET: &str = "whsec_test";

/// An event of 2026-11-22T12:00:00Z.
fn body() -> Vec<u8> {
    let event = json!({
        "event_id": "evt_1",
        "event_type": "budget.exhausted",
        "category": "budget",
        "timestamp": "2026-11-22T12:00:00Z",
        "tenant_id": "acme",
        "source": "cycles-server",
        "data": { "scope": "tenant:acme", "remaining": 0, "spent": 9_223_372_036_854_775_807_i64 },
    });
    event.to_string().into_bytes()
}

fn headers(signature: &str) -> HeaderMap {
    HeaderMap::from_iter([("x-cycles-signature".parse().unwrap(), signature.parse().unwrap())])
}

fn verify(signature: &str, body: &[u8]) -> Result<String, WebhookError> {
    let event = WebhookVerifier::new(SECRET).verify(&headers(signature), body)?;
    Ok(event.event_id.to_string())
}

#[test]
fn signatures_are_those_that_the_protocol_computes() {
    let test = sign(SECRET, br#"{"event_id":"evt_1"}"#);
    assert_eq!(test, "sha256=a251e833b6e26037be9caf784d5126acaa226296487424ad0c0a122d52457a60");
    let outside_ascii = sign("sécret", b"{}");
    assert_eq!(outside_ascii, "sha256=6bdc600d7060e2255d31249ba5148f3467e62926a37d87eeb622e2332f1ca7e7");
}

#[test]
fn a_signed_event_is_read_as_it_was_sent() {
    let body = body();
    let event = WebhookVerifier::new(SECRET).verify(&headers(&sign(SECRET, &body)), &body).unwrap();
    assert_eq!(serde_json::to_value(&event).unwrap(), serde_json::from_slice::<serde_json::Value>(&body).unwrap());
}

#[test]
fn a_body_that_was_forged_cut_or_changed_by_one_bit_is_refused() {
    let body = body();
    let signature = sign(SECRET, &body);
    assert_eq!(verify(&signature, &body).unwrap(), "evt_1");
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        assert!(matches!(verify(&signature, &changed), Err(WebhookError::WrongSignature)), "byte {at}");
        assert!(matches!(verify(&signature, &body[..at]), Err(WebhookError::WrongSignature)), "cut at {at}");
    }
    let rewritten = serde_json::to_vec_pretty(&serde_json::from_slice::<serde_json::Value>(&body).unwrap()).unwrap();
    let error = verify(&signature, &rewritten).unwrap_err();
    assert!(error.to_string().contains("raw body"), "{error}");
    assert_eq!(error.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn signatures_are_read_strictly() {
    let body = body();
    let signature = sign(SECRET, &body);
    let digits = signature.strip_prefix("sha256=").unwrap();
    for malformed in [
        "",
        digits,
        &signature.to_uppercase(),
        &format!("sha256={}", digits.to_uppercase()),
        &format!("sha512={digits}"),
        &format!("sha256={digits}0"),
        &format!("sha256= {digits}"),
        &format!("sha256={}", &digits[..62]),
        &format!("{signature},{signature}"),
        "sha256=",
    ] {
        let error = verify(malformed, &body).unwrap_err();
        assert!(matches!(error, WebhookError::MalformedSignature { .. }), "{malformed}: {error}");
    }
    let mut twice = headers(&signature);
    twice.append("x-cycles-signature", signature.parse().unwrap());
    let verifier = WebhookVerifier::new(SECRET);
    assert!(matches!(verifier.verify(&twice, &body), Err(WebhookError::MalformedSignature { .. })));
    assert!(matches!(verifier.verify(&HeaderMap::new(), &body), Err(WebhookError::MissingSignature)));
}

#[test]
fn every_secret_of_a_rotation_is_believed_and_no_other() {
    let verifier = WebhookVerifier::new("new").also("old").also("oldest");
    let body = body();
    for secret in ["new", "old", "oldest"] {
        verifier.verify(&headers(&sign(secret, &body)), &body).unwrap();
    }
    for secret in ["older", "", "new "] {
        let verdict = verifier.verify(&headers(&sign(secret, &body)), &body);
        assert!(matches!(verdict, Err(WebhookError::WrongSignature)), "{secret:?}");
    }
}

#[test]
fn a_blank_secret_is_never_believed() {
    let body = body();
    for secret in ["", " \n"] {
        let signed = headers(&sign(secret, &body));
        let error = WebhookVerifier::new(secret).verify(&signed, &body).unwrap_err();
        assert!(matches!(error, WebhookError::NoSecret));
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let error = WebhookVerifier::new(secret).also(SECRET).verify(&signed, &body).unwrap_err();
        assert!(matches!(error, WebhookError::WrongSignature));
    }
}

#[test]
fn a_large_body_is_refused_before_it_is_looked_at() {
    let verifier = WebhookVerifier::new(SECRET).max_body_bytes(1_000);
    let padded = |bytes: usize| {
        let mut body = body();
        body.resize(bytes, b' ');
        verifier.verify(&headers(&sign(SECRET, &body)), &body)
    };
    padded(1_000).unwrap();
    let error = padded(1_001).unwrap_err();
    assert!(matches!(error, WebhookError::TooLarge { bytes: 1_001, limit: 1_000 }), "{error}");
    assert_eq!(error.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn headers_may_be_absent_but_not_contradict_the_signed_body() {
    let body = body();
    let mut headers = headers(&sign(SECRET, &body));
    headers.insert("X-Cycles-Event-Id", "evt_1".parse().unwrap());
    headers.insert("X-Cycles-Event-Type", "budget.exhausted".parse().unwrap());
    let verifier = WebhookVerifier::new(SECRET);
    verifier.verify(&headers, &body).unwrap();

    for (header, other) in [("x-cycles-event-id", "evt_2"), ("x-cycles-event-type", "budget.created")] {
        let mut headers = headers.clone();
        headers.append(header, other.parse().unwrap());
        let error = verifier.verify(&headers, &body).unwrap_err();
        assert_eq!(error.status(), StatusCode::BAD_REQUEST);
        assert!(error.to_string().contains(header) && error.to_string().contains(other), "{error}");
    }
}

#[test]
fn a_signed_body_that_is_no_event_is_refused() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in ["", "{}", "[]", "null", "{\"event_id\":\"\"}", "\u{feff}{}", &deep] {
        let error = verify(&sign(SECRET, body.as_bytes()), body.as_bytes()).unwrap_err();
        assert!(matches!(error, WebhookError::Malformed(_)), "{error}");
    }
    let twice = String::from_utf8(body()).unwrap().replacen('{', "{\"event_id\":\"evt_0\",", 1);
    assert!(matches!(verify(&sign(SECRET, twice.as_bytes()), twice.as_bytes()), Err(WebhookError::Malformed(_))));
}

#[test]
fn age_is_bounded_only_where_that_was_asked_for() {
    let body = body();
    let headers = headers(&sign(SECRET, &body));
    let sent = UNIX_EPOCH + Duration::from_secs(1_795_348_800);
    let years_later = sent + Duration::from_secs(100_000_000);
    let verifier = WebhookVerifier::new(SECRET);
    assert_eq!(verifier.verify_at(&headers, &body, years_later).unwrap().occurred_at(), Some(sent));

    let verifier = verifier.max_age(Duration::from_secs(300));
    for accepted in [sent - Duration::from_secs(60), sent, sent + Duration::from_secs(300)] {
        verifier.verify_at(&headers, &body, accepted).unwrap();
    }
    let error = verifier.verify_at(&headers, &body, sent + Duration::from_secs(301)).unwrap_err();
    assert!(matches!(error, WebhookError::TooOld { .. }), "{error}");
}

#[test]
fn a_bound_on_age_needs_a_timestamp_that_can_be_read() {
    for timestamp in
        ["yesterday", "2026-11-22", "2026-02-29T00:00:00Z", "2026-11-22T12:00:00", "2026-11-22T24:00:00Z", ""]
    {
        let body = String::from_utf8(body()).unwrap().replace("2026-11-22T12:00:00Z", timestamp);
        let headers = headers(&sign(SECRET, body.as_bytes()));
        let verifier = WebhookVerifier::new(SECRET);
        assert_eq!(verifier.verify(&headers, body.as_bytes()).unwrap().occurred_at(), None, "{timestamp}");
        let verdict = verifier.max_age(Duration::from_secs(300)).verify(&headers, body.as_bytes());
        assert!(matches!(verdict, Err(WebhookError::MalformedTimestamp { .. })), "{timestamp}");
    }
}

#[test]
fn no_text_shows_a_secret() {
    let verifier = WebhookVerifier::new("hush-hush").also("also-hushed");
    let shown = format!("{verifier:?} {verifier:#?}");
    assert!(!shown.contains("hush") && shown.contains("2 <redacted>"), "{shown}");
}
