//! What an application learns of its settlements: the hook and the counters.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use runcycles::{
    Amount, CyclesClient, CyclesClientBuilder, JournalConfig, Settlement, SettlementCounters, SettlementEvent,
    SettlementStep, UnknownSpend, tokens,
};
use serde_json::json;
use tracing::Level;

use crate::support::clock::pass;
use crate::support::log::Log;
use crate::support::operations::reserve;
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;

const DAY: Duration = Duration::from_secs(86_400);

/// What a hook is told: the reservation, the spend, and the step's name.
type Line = (String, Option<u64>, String);

/// What a hook was told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Line>>>);

impl Told {
    fn listen(&self, builder: CyclesClientBuilder) -> CyclesClient {
        let told = Self::clone(self);
        builder.on_settlement(move |event| told.add(event)).build()
    }

    fn add(&self, event: &SettlementEvent<'_>) {
        let step = format!("{:?}", event.step);
        let name = step.split(['(', ' ']).next().unwrap_or_default().to_owned();
        let spend = event.spend.map(Amount::value);
        self.0.lock().unwrap().push((event.reservation.to_owned(), spend, name));
    }

    /// The names of all steps so far.
    fn steps(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, _, step)| step.clone()).collect()
    }
}

async fn commit(client: &CyclesClient) -> Settlement {
    client.reserve(reserve()).await.unwrap().commit(tokens(7)).await.unwrap_or(Settlement::Pending)
}

fn counted(count: impl FnOnce(&mut SettlementCounters)) -> SettlementCounters {
    let mut counters = SettlementCounters::default();
    count(&mut counters);
    counters
}

/// The answers to a commit, the steps that the hook is told of, and the counters that are one afterwards.
type Case = (Vec<Reply>, &'static [&'static str], fn(&mut SettlementCounters));

