//! The client for code that is not async: the whole lifecycle, inside of runtimes and outside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use runcycles::blocking::{self, with_cycles};
use runcycles::models::{BalanceParams, ListReservationsParams};
use runcycles::{CyclesClient, Error, Reserve, Scope, Settlement, WithCyclesConfig, context, cycles, tokens};
use serde_json::json;

use crate::support::operations::{self, reserve};
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;

fn client(script: &Script) -> blocking::CyclesClient {
    script.builder().build_blocking()
}

fn config() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o").subject(Scope::agent("bot"))
}

/// Runs something outside of a runtime, and inside of both kinds.
fn everywhere(run: impl Fn() + Send + Sync) {
    run();
    for builder in [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()] {
        let mut builder = builder;
        builder.enable_all().build().expect("a runtime").block_on(async { run() });
    }
}

#[cycles(tokens(9), "a.b", client = client, agent = user, actual = |n| *n)]
fn plain(client: &CyclesClient, user: &str, n: u64) -> Result<u64, Error> {
    let context = context().expect("a context");
    context.insert_metadata("user", user);
    if n == 0 {
        return Err(Error::Action("nothing to do".into()));
    }
    Ok(n)
}

#[test]
fn guards_are_settled_inside_of_runtimes_and_outside() {
    everywhere(|| {
        let script = Script::new();
        let client = client(&script);
        let guard = client.reserve(reserve()).unwrap();
        assert_eq!(guard.reserved(), &tokens(10));
        assert!(guard.lease_left() > Duration::from_secs(50), "it is kept alive");
        assert!(guard.extend(Duration::from_secs(5)).is_ok());
        assert!(matches!(guard.commit(tokens(7)), Ok(Settlement::Committed { .. })));
        assert!(matches!(client.reserve(reserve()).unwrap().release("not needed"), Ok(Settlement::Released { .. })));
        assert_eq!(script.routes(), [Route::Reserve, Route::Extend, Route::Commit, Route::Reserve, Route::Release]);
    });
}

#[test]
fn calls_run_on_this_thread_in_their_context_and_are_settled() {
    everywhere(|| {
        let script = Script::new();
        let client = client(&script);
        let here = std::thread::current().id();
        let value: Result<_, Error> = client.execute(config(), |context| {
            assert_eq!(std::thread::current().id(), here);
            assert_eq!(
                runcycles::context().map(|own| own.reservation_id().clone()).as_ref(),
                Some(context.reservation_id())
            );
            context.record_usage(&tokens(4)).expect("the unit of the reservation");
            Ok(5)
        });
        assert_eq!(value.unwrap(), 5);
        assert_eq!(with_cycles(&client, config(), |_| Ok((6, tokens(3)))).unwrap(), 6);
        let failed: Result<(), Error> = client.execute(config(), |_| Err(Error::Action("broke".into())));
        assert!(matches!(failed, Err(Error::Action(_))));
        let amounts: Vec<_> =
            script.of(Route::Commit).iter().map(|sent| sent.json()["actual"]["amount"].clone()).collect();
        assert_eq!(amounts, [json!(4), json!(3)]);
        assert_eq!(script.of(Route::Release)[0].json()["reason"], "guarded_method_failed");
    });
}

#[test]
fn a_guard_that_is_dropped_or_falls_to_a_panic_is_settled_in_the_background() {
    let script = Script::new();
    let client = client(&script);
    drop(client.reserve(reserve()).unwrap());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        client.execute(config(), |_| -> Result<(), Error> { std::panic::resume_unwind(Box::new("the action broke")) })
    }));
    assert!(panicked.is_err());
    client.flush(Duration::from_secs(10)).unwrap();
    let mut reasons: Vec<_> = script.of(Route::Release).iter().map(|sent| sent.json()["reason"].clone()).collect();
    reasons.sort_by_key(ToString::to_string);
    assert_eq!(reasons, ["guard_dropped", "guarded_method_panicked"]);
}

