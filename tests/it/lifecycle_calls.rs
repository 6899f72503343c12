//! The guarded call: reserve, run, settle.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use runcycles::models::{CommitOveragePolicy, CyclesMetrics, Metadata};
use runcycles::{Amount, Context, Error, Reserve, Scope, WithCyclesConfig, tokens, usd, with_cycles};
use serde_json::{Value, json};
use tracing::Level;

use crate::support::clock::pass;
use crate::support::log::Log;
use crate::support::reply::{self, Reply, json};
use crate::support::script::Script;
use crate::support::sent::Route;

const DAY: Duration = Duration::from_secs(86_400);

/// An error of the action's own.
#[derive(Debug)]
enum AgentError {
    Refused(u32),
    Cycles(Error),
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the model refused: jane's secret prompt")
    }
}

impl StdError for AgentError {}

impl From<Error> for AgentError {
    fn from(error: Error) -> Self {
        Self::Cycles(error)
    }
}

/// What an action tells its context.
type Tell = fn(&Context);

type Boxed = Box<dyn StdError + Send + Sync>;

fn config() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o")
}

/// Runs an action whose cost is what it tells its context.
async fn execute<T, Fut: Future<Output = Result<T, AgentError>>>(
    script: &Script,
    action: impl FnOnce(Context) -> Fut,
) -> Result<T, AgentError> {
    script.client().execute(config(), action).await
}

/// The one commit, and that nothing was released.
#[track_caller]
fn committed(script: &Script) -> Value {
    let sent = script.of(Route::Commit);
    assert_eq!((sent.len(), script.of(Route::Release).len()), (1, 0), "{:?}", script.sent());
    sent[0].json()
}

/// The reason of the one release, and that nothing was committed.
#[track_caller]
fn released(script: &Script) -> Value {
    let sent = script.of(Route::Release);
    assert_eq!((sent.len(), script.of(Route::Commit).len()), (1, 0), "{:?}", script.sent());
    sent[0].json()["reason"].clone()
}

