//! Spans and events of guarded calls.

use std::sync::mpsc;
use std::time::Duration;

use runcycles::models::{self, Unit};
use runcycles::telemetry::{self, gen_ai::ModelUsage};
use runcycles::{Context, CyclesClient, Error, Priority, Reserve, Scope, UnknownSpend, WithCyclesConfig, tokens};
use runcycles_authority::Authority;
use tracing::Level;

use crate::support::reply::{Reply, json, refusal, timeout};
use crate::support::script::{API_KEY, Script};
use crate::support::sent::Route;
use crate::support::spans::Spans;

fn call() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o").subject(Scope::agent("bot"))
}

async fn run(client: &CyclesClient) -> Result<u8, Error> {
    client
        .execute(call(), |context| async move {
            context.record_model_usage(&ModelUsage::new("gpt-4o").provider("openai").tokens(3, 4));
            tracing::info!(target: "runcycles_application", "inside");
            context.set_actual(tokens(7)).ok();
            Ok(1)
        })
        .await
}

#[tokio::test]
async fn a_call_is_one_span_whose_fields_are_recorded_as_they_become_known() {
    let spans = Spans::start();
    let authority = Authority::builder().budget("tenant:acme", tokens(100)).start().await.unwrap();
    let client = authority.client("acme");
    run(&client).await.unwrap();
    let [span] = &*spans.of(telemetry::CALL) else { panic!("{}", spans.text()) };
    assert!(span.is_closed);
    for (field, value) in [
        ("action.kind", "llm.completion"),
        ("action.name", "gpt-4o"),
        ("scope", "tenant:acme/agent:bot"),
        ("estimate", "10"),
        ("unit", Unit::Tokens.as_str()),
        ("decision", "ALLOW"),
        ("actual", "7"),
        ("charged", "7"),
        ("settlement", "committed"),
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.usage.input_tokens", "3"),
        ("gen_ai.usage.output_tokens", "4"),
    ] {
        assert_eq!(span.field(field), value, "{field}");
    }
    assert_eq!(span.field("trace.id").len(), 32);
    let inside = spans.text();
    assert!(inside.contains("inside"));
    for event in [telemetry::DECISION, telemetry::SETTLEMENT] {
        let [event] = &*spans.events(event) else { panic!("{event}: {}", spans.text()) };
        assert_eq!((event.level, event.within), (Level::DEBUG, Some(telemetry::CALL)));
        assert_eq!(event.field("reservation.id"), span.field("reservation.id"));
    }
}

#[tokio::test]
async fn the_names_and_fields_are_those_that_are_documented() {
    let spans = Spans::start();
    let script = Script::new();
    run(&script.client()).await.unwrap();
    let span = &spans.of("cycles.call")[0];
    assert_eq!((span.target, span.level), ("runcycles", Level::INFO));
    assert_eq!(
        span.declared,
        [
            "action.kind",
            "action.name",
            "scope",
            "estimate",
            "unit",
            "decision",
            "reason",
            "reservation.id",
            "trace.id",
            "actual",
            "charged",
            "settlement",
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.request.model",
            "gen_ai.response.model",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.output_tokens",
        ]
    );
    let decision = &spans.events("cycles.decision")[0];
    assert_eq!(decision.target, "runcycles");
    assert_eq!(
        decision.declared,
        ["reservation.id", "decision", "reason", "action.kind", "scope", "estimate", "unit", "trace.id"]
    );
    let settlement = &spans.events("cycles.settlement")[0];
    assert_eq!(settlement.declared, ["reservation.id", "settlement", "spend", "charged", "unit", "error.code"]);
}

#[tokio::test]
async fn a_denied_call_is_a_span_that_says_why() {
    let spans = Spans::start();
    let script = Script::new();
    script.always(Route::Reserve, refusal(409, "BUDGET_EXCEEDED"));
    run(&script.client()).await.unwrap_err();
    let span = &spans.of("cycles.call")[0];
    assert_eq!((span.field("decision"), span.field("reason")), ("DENY", "BUDGET_EXCEEDED"));
    assert!(span.is_closed);
    assert_eq!(spans.events("cycles.decision")[0].level, Level::INFO);

    script.always(Route::Reserve, timeout());
    run(&script.client()).await.unwrap_err();
    let span = &spans.of("cycles.call")[1];
    assert_eq!((span.field("decision"), span.field("reason")), ("NONE", "transport"));
}

