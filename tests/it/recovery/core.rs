//! The scenarios of the claim `core`, and the boundary.

use std::time::Duration;

use runcycles::models::Amount;
use runcycles::{Context, Error, Scope, Settlement, UnknownSpend, WithCyclesConfig, tokens, with_cycles};
use serde_json::json;
use tracing::Level;

use super::process::{LONG, Machine, reserve};
use super::wire::Fate;
use crate::support::log::Log;
use crate::support::sent::Route;

const SETTLING: [Route; 2] = [Route::Commit, Route::Event];

fn config() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("tool.call", "search").subject(Scope::agent("bot"))
}

#[test]
fn a_commit_whose_answer_is_lost_is_repeated_with_its_key() {
    let machine = Machine::new();
    let process = machine.start([(Route::Commit, Fate::LoseAnswer)]);

    let settlement = process.run(async { reserve(&process.client).await.commit(tokens(7)).await.unwrap() });

    assert!(matches!(settlement, Settlement::Committed { .. }), "{settlement}");
    let [first, second] = &process.wire.left(&SETTLING)[..] else { panic!("two commits") };
    assert_eq!((first.sent.target(), &first.sent.body), (second.sent.target(), &second.sent.body));
    assert_eq!(first.sent.key(), second.sent.key());
    assert_eq!((first.on_disk.len(), second.on_disk.len()), (1, 1));
    assert!(machine.records().is_empty());
    assert_eq!(machine.spent(), 7, "the ledger has it once");
    machine.authority.assert_settled();
}

#[test]
fn a_commit_that_comes_too_late_becomes_an_event_with_its_key() {
    let machine = Machine::new();
    let process =
        machine.start([(Route::Extend, Fate::Fail), (Route::Extend, Fate::Fail), (Route::Extend, Fate::Fail)]);

    let settlement = process.run(async {
        let guard = reserve(&process.client).await;
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        guard.commit(tokens(7)).await.unwrap()
    });

    assert!(matches!(settlement, Settlement::RecoveredByEvent { .. }), "{settlement}");
    let [commit, event] = &process.wire.left(&SETTLING)[..] else { panic!("a commit and an event") };
    assert_eq!((commit.sent.route, event.sent.route), (Route::Commit, Route::Event));
    assert_eq!(commit.sent.key(), event.sent.key());
    assert_eq!((&commit.on_disk[0]["mode"], &event.on_disk[0]["mode"]), (&json!("commit"), &json!("event")));
    let (commit, event) = (commit.sent.json(), event.sent.json());
    assert_eq!(event["subject"], json!({ "tenant": "acme" }));
    assert_eq!(event["action"], json!({ "kind": "tool.call", "name": "search" }));
    assert_eq!(event["actual"], commit["actual"]);
    assert!(machine.records().is_empty());
    assert_eq!(machine.spent(), 7, "the ledger has it once");
}

#[test]
fn a_heartbeat_that_fails_is_told_and_the_action_goes_on() {
    let (machine, log) = (Machine::new(), Log::start());
    let process = machine.start([(Route::Extend, Fate::Fail)]);

    let (value, id) = process.run(async {
        let action = |context: Context| async move {
            tokio::time::sleep(Duration::from_secs(50)).await;
            Ok(((42, context.reservation_id().to_string()), tokens(7)))
        };
        with_cycles(&process.client, config(), action).await.unwrap()
    });

    assert_eq!(value, 42);
    log.told(Level::WARN, &["not extended", &id, "will_retry=true"]);
    let left = process.wire.left(&[Route::Extend, Route::Commit]);
    let [first, second, commit] = &left[..] else { panic!("an extension twice, and a commit") };
    assert_eq!((first.sent.route, second.sent.route, commit.sent.route), (Route::Extend, Route::Extend, Route::Commit));
    assert_eq!(first.sent.body, second.sent.body);
    assert!(second.at_ms > first.at_ms && second.at_ms < commit.at_ms);
    assert_eq!(machine.spent(), 7);
    machine.authority.assert_settled();
}

#[test]
fn a_success_that_breaks_the_protocol_settles_nothing() {
    for answer in [
        Fate::Answer(202, None, r#"{"status":"COMMITTED","charged":{"unit":"TOKENS","amount":7}}"#),
        Fate::Answer(201, None, r#"{"status":"COMMITTED","charged":{"unit":"TOKENS","amount":7}}"#),
        Fate::Answer(204, None, ""),
        Fate::Answer(200, None, ""),
        Fate::Answer(200, None, r#"{"status":"COMMITTED"}"#),
        Fate::Answer(200, None, r#"{"status":"RELEASED","charged":{"unit":"TOKENS","amount":7}}"#),
        Fate::Answer(200, None, r#"{"status":"COMMITTED","charged":{"unit":"TOKENS","amount":"7"}}"#),
    ] {
        let machine = Machine::new();
        let process = machine.start([(Route::Commit, answer)]);

        let settlement = process.run(async { reserve(&process.client).await.commit(tokens(7)).await.unwrap() });

        assert!(matches!(settlement, Settlement::Committed { .. }), "{settlement}");
        let [first, second] = &process.wire.left(&SETTLING)[..] else { panic!("two commits") };
        assert_eq!((first.sent.target(), &first.sent.body), (second.sent.target(), &second.sent.body));
        assert_eq!(second.on_disk.len(), 1, "it is kept until it is settled");
        assert!(machine.records().is_empty());
        assert_eq!(machine.spent(), 7, "the ledger has it once");
    }
}

#[test]
fn without_a_known_amount_nothing_is_settled_and_the_failure_reaches_the_caller() {
    for policy in [UnknownSpend::Release, UnknownSpend::Hold] {
        let machine = Machine::new();
        let process = machine.start([]);

        let failed: Result<(), Error> = process.run(async {
            let action = |_| async { Err::<((), Amount), _>("the tool broke".into()) };
            with_cycles(&process.client, config().unknown_spend(policy), action).await
        });
        let panicked = process.run(async {
            let client = process.client.clone();
            let call = async move {
                let action = |_: Context| async { std::panic::resume_unwind(Box::new("the tool panicked")) };
                client.execute::<(), Error, _, _>(config().unknown_spend(policy), action).await
            };
            tokio::spawn(call).await
        });
        process.run(process.client.flush(LONG));

        let Err(Error::Action(error)) = failed else { panic!("{failed:?}") };
        assert_eq!(error.to_string(), "the tool broke");
        assert!(panicked.is_err_and(|error| error.is_panic()));
        assert!(process.wire.left(&SETTLING).is_empty());
        assert!(machine.records().is_empty());
        assert_eq!(machine.spent(), 0);
    }
}
