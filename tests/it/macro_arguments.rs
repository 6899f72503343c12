//! What the arguments of `#[cycles]` ask of the authority, and when they are evaluated.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runcycles::models::{CommitOveragePolicy, Unit};
use runcycles::{CyclesClient, Error, Scope, ScopeValue, cycles, tokens, usd};
use serde_json::{Value, json};

use crate::support::script::Script;
use crate::support::sent::Route;

/// What was asked of the authority, without its key.
fn reserved(script: &Script) -> Value {
    let mut request = script.of(Route::Reserve).last().expect("a reservation").json();
    request.as_object_mut().expect("an object").remove("idempotency_key").expect("a key");
    request
}

#[tokio::test]
async fn every_argument_reaches_the_reservation() {
    #[cycles(
        estimate = 1_500, action_kind = "llm.completion", action_name = model, action_tags = ["interactive", model],
        tenant = "t", workspace = "w", app = 3, workflow = Some("f"), agent = format!("a-{model}"), toolset = Team::Support,
        dimensions(run = 7, "cost-center" = Some("cc"), unknown = None::<&str>), client = client, ttl = "90s",
        grace_period = 0, overage_policy = "REJECT", unit = "TOKENS",
    )]
    async fn call(client: &CyclesClient, model: &str) -> Result<(), Error> {
        Ok(())
    }

    enum Team {
        Support,
    }

    impl ScopeValue for Team {
        fn scope_value(&self) -> Option<String> {
            "support".scope_value()
        }
    }

    let script = Script::new();
    call(&script.client(), "gpt-4o").await.unwrap();
    let expected = json!({
        "subject": {
            "tenant": "t", "workspace": "w", "app": "3", "workflow": "f", "agent": "a-gpt-4o", "toolset": "support",
            "dimensions": { "run": "7", "cost-center": "cc" },
        },
        "action": { "kind": "llm.completion", "name": "gpt-4o", "tags": ["interactive", "gpt-4o"] },
        "estimate": { "unit": "TOKENS", "amount": 1_500 },
        "ttl_ms": 90_000,
        "grace_period_ms": 0,
        "overage_policy": "REJECT",
    });
    assert_eq!(reserved(&script), expected);
}

#[tokio::test]
async fn what_is_not_given_is_not_sent() {
    #[cycles(usd!(0.02), "llm.completion", client = client, agent = None::<String>)]
    async fn chat(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let script = Script::new();
    chat(&script.client()).await.unwrap();
    let expected = json!({
        "subject": { "tenant": "acme" },
        "action": { "kind": "llm.completion", "name": "chat" },
        "estimate": { "unit": "USD_MICROCENTS", "amount": 2_000_000 },
    });
    assert_eq!(reserved(&script), expected);
}

#[tokio::test]
async fn values_come_from_expressions_as_well_as_from_literals() {
    #[expect(clippy::too_many_arguments, reason = "one for each argument of the attribute")]
    #[cycles(
        estimate, kind, client = client, unit = unit, ttl = ttl, grace_period = u64::from(grace), overage_policy = policy,
        action_tags = tags,
    )]
    async fn call(
        client: CyclesClient,
        estimate: i16,
        kind: String,
        unit: Unit,
        ttl: Duration,
        grace: u8,
        policy: CommitOveragePolicy,
        tags: &[String],
    ) -> Result<(), Error> {
        drop((client, kind, unit, policy));
        Ok(())
    }

    let script = Script::new();
    let (ttl, tags) = (Duration::from_millis(1_500), ["x".to_owned()]);
    call(script.client(), 9, "a.b".into(), Unit::Credits, ttl, 200, CommitOveragePolicy::AllowIfAvailable, &tags)
        .await
        .unwrap();
    let expected = json!({
        "subject": { "tenant": "acme" },
        "action": { "kind": "a.b", "name": "call", "tags": ["x"] },
        "estimate": { "unit": "CREDITS", "amount": 9 },
        "ttl_ms": 1_500,
        "grace_period_ms": 200,
        "overage_policy": "ALLOW_IF_AVAILABLE",
    });
    assert_eq!(reserved(&script), expected);
}