#[tokio::test(start_paused = true)]
async fn the_hook_and_the_counters_tell_each_step_of_a_settlement() {
    let cases: [Case; 8] = [
        (vec![Reply::Pass], &["Settled"], |c| c.committed = 1),
        (vec![reply::timeout()], &["NotConfirmed", "Settled"], |c| (c.committed, c.retried) = (1, 1)),
        (vec![reply::timeout(), reply::timeout()], &["NotConfirmed", "NotConfirmed", "Detached", "Settled"], |c| {
            (c.committed, c.retried, c.detached) = (1, 2, 1);
        }),
        (vec![reply::refusal(410, "RESERVATION_EXPIRED")], &["Lapsed", "Settled"], |c| {
            (c.recovered_by_event, c.lapsed) = (1, 1);
        }),
        (vec![reply::refusal(409, "RESERVATION_FINALIZED")], &["Settled"], |c| c.already_finalized = 1),
        (vec![reply::refusal(400, "INVALID_REQUEST")], &["Rejected"], |c| c.rejected = 1),
        (vec![reply::refusal(401, "UNAUTHORIZED")], &["NotConfirmed", "Detached", "Settled"], |c| {
            (c.committed, c.auth_kept, c.detached, c.retried) = (1, 1, 1, 1);
        }),
        (vec![reply::throttled("5")], &["NotConfirmed", "Detached", "Settled"], |c| {
            (c.committed, c.detached, c.retried) = (1, 1, 1);
        }),
    ];
    for (answers, steps, count) in cases {
        let (script, told) = (Script::new(), Told::default());
        script.next(Route::Commit, answers.clone());
        let client = told.listen(script.builder());
        commit(&client).await;
        pass(DAY).await;
        assert_eq!(told.steps(), steps, "{answers:?}");
        assert!(told.0.lock().unwrap().iter().all(|(id, spend, _)| id == "rsv_1" && *spend == Some(7)));
        assert_eq!(client.settlement_counters(), counted(count), "{answers:?}");
        assert_eq!(client.settlement_counters().settled(), u64::from(!steps.contains(&"Rejected")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_is_out_of_attempts_is_told_as_parked() {
    let (script, told) = (Script::new(), Told::default());
    script.always(Route::Commit, reply::refusal(409, "BUDGET_FROZEN"));
    let client = told.listen(script.builder());
    commit(&client).await;
    pass(DAY).await;
    assert_eq!(told.steps().last().map(String::as_str), Some("Parked"));
    let counters = client.settlement_counters();
    assert_eq!((counters.parked, counters.retried, counters.settled()), (1, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_settlement_is_told_as_detached_and_a_hold_that_is_left_as_held() {
    let (script, told) = (Script::new(), Told::default());
    let client = told.listen(script.builder());
    drop(client.reserve(reserve()).await.unwrap().commit(tokens(7)));
    pass(DAY).await;
    assert_eq!(told.steps(), ["Detached", "Settled"]);

    let mut guard = client.reserve(reserve()).await.unwrap();
    guard.set_unknown_spend(UnknownSpend::Hold);
    drop(guard);
    client.reserve(reserve()).await.unwrap().release("not needed").await.unwrap();
    assert_eq!(told.steps()[2..], ["Held", "Settled"]);
    let expected = counted(|c| (c.detached, c.committed, c.held, c.released) = (1, 1, 1, 1));
    assert_eq!(client.settlement_counters(), expected);
}

#[tokio::test(start_paused = true)]
async fn where_the_authority_only_observes_nothing_is_told_or_counted() {
    let (script, told) = (Script::new(), Told::default());
    let observed = json!({ "decision": "ALLOW", "affected_scopes": [] });
    script.always(Route::Reserve, reply::json(200, &observed));
    let client = told.listen(script.builder());
    assert_eq!(commit(&client).await, Settlement::Observed);
    drop(client.reserve(reserve()).await.unwrap().commit(tokens(7)));
    drop(client.reserve(reserve()).await.unwrap());
    pass(DAY).await;
    assert!(told.steps().is_empty());
    assert_eq!(client.settlement_counters(), SettlementCounters::default());
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_breaks_no_settlement() {
    for answers in [vec![], vec![reply::timeout(), reply::timeout()], vec![reply::timeout(), Reply::Panic]] {
        let (script, log) = (Script::new(), Log::start());
        script.next(Route::Commit, answers);
        let client = script.builder().on_settlement(|_| std::panic::resume_unwind(Box::new("the hook broke"))).build();
        let committing = tokio::spawn(client.reserve(reserve()).await.unwrap().commit(tokens(7)));
        let _ = committing.await;
        drop(client.reserve(reserve()).await.unwrap());
        client.flush(DAY).await;
        let counters = client.settlement_counters();
        assert_eq!((counters.committed, counters.released), (1, 1));
        log.told(Level::ERROR, &["hook panicked"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_use_the_client_it_belongs_to() {
    let script = Script::new();
    let held = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (in_hook, of_hook) = (Arc::clone(&held), Arc::clone(&seen));
    let client = script
        .builder()
        .on_settlement(move |event| {
            if let SettlementStep::Settled(settlement) = event.step {
                of_hook.lock().unwrap().push(settlement.to_string());
            }
            // Dropping a guard takes every lock of the engine.
            let guard: Option<runcycles::ReservationGuard> = in_hook.lock().unwrap().pop();
            drop(guard);
        })
        .build();
    let guard = client.reserve(reserve()).await.unwrap();
    let other = client.reserve(reserve()).await.unwrap();
    held.lock().unwrap().push(other);
    guard.commit(tokens(7)).await.unwrap();
    client.flush(DAY).await;
    assert_eq!(*seen.lock().unwrap(), ["7 tokens committed", "10 tokens returned"]);
}

#[tokio::test]
async fn a_journal_that_fails_is_told_and_counted_and_the_spend_is_settled_all_the_same() {
    let (script, told) = (Script::new(), Told::default());
    let file = tempfile::NamedTempFile::new().unwrap();
    let client = told.listen(script.builder().journal(JournalConfig::in_directory(file.path())));
    assert!(matches!(commit(&client).await, Settlement::Committed { .. }));
    assert_eq!(told.steps(), ["NotKept", "Settled"]);
    assert_eq!(client.settlement_counters(), counted(|c| (c.journal_failures, c.committed) = (1, 1)));
}