#[tokio::test]
async fn a_call_that_its_own_conditions_deny_is_a_span_that_says_so() {
    let spans = Spans::start();
    let authority = Authority::builder().budget("tenant:acme", tokens(100)).start().await.unwrap();
    let client = authority.client("acme");
    for (config, reason) in [
        (call().require([models::Level::Agent]), "unbudgeted_scope"),
        (call().priority(Priority::new("nightly", 100)), "PRIORITY_FLOOR"),
    ] {
        client.execute(config, async |_| Ok::<_, Error>(())).await.unwrap_err();
        let told = spans.of("cycles.call").pop().unwrap();
        assert_eq!((told.field("decision"), told.field("reason")), ("DENY", reason));
        assert_eq!(told.field("settlement"), "released");
        assert!(told.is_closed);
        let decision = spans.events("cycles.decision").pop().unwrap();
        assert_eq!(
            (decision.level, decision.field("decision"), decision.field("reason")),
            (Level::INFO, "DENY", reason)
        );
        assert_eq!(decision.field("reservation.id"), told.field("reservation.id"));
    }
}

#[test]
fn a_subscriber_may_tell_a_call_something_while_its_span_closes() {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let spans = Spans::start();
        let (spans, client) = (&spans, Script::new().client());
        let action = async |context: Context| {
            spans.at_next_close(move || context.record_model_usage(&ModelUsage::new("gpt-4o").tokens(3, 4)));
            Ok::<_, Error>(())
        };
        runtime.block_on(client.execute(call(), action)).unwrap();
        done.send(spans.of("cycles.call")[0].is_closed).unwrap();
    });
    assert_eq!(is_done.recv_timeout(Duration::from_secs(60)), Ok(true), "nobody waits for a lock of the span's");
}

#[tokio::test(start_paused = true)]
async fn a_settlement_in_the_background_ends_the_span_and_is_told_with_the_reservations_id() {
    let spans = Spans::start();
    let script = Script::new();
    script.next(Route::Commit, [timeout(), timeout()]);
    let client = script.client();
    run(&client).await.unwrap();
    assert!(spans.of("cycles.call")[0].is_closed, "whoever looks at it need not wait");
    client.flush(Duration::from_secs(60)).await;
    let steps: Vec<_> =
        spans.events("cycles.settlement").iter().map(|event| event.field("settlement").to_owned()).collect();
    assert_eq!(steps, ["not_confirmed", "not_confirmed", "detached", "committed"]);
    for event in spans.events("cycles.settlement") {
        assert_eq!(event.field("reservation.id"), "rsv_1");
    }
    assert_eq!(spans.events("cycles.settlement")[0].field("error.code"), "transport");
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_tells_how_a_lease_goes_on() {
    let spans = Spans::start();
    let script = Script::new();
    let guard = script.client().reserve(Reserve::new("a", "b").estimate(tokens(1))).await.unwrap();
    script.next(Route::Extend, [Reply::Pass, timeout()]);
    script.wait_for(Route::Extend, 3).await;
    drop(guard);
    let states: Vec<_> = spans.events("cycles.heartbeat").iter().map(|event| event.field("state").to_owned()).collect();
    assert_eq!(states[..2], ["extended", "retrying"]);
}

#[tokio::test]
async fn nothing_that_is_told_shows_a_prompt_a_key_or_an_error_of_the_application() {
    const MARKER: &str = "xyzzy-do-not-show";
    let spans = Spans::start();
    let script = Script::new();
    script.next(Route::Reserve, [Reply::Pass, refusal(409, "BUDGET_FROZEN"), timeout(), timeout()]);
    script.next(Route::Release, [json(500, &serde_json::json!({}))]);
    let client = script.builder().unknown_spend(UnknownSpend::Release).build();
    for _ in 0..3 {
        let prompt = format!("{MARKER} in the prompt");
        let failed: Result<(), Box<dyn std::error::Error + Send + Sync>> = client
            .execute(call(), |context| async move {
                context.insert_metadata("prompt", prompt.clone());
                Err(format!("{MARKER} in the error about {prompt}").into())
            })
            .await;
        failed.unwrap_err();
    }
    client.flush(Duration::from_secs(5)).await;
    let told = spans.text();
    assert!(told.contains("cycles.call") && !told.contains(MARKER) && !told.contains(API_KEY), "{told}");
}

#[test]
fn without_a_subscriber_a_call_allocates_as_much_as_with_one_that_is_not_interested() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let script = Script::new();
    let client = script.client();
    let count = || {
        runtime.block_on(run(&client)).unwrap();
        allocation_counter::measure(|| assert_eq!(runtime.block_on(run(&client)).unwrap(), 1)).count_total
    };
    let bare = count();
    let indifferent = tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::new(), count);
    assert!(indifferent <= bare + 2, "{indifferent} where {bare} were made without a subscriber");
}