#[test]
fn plain_functions_are_guarded_like_async_ones() {
    everywhere(|| {
        let script = Script::new();
        let client = script.client();
        assert_eq!(plain(&client, "bot", 7).unwrap(), 7);
        plain(&client, "bot", 0).unwrap_err();
        let [done, failed] = [&script.of(Route::Commit)[0].json(), &script.of(Route::Release)[0].json()];
        assert_eq!(failed["reason"], "guarded_method_failed");
        assert_eq!((&done["actual"]["amount"], &done["metadata"]["user"]), (&json!(7), &json!("bot")));
        script.always(Route::Reserve, reply::refusal(409, "BUDGET_EXCEEDED"));
        assert!(plain(&client, "bot", 7).unwrap_err().is_budget_exceeded());
    });
}

#[test]
fn plain_functions_have_every_shape_and_nest() {
    struct Agent {
        name: String,
    }

    impl Agent {
        #[cycles(tokens(9), "a.b", agent = self.name, actual = |n| *n, fallback = Ok(0))]
        fn ask(&mut self, n: impl Into<u64>) -> Result<u64, Error> {
            self.name.push('x');
            inner(n.into())
        }
    }

    #[cycles(tokens(9), "a.c", actual = output + 1, metadata = [("n", n)])]
    fn inner(n: u64) -> Result<u64, Error> {
        let text = n.to_string();
        let n: u64 = text.parse().map_err(|_| Error::Action("no number".into()))?;
        Ok(n)
    }

    let script = Script::new();
    let client = client(&script).scoped(Scope::workflow("run-1"));
    let mut agent = Agent { name: "bot".to_owned() };
    assert_eq!(client.run(|| agent.ask(3_u8)).unwrap(), 3);
    assert_eq!(agent.name, "botx");
    let amounts: Vec<_> = script.of(Route::Commit).iter().map(|sent| sent.json()["actual"]["amount"].clone()).collect();
    assert_eq!(amounts, [json!(4), json!(3)]);
    assert!(script.of(Route::Reserve).iter().all(|sent| sent.json()["subject"]["workflow"] == "run-1"));
    script.always(Route::Reserve, reply::refusal(409, "BUDGET_EXCEEDED"));
    assert_eq!(client.run(|| agent.ask(3_u8)).unwrap(), 0);
}

#[test]
fn every_operation_waits_for_its_answer() {
    let script = Script::new();
    let client = client(&script);
    let id = operations::reservation();
    client.decide(&operations::decide()).unwrap();
    client.create_reservation(&operations::reserve()).unwrap();
    client.list_reservations(&ListReservationsParams::new()).unwrap();
    assert!(client.get_reservation(&id).is_err(), "this authority forgets its reservations");
    client.commit_reservation(&id, &runcycles::models::CommitRequest::new(tokens(7))).unwrap();
    client.release_reservation(&id, &runcycles::models::ReleaseRequest::new("not needed")).unwrap();
    client.extend_reservation(&id, &runcycles::models::ExtendRequest::new(Duration::from_secs(60))).unwrap();
    client.get_balances(&BalanceParams::within(Scope::tenant("acme"))).unwrap();
    client.create_event(&operations::event()).unwrap();
    assert_eq!(client.reservations(ListReservationsParams::new()).count(), 0);
    assert_eq!(client.balances(BalanceParams::within(Scope::tenant("acme"))).count(), 0);
    assert_eq!(script.sent().len(), 11);
    assert!(client.shutdown(Duration::from_secs(1)).unwrap().is_clean());
    assert!(matches!(client.reserve(reserve()), Err(Error::ShutDown)));
}

#[test]
fn a_wait_inside_of_a_wait_takes_no_wake_up_from_it() {
    let script = Script::new();
    script.always(Route::Commit, reply::Reply::Pass.after(Duration::from_millis(5)));
    script.always(Route::Reserve, reply::Reply::Pass.after(Duration::from_millis(5)));
    let client = client(&script);
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        for _ in 0..20 {
            let outer: Result<(), Error> = client.execute(config(), |_| {
                let inner = Reserve::new("a", "b").estimate(tokens(1)).subject(Scope::agent("bot"));
                client.reserve(inner)?.commit(tokens(1))?;
                Ok(())
            });
            outer.unwrap();
        }
        done.send(()).expect("the test waits");
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("it ends");
}
