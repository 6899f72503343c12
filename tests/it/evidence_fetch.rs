//! Evidence is fetched from listed servers alone, with patience and without the API key.

use std::time::Duration;

use http::header;
use runcycles::TransportErrorKind;
use runcycles::evidence::{Artifact, Envelope, EvidenceError, EvidenceSigner, EvidenceSource, FetchError};
use runcycles::models::EvidenceRef;
use serde_json::json;

use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;

const SERVER: &str = "https://cycles.example.com/v1";

fn signer() -> EvidenceSigner {
    EvidenceSigner::from_seed([7; 32], SERVER)
}

fn envelope(amount: u64) -> String {
    let body = json!({
        "reservation_id": "rsv_1",
        "request": { "idempotency_key": "key_1" },
        "response": { "status": "RELEASED", "released": { "unit": "TOKENS", "amount": amount } },
    });
    let draft = signer().draft(Artifact::Release, 1_810_000_000_000, None, &body).unwrap();
    signer().sign(&draft)
}

fn reference() -> EvidenceRef {
    let id = Envelope::parse(envelope(12).as_bytes()).unwrap().evidence_id().to_owned();
    EvidenceRef::new(id.clone(), format!("{SERVER}/evidence/{id}"))
}

fn source(script: &Script) -> EvidenceSource {
    EvidenceSource::new(script.clone()).server(SERVER)
}

#[tokio::test(start_paused = true)]
async fn evidence_that_is_not_there_yet_is_asked_for_again_without_the_key() {
    let script = Script::new();
    let replies = [
        reply::refusal(404, "NOT_FOUND"),
        Reply::Fail(TransportErrorKind::Connect),
        reply::refusal(503, "INTERNAL_ERROR"),
        reply::throttled("2"),
        reply::raw(200, envelope(12)),
    ];
    script.next(Route::Evidence, replies);
    let fetched = script.client().evidence(&reference()).await.unwrap();
    assert_eq!(fetched.to_canonical(), envelope(12));

    let sent = script.of(Route::Evidence);
    let id = reference().evidence_id;
    assert!(sent.iter().all(|sent| sent.uri == *format!("http://authority.test/v1/evidence/{id}")));
    assert!(sent.iter().all(|sent| !sent.headers.contains_key("x-cycles-api-key")), "evidence is public");
    assert!(sent.iter().all(|sent| !sent.headers.contains_key(header::AUTHORIZATION)));
    let waits: Vec<_> = sent.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert_eq!(waits, [100, 200, 400, 2_000].map(Duration::from_millis));
}

#[tokio::test(start_paused = true)]
async fn patience_ends() {
    let script = Script::new();
    script.always(Route::Evidence, reply::refusal(404, "NOT_FOUND"));
    let error = script.client().evidence(&reference()).await.unwrap_err();
    assert!(matches!(error, FetchError::NotReady { attempts: 6 }), "{error}");
    script.always(Route::Evidence, reply::throttled("86400"));
    let error = source(&script).envelope(&reference()).await.unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 429 }), "{error}");
    let sent = script.of(Route::Evidence);
    assert_eq!(sent.len(), 12);
    assert!(sent[11].at - sent[6].at <= Duration::from_secs(50), "no server makes a client wait for a day");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_will_not_change_is_not_asked_for_again() {
    let script = Script::new();
    let moved = reply::raw(302, "").header("location", "http://127.0.0.1/v1/evidence");
    for (answer, status) in [(moved, 302), (reply::refusal(410, "NOT_FOUND"), 410), (reply::raw(204, ""), 204)] {
        script.next(Route::Evidence, [answer]);
        let error = source(&script).envelope(&reference()).await.unwrap_err();
        assert!(matches!(error, FetchError::Status { status: found } if found == status), "{error}");
    }
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test]
async fn nothing_is_asked_of_servers_that_nobody_listed() {
    let script = Script::new();
    let EvidenceRef { evidence_id: id, .. } = reference();
    for url in [
        format!("http://169.254.169.254/v1/evidence/{id}"),
        format!("https://cycles.example.com.evil.test/v1/evidence/{id}"),
        format!("https://cycles.example.com/v1@evil.test/evidence/{id}"),
        format!("https://cycles.example.com/v1/../admin/evidence/{id}"),
        format!("https://cycles.example.com/v1/evidence/{id}?to=evil"),
        format!("https://cycles.example.com/v1/evidence/{}", "0".repeat(64)),
        format!("http://cycles.example.com/v1/evidence/{id}"),
    ] {
        let error = source(&script).envelope(&EvidenceRef::new(id.clone(), url.clone())).await.unwrap_err();
        assert!(matches!(error, FetchError::NotListed { .. }), "{url}: {error}");
    }
    for id in ["..", "../reservations", "", &"G".repeat(64)] {
        let reference = EvidenceRef::new(id.to_owned(), format!("{SERVER}/evidence/{id}"));
        assert!(matches!(source(&script).envelope(&reference).await, Err(FetchError::NotListed { .. })), "{id}");
        assert!(matches!(script.client().evidence(&reference).await, Err(FetchError::NotListed { .. })), "{id}");
    }
    let error = source(&script).key_set("https://other.example.com/v1").await.unwrap_err();
    assert!(matches!(error, FetchError::NotListed { .. }), "{error}");
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn another_envelope_than_the_one_asked_for_is_refused() {
    let script = Script::new();
    script.next(Route::Evidence, [reply::raw(200, envelope(13)), reply::raw(200, "{}")]);
    let error = source(&script).envelope(&reference()).await.unwrap_err();
    assert!(matches!(error, FetchError::Evidence(EvidenceError::OtherEvidence { .. })), "{error}");
    let error = source(&script).envelope(&reference()).await.unwrap_err();
    assert!(matches!(error, FetchError::Evidence(EvidenceError::Malformed { .. })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_key_set_is_published_or_not_or_cannot_be_had() {
    let script = Script::new();
    let keys = json!({ "keys": [signer().jwk(0, None)] });
    let published = [reply::json(200, &keys), reply::refusal(404, "NOT_FOUND"), reply::raw(200, "<html>")];
    script.next(Route::KeySet, published);
    let envelope = Envelope::parse(envelope(12).as_bytes()).unwrap();
    for expected in ["authentic", "binding_only", "signer_resolution_failed"] {
        let verdict = source(&script).verifier(SERVER).await.verify(&envelope).unwrap();
        assert_eq!(verdict.disposition().as_str(), expected);
    }
    script.always(Route::KeySet, Reply::Fail(TransportErrorKind::Connect));
    let verdict = source(&script).verifier(&format!("{SERVER}/")).await;
    assert!(
        matches!(verdict.verify(&envelope), Err(EvidenceError::OtherServer { .. })),
        "ids are compared byte for byte"
    );
    assert!(verdict.key_set().is_none());
    let asked = script.of(Route::KeySet);
    assert_eq!(asked[0].uri, *format!("{SERVER}/.well-known/cycles-jwks.json"));
    assert_eq!(asked[8].uri, asked[0].uri, "a doubled slash at the join is one");
}
