//! The published vectors of evidence.

use std::fs;

use runcycles::evidence::{Artifact, Disposition, Envelope, EvidenceError, EvidenceSigner, EvidenceVerifier, KeySet};
use serde_json::{Value, json};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/evidence");
const SERVER: &str = "https://cycles.example.com/v1";
const SIGNER: &str = "ec52b49b81eb29ef6f62947cade245c715bf943b7ef2a5f2789288574466fc43";
const SEED: [u8; 32] = [
    0xec, 0x3e, 0x39, 0x3b, 0x4b, 0xab, 0xb9, 0x8d, 0x15, 0xe8, 0x95, 0xe0, 0x11, 0xb1, 0x57, 0x14, 0xbe, 0x23, 0x9e,
    0x19, 0xcd, 0x27, 0x05, 0x4b, 0x96, 0xe3, 0xc3, 0x40, 0x8c, 0x88, 0xe8, 0x20,
];

/// Every vector: its name and its bytes without the line feed at the end.
fn vectors() -> Vec<(String, String)> {
    let files = fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path());
    let mut vectors: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.file_stem().unwrap().to_string_lossy().into_owned(), text.trim_end_matches('\n').to_owned())
        })
        .collect();
    vectors.sort();
    assert_eq!(vectors.len(), 13);
    vectors
}

fn vector(name: &str) -> String {
    vectors().into_iter().find(|(vector, _)| vector.starts_with(name)).expect("a vector").1
}

#[test]
fn every_vector_has_the_shape_and_the_id_of_its_content() {
    for (name, text) in vectors() {
        let envelope = Envelope::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(envelope.to_canonical(), text, "{name}");
        assert_eq!((envelope.server_id(), envelope.signer_did()), (SERVER, SIGNER), "{name}");
    }
}

#[test]
fn every_vector_is_signed_by_the_key_that_it_names() {
    let verifier = EvidenceVerifier::new(SERVER).pin(SIGNER);
    for (name, text) in vectors() {
        let verdict = verifier.verify(&Envelope::parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(*verdict.disposition(), Disposition::BindingOnly, "{name}");
        assert!(verdict.signer_pin_matched() && verdict.is_trusted(), "{name}");
    }
}

#[test]
fn every_vector_is_authentic_by_the_key_set_of_its_signer() {
    let jwk = EvidenceSigner::from_seed(SEED, SERVER).jwk(1_810_000_000_000, None);
    assert_eq!(jwk["x"], "7FK0m4HrKe9vYpR8reJFxxW_lDt-8qXyeJKIV0Rm_EM");
    let keys = KeySet::parse(json!({ "keys": [jwk] }).to_string()).unwrap();
    let verifier = EvidenceVerifier::new(SERVER).keys(keys);
    for (name, text) in vectors() {
        let verdict = verifier.verify(&Envelope::parse(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(verdict.disposition().as_str(), "authentic", "{name}");
    }
}

#[test]
fn every_vector_is_issued_again_byte_for_byte() {
    let signer = EvidenceSigner::from_seed(SEED, SERVER);
    assert_eq!(signer.signer_did(), SIGNER);
    for (name, text) in vectors() {
        let envelope = Envelope::parse(text.as_bytes()).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let body = &document["payload"][envelope.artifact().as_str()];
        let draft = signer.draft(envelope.artifact(), envelope.issued_at_ms(), envelope.trace_id(), body).unwrap();
        assert_eq!(signer.sign(&draft), text, "{name}");
    }
}

#[test]
fn vectors_say_what_they_attest() {
    let commit = Envelope::parse(vector("05").as_bytes()).unwrap();
    assert_eq!(commit.artifact(), Artifact::Commit);
    assert_eq!(commit.reservation_id(), Some("rsv_01HZZ8N4F8FBQX5K6TGYR0M0A3"));
    assert_eq!(commit.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
    let denial = Envelope::parse(vector("11").as_bytes()).unwrap();
    assert_eq!((denial.artifact(), denial.http_status(), denial.reservation_id()), (Artifact::Error, Some(409), None));
    let reserve = Envelope::parse(vector("08").as_bytes()).unwrap();
    assert!(reserve.reservation_id().is_some());
    assert_eq!(reserve.trace_id(), None);
    assert!(serde_json::from_str::<Value>(&reserve.response()).unwrap()["decision"] == "ALLOW");
}

#[test]
fn an_id_over_absent_or_null_members_is_not_the_id() {
    let text = vector("05");
    let id = "f8ebfb3918bcc3d610d80d56f649c3a8721a0e5d5ab650471f65bdcba8131cb1";
    for wrong in [
        "678f5df651961242c0bccef02355ab658d32e2cb519122d0e049b13c4e0bea5d",
        "f8d0757910706bc9c94344e98c35fb648b743b40b79fda4f9f671814b8981b35",
    ] {
        let error = Envelope::parse(text.replace(id, wrong).as_bytes()).unwrap_err();
        let EvidenceError::WrongId { found, computed } = error else { panic!("{error}") };
        assert_eq!((found.as_str(), computed.as_str()), (wrong, id));
    }
}

#[test]
fn a_change_of_one_character_is_noticed() {
    let text = vector("13");
    let verifier = EvidenceVerifier::new(SERVER).pin(SIGNER);
    let characters = text.char_indices().filter(|(_, character)| character.is_ascii_alphanumeric());
    for (at, character) in characters.step_by(5) {
        let mut changed = text.clone().into_bytes();
        changed[at] = if character == '1' { b'2' } else { b'1' };
        let verdict = Envelope::parse(&changed).and_then(|envelope| verifier.verify(&envelope));
        assert!(!verdict.is_ok_and(|verdict| verdict.is_trusted()), "{at}: {character}");
    }
}
