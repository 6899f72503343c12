//! Disks that fail.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};

use super::Random;
use super::session::Session;
use super::simulated::SimulatedDisk;
use crate::clock::ManualClock;
use crate::http::{Gate, Router};
use crate::store::progress::block_on;
use crate::store::{Durability, StoreError};

const NEVER: u64 = u64::MAX;

fn session(disk: &SimulatedDisk, durability: Durability) -> Session {
    let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
    Session::open(disk, durability, NEVER, &clock).expect("a good store")
}

#[test]
fn after_a_failed_write_nothing_is_acknowledged_even_where_the_disk_is_back() {
    for durability in [Durability::ProcessCrash, Durability::PowerLoss] {
        let random = &mut Random::new(5);
        let disk = SimulatedDisk::new();
        let mut session = session(&disk, durability);
        session.fund();
        session.wait().expect("a disk that works");
        let kept = session.digest();

        disk.cut_after(1, random);
        session.fund();
        let error = session.wait().expect_err("the write failed");
        assert!(matches!(error, StoreError::Io { action: "write", .. }), "{error}");
        disk.power_on();
        session.fund();
        assert!(session.wait().is_err());
        drop(session);

        let reopened = Session::open(&disk, durability, NEVER, &ManualClock::new()).expect("a torn end is no damage");
        assert_eq!(reopened.digests[0], kept);
    }
}

#[test]
fn callers_are_told_that_an_answer_was_not_kept_and_what_to_do() {
    let disk = SimulatedDisk::new();
    let mut session = session(&disk, Durability::PowerLoss);
    let key = session.add_key();
    let engine = Arc::new(session.into_engine());
    let router = Router::new(engine.clone(), Gate::new(engine, None, false), None);
    let balances = || {
        let request = Request::get("http://in-process/v1/balances?tenant=acme").header("x-cycles-api-key", &*key);
        let request = request.body(Bytes::new()).expect("a request");
        let answer = router.handle(&request);
        match router.unwritten() {
            None => answer,
            Some(unwritten) => block_on(router.hold_back(answer, request.headers(), unwritten)),
        }
    };
    assert_eq!(balances().status(), StatusCode::OK);

    disk.cut_after(1, &mut Random::new(1));
    let event = r#"{"idempotency_key":"k","subject":{"tenant":"acme"},"action":{"kind":"k","name":"n"},"actual":{"unit":"TOKENS","amount":1}}"#;
    let request = Request::post("http://in-process/v1/events").header("x-cycles-api-key", &*key);
    let request = request.header("content-type", "application/json").body(Bytes::from(event)).expect("a request");
    let answer = router.handle(&request);
    let unwritten = router.unwritten().expect("something to write");
    let answer = block_on(router.hold_back(answer, request.headers(), unwritten));
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body: serde_json::Value = serde_json::from_slice(answer.body()).expect("JSON");
    assert_eq!(body["error"], "INTERNAL_ERROR");
    assert!(body["message"].as_str().is_some_and(|message| message.contains("retry with the same idempotency key")));

    // What is in memory is not on disk, so nobody is told of it either.
    assert_eq!(balances().status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn what_comes_after_closing_is_not_acknowledged() {
    let disk = SimulatedDisk::new();
    let mut session = session(&disk, Durability::ProcessCrash);
    session.fund();
    session.close().expect("a disk that works");
    session.fund();
    assert!(matches!(session.wait(), Err(StoreError::Closed)));
}

#[test]
fn a_disk_that_cannot_synchronise_in_the_background_ends_the_store() {
    let disk = SimulatedDisk::new();
    let mut session = session(&disk, Durability::ProcessCrash);
    disk.fail_to_sync();
    session.fund();
    session.wait().expect("what is written is not synchronised at once");
    let error = session.end();
    assert!(matches!(error, StoreError::Io { action: "synchronise", .. }), "{error}");
    session.fund();
    assert!(session.wait().is_err());
}
