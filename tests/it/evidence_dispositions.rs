//! Who signed an envelope: one disposition, and trust only where it is due.

use runcycles::evidence::{
    Artifact, AuthorityFailure, Disposition, Envelope, EvidenceError, EvidenceSigner, EvidenceVerifier, KeySet,
    ResolutionFailure,
};
use serde_json::{Value, json};

const SERVER: &str = "https://cycles.example.com/v1";
const AT: u64 = 1_810_000_000_000;

fn signer() -> EvidenceSigner {
    EvidenceSigner::from_seed([7; 32], SERVER)
}

fn named() -> EvidenceSigner {
    signer().named("key-1")
}

fn other() -> EvidenceSigner {
    EvidenceSigner::from_seed([8; 32], SERVER)
}

fn issued(signer: &EvidenceSigner, at: u64) -> Envelope {
    let body = json!({
        "reservation_id": "rsv_1",
        "request": { "idempotency_key": "key_1" },
        "response": { "status": "RELEASED", "released": { "unit": "TOKENS", "amount": 12 } },
    });
    let draft = signer.draft(Artifact::Release, at, None, &body).unwrap();
    Envelope::parse(signer.sign(&draft).as_bytes()).unwrap()
}

/// The envelope with a signature of somebody else's.
fn missigned(signer: &EvidenceSigner) -> Envelope {
    let sound = issued(signer, AT).to_canonical();
    let signature = |text: &str| serde_json::from_str::<Value>(text).unwrap()["signature"].as_str().unwrap().to_owned();
    let foreign = signature(&issued(&other(), AT).to_canonical());
    Envelope::parse(sound.replace(&signature(&sound), &foreign).as_bytes()).unwrap()
}

fn keys(jwks: impl IntoIterator<Item = Value>) -> KeySet {
    KeySet::parse(json!({ "keys": jwks.into_iter().collect::<Vec<_>>(), "more": 1 }).to_string()).unwrap()
}

fn dispose(verifier: &EvidenceVerifier, envelope: &Envelope) -> Disposition {
    verifier.verify(envelope).unwrap().disposition().clone()
}

/// What a key set says of an envelope.
fn by(jwks: impl IntoIterator<Item = Value>, envelope: &Envelope) -> Disposition {
    dispose(&EvidenceVerifier::new(SERVER).keys(keys(jwks)), envelope)
}

fn failed(failure: AuthorityFailure) -> Disposition {
    Disposition::SignerAuthorityFailed(failure)
}

fn unresolved(failure: ResolutionFailure) -> Disposition {
    Disposition::SignerResolutionFailed(failure)
}

#[test]
fn a_key_that_names_itself_is_bound_and_not_trusted_without_a_pin() {
    let envelope = issued(&signer(), AT);
    let unpinned = EvidenceVerifier::new(SERVER).verify(&envelope).unwrap();
    assert_eq!(*unpinned.disposition(), Disposition::BindingOnly);
    assert!(!unpinned.signer_pin_matched() && !unpinned.is_trusted());

    let pinned = EvidenceVerifier::new(SERVER).pin(signer().signer_did());
    assert!(pinned.verify(&envelope).unwrap().is_trusted());
    let forged = pinned.verify(&issued(&other(), AT)).unwrap();
    assert_eq!(*forged.disposition(), Disposition::BindingOnly, "an attacker signs with a key of their own");
    assert!(!forged.signer_pin_matched() && !forged.is_trusted());
    let broken = pinned.verify(&missigned(&signer())).unwrap();
    assert_eq!(*broken.disposition(), Disposition::SignatureInvalid);
    assert!(broken.signer_pin_matched() && !broken.is_trusted(), "a name is no signature");
}

#[test]
fn a_key_of_the_servers_set_is_authentic_by_name_and_by_itself() {
    for signer in [signer(), named()] {
        let envelope = issued(&signer, AT);
        let verifier = EvidenceVerifier::new(SERVER).keys(keys([named().jwk(0, None), other().jwk(0, None)]));
        assert_eq!(dispose(&verifier, &envelope), Disposition::Authentic);
        assert!(verifier.verify(&envelope).unwrap().is_trusted());
        assert!(verifier.clone().pin(signer.signer_did()).verify(&envelope).unwrap().is_trusted());
        let elsewhere = verifier.pin(other().signer_did()).verify(&envelope).unwrap();
        assert_eq!(*elsewhere.disposition(), Disposition::Authentic);
        assert!(!elsewhere.is_trusted(), "another signer was expected");
        assert_eq!(by([named().jwk(0, None)], &missigned(&signer)), Disposition::SignatureInvalid);
    }
}