#[tokio::test]
async fn levels_come_before_the_scope_and_the_scope_before_the_client() {
    #[cycles(tokens(1), "a.b", client = client, agent = "argument", dimensions(run = "argument"), scope = scope())]
    async fn call(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    fn scope() -> runcycles::models::Subject {
        Scope::workflow("scope").agent("scope").dimension("run", "scope").dimension("team", "scope")
    }

    let script = Script::new();
    let client = script.client().scoped(Scope::app("client").workflow("client").agent("client"));
    call(&client).await.unwrap();
    let expected = json!({
        "tenant": "acme", "app": "client", "workflow": "scope", "agent": "argument",
        "dimensions": { "run": "argument", "team": "scope" },
    });
    assert_eq!(reserved(&script)["subject"], expected);
}

#[tokio::test]
async fn a_run_is_the_workflow_or_else_the_agent_and_a_dimension_for_reports() {
    #[cycles(tokens(1), "a.b", client = client, run = run)]
    async fn run(client: &CyclesClient, run: Option<&str>) -> Result<(), Error> {
        Ok(())
    }

    #[cycles(tokens(1), "a.b", client = client, run = 42, workflow = "code-review", agent = agent)]
    async fn run_of_a_workflow(client: &CyclesClient, agent: Option<&str>) -> Result<(), Error> {
        Ok(())
    }

    let script = Script::new();
    let client = script.client();
    let inside = client.scoped(Scope::workflow("ambient").agent("ambient"));

    run(&client, Some("run-1")).await.unwrap();
    let expected = json!({ "tenant": "acme", "workflow": "run-1", "dimensions": { "run": "run-1" } });
    assert_eq!(reserved(&script)["subject"], expected);

    run(&client, None).await.unwrap();
    assert_eq!(reserved(&script)["subject"], json!({ "tenant": "acme" }));

    run(&inside, Some("run-1")).await.unwrap();
    let expected =
        json!({ "tenant": "acme", "workflow": "ambient", "agent": "run-1", "dimensions": { "run": "run-1" } });
    assert_eq!(reserved(&script)["subject"], expected);

    run_of_a_workflow(&client, None).await.unwrap();
    let expected = json!({ "tenant": "acme", "workflow": "code-review", "agent": "42", "dimensions": { "run": "42" } });
    assert_eq!(reserved(&script)["subject"], expected);

    let error = run_of_a_workflow(&client, Some("bot")).await.unwrap_err();
    let message = "invalid run: found \"42\" beside the workflow \"code-review\" and an agent, expected a free level, since a \
                   run is the workflow or the agent: leave out `workflow` or `agent`";
    assert_eq!(error.to_string(), message);
    assert_eq!(script.of(Route::Reserve).len(), 4);
}

#[tokio::test]
async fn the_client_is_the_one_named_and_else_the_ambient_one() {
    #[cycles(tokens(1), "a.b", client = client)]
    async fn named(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    #[cycles(tokens(1), "a.b")]
    async fn unnamed() -> Result<(), Error> {
        Ok(())
    }

    let (ambient, other) = (Script::new(), Script::new());
    ambient
        .client()
        .run(async {
            named(&other.client()).await.unwrap();
            unnamed().await.unwrap();
            unnamed().await.unwrap();
        })
        .await;
    assert_eq!((ambient.of(Route::Reserve).len(), other.of(Route::Reserve).len()), (2, 1));
}

#[tokio::test]
async fn arguments_are_evaluated_at_every_call_before_the_body_and_in_the_future() {
    static EVALUATED: AtomicUsize = AtomicUsize::new(0);

    fn next() -> usize {
        EVALUATED.fetch_add(1, Ordering::SeqCst) + 1
    }

    #[cycles(tokens(1), "a.b", client = client, workflow = next())]
    async fn call(client: &CyclesClient, names: Vec<String>) -> Result<(usize, Vec<String>), Error> {
        Ok((EVALUATED.load(Ordering::SeqCst), names))
    }

    let script = Script::new();
    let client = script.client();
    drop(call(&client, Vec::new()));
    assert_eq!(EVALUATED.load(Ordering::SeqCst), 0);
    assert_eq!(call(&client, vec!["a".to_owned()]).await.unwrap(), (1, vec!["a".to_owned()]));
    assert_eq!(call(&client, Vec::new()).await.unwrap().0, 2);
    let workflows: Vec<_> =
        script.of(Route::Reserve).iter().map(|sent| sent.json()["subject"]["workflow"].clone()).collect();
    assert_eq!(workflows, ["1", "2"]);
}

#[tokio::test]
async fn an_argument_that_fails_or_panics_leaves_nothing_reserved() {
    #[cycles(price(ok)?, "a.b", client = client)]
    async fn fails(client: &CyclesClient, ok: bool) -> Result<(), anyhow::Error> {
        unreachable!("the body of a call that could not be made")
    }

    fn price(ok: bool) -> anyhow::Result<u64> {
        anyhow::ensure!(ok, "no price");
        Ok(1)
    }

    #[cycles(tokens(1), "a.b", client = client, agent = names[1])]
    async fn panics(client: &CyclesClient, names: &[&str]) -> Result<(), Error> {
        unreachable!("the body of a call that could not be made")
    }

    let script = Script::new();
    let client = script.client();
    assert_eq!(fails(&client, false).await.unwrap_err().to_string(), "no price");

    let task = tokio::spawn(async move { panics(&client, &["only"]).await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(script.routes(), []);
}

#[tokio::test]
async fn a_value_that_cannot_be_used_fails_the_call_before_anything_is_sent() {
    #[cycles(estimate, "a.b", client = client)]
    async fn negative(client: &CyclesClient, estimate: i64) -> Result<(), Error> {
        unreachable!("the body of a call that could not be made")
    }

    #[cycles(usd!(0.02), "a.b", client = client, unit = "TOKENS")]
    async fn another_unit(client: &CyclesClient) -> Result<(), Error> {
        unreachable!("the body of a call that could not be made")
    }

    #[cycles(tokens(1), "a.b", client = client, agent = agent)]
    async fn outside_the_alphabet(client: &CyclesClient, agent: &str) -> Result<(), Error> {
        unreachable!("the body of a call that could not be made")
    }

    #[cycles(tokens(1), "a.b", client = client, ttl = ttl)]
    async fn ttl(client: &CyclesClient, ttl: i32) -> Result<(), Error> {
        unreachable!("the body of a call that could not be made")
    }

    #[cycles(tokens(1), kind, client = client)]
    async fn kind(client: &CyclesClient, kind: &str) -> Result<(), Error> {
        unreachable!("the body of a call that could not be made")
    }

    let script = Script::new();
    let client = script.client();
    for (result, expected) in [
        (negative(&client, -5).await, "invalid estimate: found -5, expected 0 to 9223372036854775807"),
        (
            another_unit(&client).await,
            "invalid estimate: found $0.02, expected an amount in TOKENS, which `unit` names; change either",
        ),
        (
            outside_the_alphabet(&client, "jane@acme.com").await,
            "invalid subject.agent: found \"jane@acme.com\", which contains '@', expected 1 to 128 characters out of A-Z a-z 0-9 _ . -",
        ),
        (ttl(&client, -1).await, "invalid ttl_ms: found -1, expected whole milliseconds, not negative"),
        (ttl(&client, 999).await, "invalid ttl_ms: found 999, expected 1000 to 86400000"),
        (kind(&client, " ").await, "invalid action.kind: found nothing, expected a name such as llm.completion"),
    ] {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Validation(_)), "{error:?}");
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(script.routes(), []);
}
