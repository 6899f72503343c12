//! The scenarios that only the claim `durable` has. Every process is made from nothing but the disk.

use std::fs;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use runcycles::{FlushReport, Settlement, tokens};
use serde_json::json;
use tokio::sync::Barrier;
use tracing::Level;

use super::process::{LONG, Machine, reserve};
use super::wire::{Fate, Wire, files};
use crate::support::honest::Honest;
use crate::support::log::Log;
use crate::support::sent::Route;

const SETTLING: [Route; 2] = [Route::Commit, Route::Event];

#[track_caller]
fn assert_flushed(report: FlushReport, settled: u64) {
    assert_eq!((report.settled, report.remaining), (settled, 0));
}

#[test]
fn a_commit_is_on_disk_before_it_leaves_and_outlives_its_process() {
    for in_flight in [Fate::StallBefore, Fate::StallAfter] {
        let machine = Machine::new();
        let first = machine.start([(Route::Commit, in_flight)]);
        first.run_until_stalled(async { reserve(&first.client).await.commit(tokens(7)).await });
        let before = first.kill().left(&SETTLING);
        let [before] = &before[..] else { panic!("one commit") };
        let [record] = &before.on_disk[..] else { panic!("one record when the commit leaves") };
        assert_eq!(record["commit_body"], before.sent.json());
        assert_eq!(machine.records(), std::slice::from_ref(record), "it outlives the process");

        let next = machine.start([]);
        assert_flushed(next.run(next.client.flush(LONG)), 1);

        let [after] = &next.wire.left(&SETTLING)[..] else { panic!("one commit") };
        assert_eq!((before.sent.target(), &before.sent.body), (after.sent.target(), &after.sent.body));
        assert!(machine.records().is_empty());
        assert_eq!(machine.spent(), 7, "the ledger has it once");
        machine.authority.assert_settled();
    }
}

#[test]
fn a_replayed_commit_that_comes_too_late_is_an_event_for_every_later_process() {
    let machine = Machine::new();
    let original = machine.leave_a_commit(7).left(&SETTLING);
    machine.clock.stop(Duration::from_secs(3_600));

    // The process ends when its record says event, and before the event leaves.
    let (second, undone) = machine.start_without_hands([]);
    let client = second.client.clone();
    second.run(async { drop(tokio::spawn(async move { client.flush(LONG).await })) });
    while machine.records()[0]["mode"] == "commit" {
        second.run(async {
            while undone.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                tokio::task::yield_now().await;
            }
        });
        let work = undone.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        work.expect("some work")();
    }
    let second = second.kill().left(&SETTLING);
    let [commit] = &second[..] else { panic!("one commit, and no event") };
    assert_eq!((commit.sent.route, &commit.sent.body), (Route::Commit, &original[0].sent.body));
    assert_eq!(machine.records()[0]["mode"], "event");

    let third = machine.start([]);
    assert_flushed(third.run(third.client.flush(LONG)), 1);

    let [event] = &third.wire.left(&SETTLING)[..] else { panic!("one event, and no commit") };
    assert_eq!((event.sent.route, event.sent.key()), (Route::Event, original[0].sent.key()));
    assert_eq!(event.on_disk[0]["mode"], "event");
    assert_eq!(event.sent.json()["actual"], original[0].sent.json()["actual"]);
    assert!(machine.records().is_empty());
    assert_eq!(machine.spent(), 7, "the ledger has it once");
}

#[test]
fn no_process_comes_back_before_the_authority_allows_it() {
    let machine = Machine::new();
    let refusal = r#"{"error":"LIMIT_EXCEEDED","message":"later","request_id":"req_1"}"#;
    let first = machine.start([(Route::Commit, Fate::Answer(429, Some("40"), refusal))]);
    let settlement = first.run(async { reserve(&first.client).await.commit(tokens(7)).await.unwrap() });
    assert_eq!(settlement, Settlement::Pending);
    let before = first.kill().left(&SETTLING);
    let [before] = &before[..] else { panic!("one commit") };
    let not_before_ms = machine.records()[0]["not_before_ms"].as_u64().expect("a time on disk");
    assert!(not_before_ms >= before.at_ms + 40_000);
    machine.clock.stop(Duration::from_secs(10));

    let next = machine.start([]);
    let early = next.run(next.client.flush(Duration::from_secs(20)));
    assert_eq!((early.settled, early.remaining), (0, 1));
    assert!(next.wire.left(&SETTLING).is_empty(), "nothing leaves before the time is up");
    assert_flushed(next.run(next.client.flush(LONG)), 1);

    let [after] = &next.wire.left(&SETTLING)[..] else { panic!("one commit") };
    assert_eq!(before.sent.body, after.sent.body);
    assert!(after.at_ms >= not_before_ms, "{} is before {not_before_ms}", after.at_ms);
    assert!(machine.records().is_empty());
    assert_eq!(machine.spent(), 7);
}

#[test]
fn a_tenants_journal_outlives_its_key_which_is_never_on_disk() {
    let mut machine = Machine::new();
    let before = machine.leave_a_commit(7).left(&SETTLING);
    let keys = machine.rotate_key();
    for file in files(machine.directory()) {
        let (name, text) = (file.display().to_string(), fs::read_to_string(&file).unwrap());
        assert!(!keys.iter().any(|key| name.contains(&**key) || text.contains(&**key)), "{name} has a key");
    }

    let next = machine.start([]);
    assert_flushed(next.run(next.client.flush(LONG)), 1);

    let [after] = &next.wire.left(&SETTLING)[..] else { panic!("one commit") };
    assert_eq!(before[0].sent.body, after.sent.body);
    for (sent, key) in [(&before[0].sent, &keys[0]), (&after.sent, &keys[1])] {
        assert_eq!(sent.headers["x-cycles-api-key"], **key);
    }
    assert!(machine.records().is_empty());
    assert_eq!(machine.spent(), 7);
}