#[test]
fn keys_are_chosen_by_the_time_of_issue_and_never_by_being_current() {
    let window = |from, until| [named().jwk(from, Some(until))];
    assert_eq!(by(window(AT, AT + 1), &issued(&named(), AT)), Disposition::Authentic);
    assert_eq!(by(window(AT - 1, AT), &issued(&named(), AT)), failed(AuthorityFailure::OutsideWindow));
    assert_eq!(by(window(AT + 1, AT + 2), &issued(&named(), AT)), failed(AuthorityFailure::OutsideWindow));

    let mut lying = named().jwk(0, None);
    lying["status"] = json!("retired");
    lying["cycles_exp_ms"] = Value::Null;
    assert_eq!(by([lying], &issued(&named(), AT)), Disposition::Authentic, "a status is advice");
    let before_and_after = [signer().named("a").jwk(0, Some(AT)), signer().named("b").jwk(AT, None)];
    assert_eq!(by(before_and_after, &issued(&signer(), AT)), Disposition::Authentic);
}

#[test]
fn a_key_set_that_is_not_clear_authorises_nobody() {
    let envelope = issued(&named(), AT);
    assert_eq!(by([], &envelope), failed(AuthorityFailure::UnknownKey));
    assert_eq!(by([other().named("key-2").jwk(0, None)], &envelope), failed(AuthorityFailure::UnknownKey));
    let two_of_a_name = [named().jwk(0, None), other().named("key-1").jwk(AT + 1, None)];
    assert_eq!(by(two_of_a_name, &envelope), failed(AuthorityFailure::DuplicateKey));
    let others_of_a_name = [named().jwk(0, None), other().named("x").jwk(0, None), other().named("x").jwk(0, None)];
    assert_eq!(by(others_of_a_name, &envelope), failed(AuthorityFailure::DuplicateKey));
    let twice = [signer().named("a").jwk(0, None), signer().named("b").jwk(0, None)];
    assert_eq!(by(twice, &issued(&signer(), AT)), failed(AuthorityFailure::Ambiguous));
    assert_eq!(
        by([other().jwk(0, None)], &missigned(&named())),
        failed(AuthorityFailure::UnknownKey),
        "authority first"
    );
}

#[test]
fn keys_that_cannot_be_used_are_passed_over() {
    let envelope = issued(&named(), AT);
    for (member, value) in [
        ("kty", json!("EC")),
        ("crv", json!("Ed448")),
        ("crv", json!("ed25519")),
        ("alg", json!("RS256")),
        ("alg", Value::Null),
        ("x", json!("AAAA")),
        ("x", json!(named().jwk(0, None)["x"].as_str().unwrap().to_owned() + "=")),
        ("x", json!(1)),
        ("cycles_nbf_ms", Value::Null),
        ("cycles_nbf_ms", json!("0")),
        ("cycles_exp_ms", json!("never")),
        ("kid", json!(7)),
    ] {
        let mut jwk = named().jwk(0, None);
        jwk[member] = value.clone();
        assert_eq!(by([jwk], &envelope), failed(AuthorityFailure::UnknownKey), "{member}: {value}");
    }
    let mut lean = named().jwk(0, None);
    lean.as_object_mut().unwrap().remove("alg");
    lean["from_a_newer_server"] = json!({});
    assert_eq!(by([json!(null), json!([]), lean], &envelope), Disposition::Authentic);
}

#[test]
fn a_named_signer_belongs_to_one_server_byte_for_byte() {
    let slash = EvidenceSigner::from_seed([7; 32], format!("{SERVER}/")).named("key-1");
    assert_ne!(slash.signer_did(), named().signer_did());
    assert!(named().signer_did().contains("2fb3c0057a5c904956be20dc5ad51cbf3d39cf0f8460008dc1bbe03d4deb3e2f"));
    assert!(slash.signer_did().contains("7ee0eb600f53f0520a9d028eb4cc7224fd09365fbb598aa42f5e08e95f4f66d0"));

    let error = EvidenceVerifier::new(SERVER).verify(&issued(&slash, AT)).unwrap_err();
    assert!(matches!(error, EvidenceError::OtherServer { .. }), "{error}");
    let keys = keys([named().jwk(0, None)]);
    let verifier = EvidenceVerifier::new(format!("{SERVER}/")).keys(keys);
    assert_eq!(dispose(&verifier, &issued(&slash, AT)), Disposition::Authentic);
}

#[test]
fn what_cannot_be_found_out_is_not_held_against_the_envelope() {
    let verifier = EvidenceVerifier::new(SERVER);
    assert_eq!(dispose(&verifier, &issued(&named(), AT)), unresolved(ResolutionFailure::NoKeySet));
    for signer in [signer(), named()] {
        let verifier = verifier.clone().keys_unreachable();
        assert_eq!(dispose(&verifier, &issued(&signer, AT)), unresolved(ResolutionFailure::Unreachable));
    }
}

#[test]
fn key_sets_are_objects_with_a_list_of_keys() {
    for document in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":null}"#] {
        assert!(KeySet::parse(document.to_owned()).is_err(), "{document}");
    }
    let document = r#"{ "keys": [] }"#;
    assert_eq!(KeySet::parse(document).unwrap().as_bytes(), document.as_bytes(), "as it was published, to be archived");
}
