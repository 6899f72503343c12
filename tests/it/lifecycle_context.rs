//! The context: what an action can ask about its own reservation, and where it can ask.

use std::time::Duration;

use runcycles::models::Decision;
use runcycles::{Context, CyclesClient, Error, Scope, WithCyclesConfig, context, tokens};
use serde_json::json;

use crate::support::clock::pass;
use crate::support::reply::json;
use crate::support::script::Script;
use crate::support::sent::Route;

fn config() -> WithCyclesConfig {
    WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o")
}

async fn execute<T, Fut: Future<Output = Result<T, Error>>>(
    client: &CyclesClient,
    action: impl FnOnce(Context) -> Fut,
) -> T {
    client.execute(config(), action).await.unwrap()
}

fn current() -> Option<String> {
    context().map(|context| context.reservation_id().to_string())
}

#[tokio::test(start_paused = true)]
async fn there_is_a_context_inside_a_guarded_call_and_nowhere_else() {
    let script = Script::new();
    let client = script.client();
    assert_eq!(current(), None);
    execute(&client, async |_| {
        assert_eq!(current().as_deref(), Some("rsv_1"));
        pass(Duration::from_secs(1)).await;
        assert_eq!(current().as_deref(), Some("rsv_1"));
        let elsewhere = tokio::spawn(async { current() });
        assert_eq!(elsewhere.await.unwrap(), None, "tasks do not inherit it");
        Ok(())
    })
    .await;
    assert_eq!(current(), None);
}

#[tokio::test(start_paused = true)]
async fn nested_calls_are_reservations_of_their_own_and_leave_the_outer_context_as_it_was() {
    let script = Script::new();
    let client = script.client();
    execute(&client, async |outer| {
        execute(&client, async |inner| {
            assert_eq!(current().as_deref(), Some("rsv_2"));
            inner.record_usage(&tokens(2)).unwrap();
            Ok(())
        })
        .await;
        assert_eq!(current().as_deref(), Some("rsv_1"));
        outer.record_usage(&tokens(1)).unwrap();
        Ok(())
    })
    .await;
    let commits: Vec<_> = script
        .of(Route::Commit)
        .iter()
        .map(|sent| (sent.reservation().to_owned(), sent.json()["actual"]["amount"].clone()))
        .collect();
    assert_eq!(commits, [("rsv_2".to_owned(), json!(2)), ("rsv_1".to_owned(), json!(1))]);
}

#[tokio::test(start_paused = true)]
async fn a_context_serves_other_tasks_it_is_handed_to() {
    let script = Script::new();
    execute(&script.client(), async |context| {
        tokio::spawn(async move { context.record_usage(&tokens(4)) }).await.unwrap().unwrap();
        Ok(())
    })
    .await;
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 4);
}

#[tokio::test(start_paused = true)]
async fn a_context_tells_what_was_granted() {
    let script = Script::new();
    let body = json!({
        "decision": "ALLOW_WITH_CAPS",
        "reservation_id": "rsv_7",
        "affected_scopes": ["tenant:acme", "tenant:acme/agent:bot"],
        "remaining_ttl_ms": 60_000,
        "caps": { "max_tokens": 500, "tool_denylist": ["shell.exec"] },
        "balances": [{ "scope": "s", "scope_path": "p", "remaining": { "unit": "TOKENS", "amount": 3 } }],
        "cycles_evidence": { "evidence_id": "e", "cycles_evidence_url": "u" },
    });
    script.next(Route::Reserve, [json(200, &body)]);
    let client = script.client().scoped(Scope::agent("bot"));
    execute(&client, async |context| {
        assert_eq!((context.decision(), context.is_capped()), (&Decision::AllowWithCaps, true));
        let caps = context.caps().unwrap();
        assert_eq!((caps.clamp_max_tokens(800), caps.is_tool_allowed("shell.exec")), (500, false));
        assert_eq!(context.reserved(), &tokens(10));
        assert_eq!(context.subject(), &Scope::tenant("acme").agent("bot"));
        assert_eq!((context.affected_scopes().len(), context.balances().len()), (2, 1));
        assert_eq!(context.evidence().unwrap().evidence_id, "e");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_lease_runs_down_is_extended_and_ends_with_the_call() {
    let script = Script::new();
    let kept = execute(&script.client(), async |context| {
        assert_eq!(context.lease_left(), Duration::from_secs(60));
        pass(Duration::from_secs(10)).await;
        assert!(context.lease_left().abs_diff(Duration::from_secs(50)) <= Duration::from_millis(1));
        script.wait_for(Route::Extend, 1).await;
        pass(Duration::from_millis(1)).await;
        assert!(context.lease_left() > Duration::from_secs(59));
        Ok(context)
    })
    .await;
    assert_eq!(kept.lease_left(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_is_told_after_the_call_has_no_effect() {
    let script = Script::new();
    let kept = execute(&script.client(), async |context| {
        context.record_usage(&tokens(3)).unwrap();
        Ok(context)
    })
    .await;
    kept.record_usage(&tokens(100)).unwrap();
    pass(Duration::from_secs(86_400)).await;
    assert_eq!(script.routes(), [Route::Reserve, Route::Commit]);
    assert_eq!(script.of(Route::Commit)[0].json()["actual"]["amount"], 3);
}

#[tokio::test(start_paused = true)]
async fn calls_side_by_side_each_see_their_own_context() {
    let script = Script::new();
    let client = script.client();
    let call = |amount| {
        let client = client.clone();
        async move {
            execute(&client, async |own| {
                pass(Duration::from_secs(amount)).await;
                assert_eq!(current().as_deref(), Some(own.reservation_id().as_str()));
                context().unwrap().record_usage(&tokens(amount)).unwrap();
                Ok(())
            })
            .await;
        }
    };
    tokio::join!(call(1), call(2), call(3));
    let mut amounts: Vec<_> =
        script.of(Route::Commit).iter().map(|sent| sent.json()["actual"]["amount"].as_u64()).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [Some(1), Some(2), Some(3)]);
}