#[test]
fn what_is_no_record_is_put_aside_and_told_and_the_others_are_settled() {
    let machine = Machine::new();
    machine.leave_a_commit(7);
    let [valid] = &files(machine.directory())[..] else { panic!("one record") };
    let record = fs::read_to_string(valid).unwrap();
    let corrupt = (valid.with_file_name("v2-a.json"), record[..record.len() / 2].to_owned());
    let unsupported = (valid.with_file_name("v2-b.json"), record.replacen("\"version\":1", "\"version\":2", 1));
    for (path, text) in [&corrupt, &unsupported] {
        fs::write(path, text).unwrap();
    }

    let log = Log::start();
    let next = machine.start([]);
    assert_flushed(next.run(next.client.flush(LONG)), 1);

    assert_eq!(next.wire.left(&SETTLING).len(), 1, "only the valid record leaves");
    assert_eq!(machine.spent(), 7);
    assert_eq!(files(machine.directory()).len(), 2, "the valid record is gone, the others stay");
    for ((path, text), reason) in [(corrupt, "not a record in JSON"), (unsupported, "version is 2")] {
        let aside = path.with_extension("corrupt");
        assert_eq!(fs::read_to_string(&aside).unwrap(), text);
        log.told(Level::ERROR, &["put aside", &aside.display().to_string(), reason]);
    }
}

#[test]
#[cfg(unix)]
fn two_workers_that_replay_one_record_at_a_time_settle_it_once() {
    let machine = Machine::new();
    let before = machine.leave_a_commit(7).left(&SETTLING);
    // A process takes a directory up once; under another name it is another worker's.
    let elsewhere = tempfile::TempDir::new().unwrap();
    let alias = elsewhere.path().join("alias");
    std::os::unix::fs::symlink(machine.directory(), &alias).unwrap();

    let (log, barrier) = (Log::start(), Arc::new(Barrier::new(2)));
    let meet = || [(Route::Commit, Fate::Meet(Arc::clone(&barrier)))];
    let worker = machine.start(meet());
    let other_wire =
        Wire::new(Arc::new(machine.authority.transport()), machine.directory().into(), machine.clock.clone(), meet());
    let other = machine.client(&other_wire, &alias);
    let (first, second) = worker.run(async { tokio::join!(worker.client.flush(LONG), other.flush(LONG)) });

    assert_flushed(first, 1);
    assert_flushed(second, 1);
    for wire in [&worker.wire, &other_wire] {
        let [after] = &wire.left(&SETTLING)[..] else { panic!("one commit") };
        assert_eq!(before[0].sent.body, after.sent.body);
        assert_eq!(after.on_disk.len(), 1, "both left before either was settled");
    }
    assert!(machine.records().is_empty());
    assert_eq!(machine.spent(), 7, "the ledger has it once");
    machine.authority.assert_settled();
    log.silent(Level::ERROR);
}

#[test]
fn ids_that_shared_an_early_name_have_files_of_their_own() {
    const SLASH: &str = "v2-e715e33493435882ca2c7c6f09b67fba8bbd98d678730145a83f0abb0bdb6cef.json";
    const COLON: &str = "v2-36a82fc25545bb772d85ec4f4c64fcbb4121755af075adfab9c96623d1c394e9.json";
    const UNDERSCORE: &str = "v2-0dfc65300e3e6cd89ca455fe7ea5cecbcdcb43286b50ef1ba3866bcb86dd31f6.json";
    let machine = Machine::new();
    machine.leave_a_commit(7);
    let [template] = &files(machine.directory())[..] else { panic!("one record") };
    let text = fs::read_to_string(template).unwrap();
    let id = machine.records()[0]["reservation_id"].as_str().unwrap().to_owned();
    let record = |name: &str| text.replace(&id, name);
    fs::write(template.with_file_name(SLASH), record("res/1")).unwrap();
    fs::write(template.with_file_name(COLON), record("res:1")).unwrap();
    // The early name of all three is the file of the third.
    fs::write(template.with_file_name("res_1.json"), record("res_1")).unwrap();
    fs::remove_file(template).unwrap();

    // One is settled, the others are in flight.
    let stalled = [Fate::Pass, Fate::StallBefore, Fate::StallBefore].map(|fate| (Route::Commit, fate));
    let process = machine.start_with(Honest::default(), stalled);
    process.run(process.client.flush(Duration::from_secs(5)));

    let left = process.wire.left(&SETTLING);
    let [first, ..] = &left[..] else { panic!("a commit") };
    let settled = first.sent.reservation().to_owned();
    let expected = [(SLASH, "res/1"), (COLON, "res:1"), (UNDERSCORE, "res_1")];
    let escaped = |id: &str| id.replace('/', "%2F").replace(':', "%3A");
    let kept: Vec<_> = expected.iter().filter(|(_, id)| *id != settled && escaped(id) != settled).collect();
    assert_eq!(kept.len(), 2, "{settled} is one of the three");
    for (name, id) in &kept {
        let text = fs::read_to_string(template.with_file_name(name)).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["reservation_id"], json!(id));
    }
    assert_eq!(files(machine.directory()).len(), 2, "each record under its own name, and none under the early one");
    process.kill();

    let next = machine.start_with(Honest::default(), []);
    assert_flushed(next.run(next.client.flush(LONG)), 2);
    assert!(machine.records().is_empty());
}
