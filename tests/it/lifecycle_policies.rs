//! What an application decides about guarded calls that end early, or whose settlement is not confirmed.

use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use runcycles::{
    Amount, Context, CyclesClient, Error, OnUnsettled, UnknownSpend, WithCyclesConfig, denial, tokens, with_cycles,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tracing::Level;

use crate::support::clock::pass;
use crate::support::log::Log;
use crate::support::operations::reserve;
use crate::support::reply::{self, Reply};
use crate::support::script::Script;
use crate::support::sent::Route;

const DAY: Duration = Duration::from_secs(86_400);

/// How an action ends that does not succeed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Error,
    Cancellation,
    Panic,
}

impl End {
    const ALL: [Self; 3] = [Self::Error, Self::Cancellation, Self::Panic];

    /// The reason of a release.
    fn reason(self) -> &'static str {
        match self {
            Self::Error => "guarded_method_failed",
            Self::Cancellation => "guarded_method_cancelled",
            Self::Panic => "guarded_method_panicked",
        }
    }

    /// The circumstances of a commit.
    fn settled_after(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Cancellation => "cancellation",
            Self::Panic => "panic",
        }
    }
}

/// What an action knows of its cost when it ends.
type Tell = fn(&Context);

fn nothing(_: &Context) {}

fn config() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o")
}

/// Runs an action that tells something and then ends early, and lets the background do its work.
async fn run(client: &CyclesClient, config: WithCyclesConfig, tell: Tell, end: End) {
    let action = async |context: Context| -> Result<(), Error> {
        tell(&context);
        match end {
            End::Error => Err(Error::Action("the model refused".into())),
            End::Cancellation => std::future::pending().await,
            End::Panic => std::panic::resume_unwind(Box::new("the action broke")),
        }
    };
    let call = client.execute(config, action);
    match end {
        End::Error => assert!(matches!(call.await, Err(Error::Action(_)))),
        End::Cancellation => drop(tokio::time::timeout(Duration::from_secs(5), call).await),
        End::Panic => {
            let mut call = Box::pin(call);
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            while let Ok(poll) = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(&mut cx))) {
                assert!(poll.is_pending());
                tokio::task::yield_now().await;
            }
        }
    }
    pass(DAY).await;
}

/// The one commit's amount and metadata, and that nothing else settled.
#[track_caller]
fn committed(script: &Script) -> (Value, Value) {
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
    let commit = script.of(Route::Commit)[0].json();
    (commit["actual"]["amount"].clone(), commit["metadata"].clone())
}

#[tokio::test(start_paused = true)]
async fn a_hold_at_an_unknown_cost_is_released_unless_told_otherwise() {
    for end in End::ALL {
        let script = Script::new();
        run(&script.client(), config(), nothing, end).await;
        assert_eq!(script.routes(), [Route::Reserve, Route::Release], "{end:?}");
        assert_eq!(script.of(Route::Release)[0].json()["reason"], end.reason());
    }
}

