//! The context: what an action can ask about its own reservation, and where it can ask.

use std::time::Duration;

use runcycles::models::Decision;
use runcycles::{
    Context, CyclesClient, Error, Reserve, Scope, WithCyclesConfig, carry, context, metered, spawn_in_context, tokens,
    usd,
};
use serde_json::json;
use tracing::Level;

use crate::support::clock::pass;
use crate::support::log::Log;
use crate::support::reply::json;
use crate::support::script::Script;
use crate::support::sent::Route;
use crate::support::stream::{collect, items};

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

#[tokio::test(start_paused = true)]
async fn a_carried_future_has_the_context_the_client_and_the_scope_of_where_it_was_made() {
    let script = Script::new();
    let client = script.client().scoped(Scope::agent("bot"));
    let inner = client
        .run(async {
            execute(&client, async |_| {
                let task = spawn_in_context(async {
                    let client = runcycles::current_client().unwrap();
                    (current(), execute(&client, async |inner| Ok(inner.subject().clone())).await)
                });
                Ok(task.await.unwrap())
            })
            .await
        })
        .await;
    assert_eq!(inner, (Some("rsv_1".to_owned()), Scope::tenant("acme").agent("bot")));
    assert_eq!(carry(async { current() }).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_same_action_inside_of_itself_is_warned_of_once_for_each_place() {
    let log = Log::start();
    let script = Script::new();
    let client = script.client();
    for _ in 0..2 {
        execute(&client, async |_| {
            let config = WithCyclesConfig::new(tokens(1)).action("llm.completion", "gpt-4o");
            client.execute(config, async |_| Ok::<_, Error>(())).await
        })
        .await;
        execute(&client, async |_| {
            let config = WithCyclesConfig::new(tokens(1)).action("llm.completion", "another");
            client.execute(config, async |_| Ok::<_, Error>(())).await
        })
        .await;
    }
    log.told(Level::WARN, &["gpt-4o", "tenant:acme", "lifecycle_context.rs"]);
    let warnings = log.lines().iter().filter(|line| line.starts_with("WARN")).count();
    assert_eq!(warnings, 1, "{:#?}", log.lines());
}

#[tokio::test(start_paused = true)]
async fn an_outer_call_can_leave_out_what_inner_ones_were_charged() {
    let script = Script::new();
    let client = script.client();
    execute(&client, async |outer| {
        execute(&client, async |inner| inner.set_actual(tokens(3)).map_err(|_| unreachable!())).await;
        let guard = client.reserve(Reserve::new("a", "b").estimate(tokens(5))).await?;
        let stream = items([2, 7].map(Ok::<u64, Error>));
        collect(metered(guard, stream, |size| *size), 2).await;
        let other = WithCyclesConfig::new(usd!(1)).action("a", "b");
        client.execute(other, async |_| Ok::<_, Error>(())).await?;
        assert_eq!(outer.charged_inside(), tokens(12));
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tools_and_tokens_are_held_to_the_caps() {
    let script = Script::new();
    let capped = json!({
        "decision": "ALLOW_WITH_CAPS", "reservation_id": "rsv_7", "affected_scopes": [],
        "caps": { "max_tokens": 500, "tool_denylist": ["shell.exec"] },
    });
    script.next(Route::Reserve, [json(200, &capped)]);
    for (tokens, tools) in [(500, vec!["search"]), (800, vec!["search", "shell.exec"])] {
        execute(&script.client(), async |context| {
            assert_eq!(context.clamp_max_tokens(800), tokens);
            assert_eq!(context.allowed_tools(["search", "shell.exec"], |tool| tool), tools);
            Ok(())
        })
        .await;
    }
}