/// Every kind of first answer to a settlement.
fn settlement_answers() -> Vec<Reply> {
    vec![
        Reply::Pass,
        reply::timeout(),
        reply::refusal(500, "INTERNAL_ERROR"),
        reply::refusal(401, "UNAUTHORIZED"),
        reply::refusal(400, "INVALID_REQUEST"),
        reply::refusal(404, "NOT_FOUND"),
        reply::refusal(409, "RESERVATION_FINALIZED"),
        reply::refusal(409, "BUDGET_EXCEEDED"),
        reply::refusal(410, "RESERVATION_EXPIRED"),
        reply::throttled("60"),
        reply::raw(200, "<html>"),
        reply::raw(418, ""),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_call_reserves_runs_and_commits_what_it_cost() {
    let (script, log) = (Script::new(), Log::start());
    let config = config()
        .subject(Scope::agent("bot"))
        .ttl(Duration::from_secs(30))
        .grace_period(Duration::from_secs(1))
        .overage_policy(CommitOveragePolicy::Reject)
        .metadata(json!({ "ticket": 7 }).as_object().cloned().unwrap());
    let value = with_cycles(&script.client(), config, async |context| {
        assert_eq!(context.reservation_id().as_str(), "rsv_1");
        pass(Duration::from_millis(250)).await;
        Ok(("hello", tokens(7)))
    })
    .await
    .unwrap();
    assert_eq!((value, script.routes()), ("hello", vec![Route::Reserve, Route::Commit]));
    let mut reserved = script.of(Route::Reserve)[0].json();
    reserved["idempotency_key"].take();
    let expected = json!({
        "idempotency_key": null,
        "subject": { "tenant": "acme", "agent": "bot" },
        "action": { "kind": "llm.completion", "name": "gpt-4o" },
        "estimate": { "unit": "TOKENS", "amount": 10 },
        "ttl_ms": 30_000,
        "grace_period_ms": 1_000,
        "overage_policy": "REJECT",
        "metadata": { "ticket": 7 },
    });
    assert_eq!(reserved, expected);
    let commit = committed(&script);
    assert_eq!(commit["actual"], json!({ "unit": "TOKENS", "amount": 7 }));
    assert_eq!(commit.get("metadata"), None);
    let latency = commit["metrics"]["latency_ms"].as_u64().unwrap();
    assert!((250..=251).contains(&latency), "{latency}");
    log.silent(Level::WARN);
    log.silent(Level::ERROR);
}

#[tokio::test(start_paused = true)]
async fn the_actions_value_reaches_the_caller_whatever_settlement_does() {
    for reply in settlement_answers() {
        let script = Script::new();
        script.always(Route::Commit, reply.clone());
        script.always(Route::Event, reply.clone());
        let value: u32 = with_cycles(&script.client(), config(), async |_| Ok((42, tokens(7)))).await.unwrap();
        assert_eq!(value, 42, "{reply:?}");
        assert_eq!(execute(&script, async |_| Ok(43)).await.unwrap(), 43, "{reply:?}");
        pass(DAY).await;
        assert!(script.of(Route::Release).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_actions_error_reaches_the_caller_whatever_settlement_does() {
    for reply in settlement_answers() {
        let script = Script::new();
        script.always(Route::Release, reply.clone());
        let error = execute(&script, async |_| Err::<(), _>(AgentError::Refused(7))).await.unwrap_err();
        assert!(matches!(error, AgentError::Refused(7)), "{reply:?}");

        let action = async |_| Err::<((), Amount), Boxed>(Box::new(AgentError::Refused(8)));
        let error = with_cycles(&script.client(), config(), action).await.unwrap_err();
        let Error::Action(cause) = error else { panic!("{error}") };
        assert!(matches!(cause.downcast_ref(), Some(AgentError::Refused(8))), "{reply:?}");
        pass(DAY).await;
        assert!(script.of(Route::Commit).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_that_fails_without_having_spent_is_released_and_its_words_stay_here() {
    let script = Script::new();
    execute(&script, async |_| Err::<(), _>(AgentError::Refused(7))).await.unwrap_err();
    assert_eq!(released(&script), "guarded_method_failed");
    assert!(script.sent().iter().all(|sent| !format!("{sent:?}").contains("secret")));
}

#[tokio::test(start_paused = true)]
async fn an_action_that_fails_after_spending_is_committed_for_what_it_spent() {
    let script = Script::new();
    let error = execute(&script, async |context| {
        context.record_usage(&tokens(3)).unwrap();
        context.record_usage(&tokens(2)).unwrap();
        context.insert_metadata("step", 2);
        Err::<(), _>(AgentError::Refused(7))
    })
    .await
    .unwrap_err();
    assert!(matches!(error, AgentError::Refused(7)));
    let commit = committed(&script);
    assert_eq!(commit["actual"]["amount"], 5);
    assert_eq!(commit["metadata"], json!({ "settled_after": "error", "step": 2 }));
}

#[tokio::test(start_paused = true)]
async fn a_panic_reaches_the_caller_and_the_background_settles_by_what_was_spent() {
    for spent in [None, Some(tokens(3))] {
        let script = Script::new();
        let (client, usage) = (script.client(), spent.clone());
        let task = tokio::spawn(async move {
            let action = async |context: Context| -> Result<(), AgentError> {
                if let Some(usage) = usage {
                    context.record_usage(&usage).unwrap();
                }
                std::panic::resume_unwind(Box::new("the action broke"));
            };
            client.execute(config(), action).await
        });
        let panic = task.await.unwrap_err().into_panic();
        assert_eq!(panic.downcast_ref(), Some(&"the action broke"));
        pass(DAY).await;
        if spent.is_none() {
            assert_eq!(released(&script), "guarded_method_panicked");
        } else {
            let commit = committed(&script);
            assert_eq!(
                (&commit["actual"]["amount"], &commit["metadata"]["settled_after"]),
                (&json!(3), &json!("panic"))
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_is_settled_in_the_background_by_what_was_spent() {
    for spent in [None, Some(tokens(0))] {
        let script = Script::new();
        let client = script.client();
        let action = async |context: Context| -> Result<(), AgentError> {
            if let Some(spent) = spent.clone() {
                context.set_actual(spent).unwrap();
            }
            std::future::pending().await
        };
        let call = tokio::time::timeout(Duration::from_secs(5), client.execute(config(), action));
        assert!(call.await.is_err(), "the action never ends");
        pass(DAY).await;
        if spent.is_none() {
            assert_eq!(released(&script), "guarded_method_cancelled");
        } else {
            let commit = committed(&script);
            assert_eq!(commit["actual"]["amount"], 0);
            assert_eq!(commit["metadata"]["settled_after"], "cancellation");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_action_tells_its_context_is_what_it_cost() {
    let cases: [(Tell, u64); 6] = [
        (|context| context.record_usage(&tokens(3)).unwrap(), 3),
        (|context| (1..=4).for_each(|n| context.record_usage(&tokens(n)).unwrap()), 10),
        (|context| context.set_actual(tokens(8)).unwrap(), 8),
        (|context| context.set_actual(tokens(0)).unwrap(), 0),
        (
            |context| {
                context.record_usage(&tokens(3)).unwrap();
                context.set_actual(tokens(2)).unwrap();
            },
            2,
        ),
        (
            |context| {
                context.record_usage(&tokens(3)).unwrap();
                context.record_usage(&usd!(1)).unwrap_err();
                context.set_actual(usd!(1)).unwrap_err();
                context.record_usage(&tokens(i64::MAX as u64)).unwrap_err();
            },
            3,
        ),
    ];
    for (tell, amount) in cases {
        let script = Script::new();
        execute(&script, async |context| {
            tell(&context);
            Ok(())
        })
        .await
        .unwrap();
        let commit = committed(&script);
        assert_eq!((&commit["actual"]["amount"], commit.get("metadata")), (&json!(amount), None));
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_that_tells_nothing_is_committed_for_its_estimate_and_marked() {
    let script = Script::new();
    execute(&script, async |_| Ok(())).await.unwrap();
    let commit = committed(&script);
    assert_eq!(commit["actual"], json!({ "unit": "TOKENS", "amount": 10 }));
    assert_eq!(commit["metadata"], json!({ "actual_source": "estimate" }));
}

#[tokio::test(start_paused = true)]
async fn an_actual_that_cannot_be_committed_gives_way_to_what_is_known_with_a_warning() {
    // In another unit, or beyond int64; with and without usage that was recorded.
    for actual in [usd!(1), tokens(u64::MAX)] {
        for (recorded, amount, source) in [(None, 10, Some("estimate")), (Some(tokens(4)), 4, None)] {
            let script = Script::new();
            let log = Log::start();
            let actual = actual.clone();
            let value = with_cycles(&script.client(), config(), async |context: Context| {
                if let Some(recorded) = recorded {
                    context.record_usage(&recorded)?;
                }
                Ok(("hello", actual))
            })
            .await;
            assert_eq!(value.unwrap(), "hello");
            let commit = committed(&script);
            assert_eq!(commit["actual"], json!({ "unit": "TOKENS", "amount": amount }));
            assert_eq!(commit["metadata"]["actual_source"], json!(source));
            log.told(Level::WARN, &["the actual amount is unusable", "rsv_1"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_that_is_not_allowed_never_runs() {
    let denial = |decision: &str| {
        json(200, &json!({ "decision": decision, "affected_scopes": [], "reason_code": "BUDGET_EXCEEDED" }))
    };
    let unusable = json(201, &json!({ "decision": "ALLOW", "reservation_id": "rsv_1", "affected_scopes": [] }));
    for reply in [
        reply::refusal(409, "BUDGET_EXCEEDED"),
        reply::refusal(409, "OVERDRAFT_LIMIT_EXCEEDED"),
        reply::refusal(409, "DEBT_OUTSTANDING"),
        reply::refusal(409, "BUDGET_FROZEN"),
        reply::refusal(409, "BUDGET_CLOSED"),
        reply::refusal(409, "TENANT_CLOSED"),
        reply::refusal(409, "CODE_OF_THE_FUTURE"),
        reply::refusal(404, "NOT_FOUND"),
        reply::refusal(401, "UNAUTHORIZED"),
        reply::throttled("0"),
        reply::refusal(500, "INTERNAL_ERROR"),
        reply::timeout(),
        Reply::Silence,
        denial("DENY"),
        denial("ALLOW_LATER"),
        unusable,
        reply::raw(200, "<html>"),
    ] {
        let script = Script::new();
        script.always(Route::Reserve, reply.clone());
        let result = execute(&script, async |_| -> Result<(), _> { panic!("{reply:?} is no allowance") }).await;
        let Err(AgentError::Cycles(error)) = result else { panic!("{result:?}") };
        assert!(!matches!(error, Error::Action(_)), "{error}");
        let action = async |_| -> Result<((), Amount), Boxed> { panic!("{reply:?} is no allowance") };
        let error = with_cycles(&script.client(), config(), action).await.unwrap_err();
        assert!(!matches!(error, Error::Action(_)), "{error}");
        pass(DAY).await;
        assert!(script.of(Route::Commit).is_empty() && script.of(Route::Extend).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_configuration_out_of_range_sends_nothing_and_runs_nothing() {
    for (config, field) in [
        (WithCyclesConfig::new(tokens(1)), "action.kind"),
        (config().ttl(Duration::from_millis(1)), "ttl_ms"),
        (config().grace_period(Duration::from_secs(61)), "grace_period_ms"),
        (config().subject(Scope::agent("jane@acme.com")), "subject.agent"),
        (WithCyclesConfig::new(tokens(u64::MAX)).action("a", "b"), "estimate"),
    ] {
        let script = Script::new();
        let action = async |_| -> Result<((), Amount), Boxed> { panic!("{field} is out of range") };
        let error = with_cycles(&script.client(), config, action).await.unwrap_err();
        assert!(matches!(&error, Error::Validation(error) if error.field() == field), "{error}");
        assert!(script.sent().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_authority_only_observes_the_action_runs_unmetered() {
    let script = Script::new();
    script.always(Route::Reserve, json(200, &json!({ "decision": "ALLOW", "affected_scopes": [] })));
    let spent = execute(&script, async |context| {
        context.record_usage(&tokens(3)).unwrap();
        pass(DAY).await;
        Ok(42)
    });
    assert_eq!(spent.await.unwrap(), 42);
    execute(&script, async |_| Err::<(), _>(AgentError::Refused(7))).await.unwrap_err();
    pass(DAY).await;
    assert_eq!(script.routes(), [Route::Reserve; 2]);
}

#[tokio::test(start_paused = true)]
async fn measurements_go_with_the_commit_and_latency_is_measured_where_they_leave_it_out() {
    let set = |latency_ms| CyclesMetrics { tokens_input: Some(3), latency_ms, ..CyclesMetrics::default() };
    let (invalid, own) = (CyclesMetrics { latency_ms: Some(1 << 31), ..set(None) }, set(Some(5)));
    // What the configuration sets, what the action sets, what is sent.
    for (configured, told, sent) in [
        (None, None, json!({ "latency_ms": 40 })),
        (Some(set(None)), None, json!({ "tokens_input": 3, "latency_ms": 40 })),
        (Some(own.clone()), None, json!({ "tokens_input": 3, "latency_ms": 5 })),
        (Some(CyclesMetrics::default()), Some(own), json!({ "tokens_input": 3, "latency_ms": 5 })),
        (None, Some(invalid), json!({ "latency_ms": 40 })),
    ] {
        let script = Script::new();
        // Timers count in whole milliseconds from the start of the runtime.
        pass(Duration::from_millis(1)).await;
        let config = configured.map_or_else(config, |metrics| config().metrics(metrics));
        with_cycles(&script.client(), config, async |context: Context| {
            if let Some(metrics) = told {
                context.set_metrics(metrics);
            }
            pass(Duration::from_millis(40)).await;
            Ok(((), tokens(1)))
        })
        .await
        .unwrap();
        assert_eq!(committed(&script)["metrics"], sent);
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_of_the_action_goes_with_the_commit_and_that_of_the_call_with_the_reservation() {
    let script = Script::new();
    let metadata: Metadata = json!({ "call": 1 }).as_object().cloned().unwrap();
    with_cycles(&script.client(), config().metadata(metadata), async |context: Context| {
        context.insert_metadata("model", "gpt-4o-2024-08-06");
        context.insert_metadata("cached", false);
        Ok(((), tokens(1)))
    })
    .await
    .unwrap();
    assert_eq!(script.of(Route::Reserve)[0].json()["metadata"], json!({ "call": 1 }));
    assert_eq!(committed(&script)["metadata"], json!({ "cached": false, "model": "gpt-4o-2024-08-06" }));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_while_it_settles_settles_once() {
    let script = Script::new();
    let client = script.client();
    script.next(Route::Commit, [Reply::Silence]);
    let runs = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&runs);
    let call = with_cycles(&client, config(), async move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(((), tokens(7)))
    });
    tokio::select! {
        result = call => panic!("{result:?}"),
        _ = script.wait_for(Route::Commit, 1) => {}
    }
    pass(DAY).await;
    let sent = script.of(Route::Commit);
    assert_eq!((sent.len(), runs.load(Ordering::Relaxed)), (2, 1));
    assert_eq!(sent[0].body, sent[1].body);
    assert!(script.of(Route::Release).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_dropped_action_tells_while_it_is_dropped_counts() {
    struct Meter(Context);
    impl Drop for Meter {
        fn drop(&mut self) {
            self.0.record_usage(&tokens(6)).unwrap();
        }
    }
    let script = Script::new();
    let client = script.client();
    let call = client.execute(config(), async |context| -> Result<(), AgentError> {
        let _meter = Meter(context);
        std::future::pending().await
    });
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    pass(DAY).await;
    assert_eq!(committed(&script)["actual"]["amount"], 6);
}

#[tokio::test(start_paused = true)]
async fn the_futures_of_a_call_are_small_enough_to_be_moved_and_nested() {
    let client = Script::new().client();
    let reserving = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(tokens(1)));
    assert!(size_of_val(&reserving) < 2_560, "{}", size_of_val(&reserving));
    let committing = reserving.await.unwrap().commit(tokens(1));
    assert!(size_of_val(&committing) < 2_048, "{}", size_of_val(&committing));
    committing.await.unwrap();
    let call = client.execute(config(), async |_| Ok::<_, Error>(()));
    assert!(size_of_val(&call) < 5_120, "{}", size_of_val(&call));
    call.await.unwrap();
}