#[tokio::test(start_paused = true)]
async fn the_estimate_is_charged_for_an_unknown_cost_where_the_application_says_so_and_marked() {
    for end in End::ALL {
        let script = Script::new();
        run(&script.client(), config().unknown_spend(UnknownSpend::ChargeEstimate), nothing, end).await;
        let basis = json!({ "actual_source": "estimate", "settled_after": end.settled_after() });
        assert_eq!(committed(&script), (json!(10), basis), "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_at_an_unknown_cost_lapses_where_the_application_says_so_and_operators_are_told() {
    for end in End::ALL {
        let (script, log) = (Script::new(), Log::start());
        run(&script.client(), config().unknown_spend(UnknownSpend::Hold), nothing, end).await;
        assert_eq!(script.routes(), [Route::Reserve], "{end:?}: neither settled nor kept alive");
        log.told(Level::WARN, &["left to lapse", "rsv_1", end.reason(), "10 tokens"]);
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_committed_whatever_the_policy() {
    let cases: [(Tell, u64); 7] = [
        (|context| context.record_usage(&tokens(3)).unwrap(), 3),
        (|context| context.record_usage(&tokens(0)).unwrap(), 0),
        (|context| context.set_actual(tokens(8)).unwrap(), 8),
        (|context| context.set_actual(tokens(0)).unwrap(), 0),
        (|context| context.record_usage(&tokens(30)).unwrap(), 30),
        (
            |context| {
                context.record_usage(&tokens(3)).unwrap();
                context.set_actual(tokens(2)).unwrap();
            },
            2,
        ),
        (
            |context| {
                context.set_actual(tokens(2)).unwrap();
                context.record_usage(&tokens(3)).unwrap();
            },
            5,
        ),
    ];
    for policy in [UnknownSpend::Release, UnknownSpend::ChargeEstimate, UnknownSpend::Hold] {
        for end in End::ALL {
            for (tell, amount) in cases {
                let script = Script::new();
                run(&script.client(), config().unknown_spend(policy), tell, end).await;
                let basis = json!({ "settled_after": end.settled_after() });
                assert_eq!(committed(&script), (json!(amount), basis), "{policy:?} {end:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_decides_before_its_client() {
    let script = Script::new();
    let client = script.builder().unknown_spend(UnknownSpend::ChargeEstimate).build();
    run(&client, config(), nothing, End::Error).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
    run(&client, config().unknown_spend(UnknownSpend::Hold), nothing, End::Error).await;
    assert_eq!(script.routes().len(), 3);
    run(&client, config().unknown_spend(UnknownSpend::Release), nothing, End::Error).await;
    assert_eq!(script.routes()[3..], [Route::Reserve, Route::Release]);
}

#[tokio::test(start_paused = true)]
async fn an_action_that_succeeds_at_an_unknown_cost_is_committed_for_its_estimate_whatever_the_policy() {
    for policy in [UnknownSpend::Release, UnknownSpend::ChargeEstimate, UnknownSpend::Hold] {
        let (script, config) = (Script::new(), config().unknown_spend(policy));
        let client = script.client();
        let call = client.execute(config, async |_| Ok::<_, Error>(()));
        call.await.unwrap();
        assert_eq!(committed(&script), (json!(10), json!({ "actual_source": "estimate" })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_guard_follows_the_policy_of_its_client_or_its_own() {
    let script = Script::new();
    let client = script.builder().unknown_spend(UnknownSpend::ChargeEstimate).build();
    drop(client.reserve(reserve()).await.unwrap());
    let commit = script.wait_for(Route::Commit, 1).await[0].json();
    let basis = json!({ "actual_source": "estimate", "settled_after": "cancellation" });
    assert_eq!((&commit["actual"]["amount"], &commit["metadata"]), (&json!(10), &basis));

    let mut guard = client.reserve(reserve()).await.unwrap();
    guard.set_unknown_spend(UnknownSpend::Hold);
    drop(guard);
    pass(DAY).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit, Route::Reserve]);
}

#[tokio::test(start_paused = true)]
async fn where_the_authority_only_observes_there_is_no_hold_to_tell_of() {
    let (script, log) = (Script::new(), Log::start());
    let observed = json!({ "decision": "ALLOW", "affected_scopes": [] });
    script.next(Route::Reserve, [reply::json(200, &observed)]);
    run(&script.client(), config().unknown_spend(UnknownSpend::Hold), nothing, End::Error).await;
    log.silent(Level::WARN);
}

type Boxed = Box<dyn StdError + Send + Sync>;

/// Runs an action that succeeds.
async fn succeed(script: &Script, config: WithCyclesConfig) -> Result<&'static str, Error> {
    with_cycles(&script.client(), config, async |_| Ok::<(&str, Amount), Boxed>(("hello", tokens(7)))).await
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_is_not_confirmed_is_an_error_where_the_application_says_so() {
    for (answer, refused) in [
        (reply::throttled("60"), false),
        (reply::refusal(401, "UNAUTHORIZED"), false),
        (reply::refusal(409, "BUDGET_FROZEN"), false),
        (reply::refusal(404, "NOT_FOUND"), true),
        (reply::refusal(409, "TENANT_CLOSED"), true),
    ] {
        let script = Script::new();
        script.next(Route::Commit, [answer.clone()]);
        assert_eq!(succeed(&script, config()).await.unwrap(), "hello", "{answer:?}");

        script.next(Route::Commit, [answer]);
        let error = succeed(&script, config().on_unsettled(OnUnsettled::Error)).await.unwrap_err();
        assert!(denial(&error).is_none() && !error.is_retryable(), "the action ran: {error}");
        let Error::Unsettled { reservation_id, refusal, .. } = error else { panic!("{error:?}") };
        assert_eq!((reservation_id.as_str(), refusal.is_some()), ("rsv_2", refused));
    }
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_is_confirmed_in_any_way_is_no_error() {
    for answers in [
        vec![Reply::Pass],
        vec![reply::timeout(), Reply::Pass],
        vec![reply::refusal(410, "RESERVATION_EXPIRED")],
        vec![reply::refusal(409, "RESERVATION_FINALIZED")],
    ] {
        let script = Script::new();
        script.next(Route::Commit, answers);
        assert_eq!(succeed(&script, config().on_unsettled(OnUnsettled::Error)).await.unwrap(), "hello");
    }
}

#[tokio::test(start_paused = true)]
async fn an_action_that_fails_returns_its_own_error_whatever_becomes_of_its_settlement() {
    let script = Script::new();
    script.always(Route::Release, reply::refusal(404, "NOT_FOUND"));
    let (client, config) = (script.client(), config().on_unsettled(OnUnsettled::Error));
    let call = client.execute(config, async |_| Err::<(), Error>(Error::Action("the model refused".into())));
    assert!(matches!(call.await, Err(Error::Action(_))));
}
