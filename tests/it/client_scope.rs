//! Who acts, as far as calls leave it out.

use std::collections::HashMap;

use runcycles::models::ReservationCreateRequest;
use runcycles::{
    CyclesClient, CyclesClientBuilder, CyclesConfig, JournalConfig, Reserve, Scope, current_client, tokens,
};
use serde_json::{Value, json};

use crate::support::operations::{self, call};
use crate::support::script::{API_KEY, Script};

fn on(scope: runcycles::models::Subject) -> ReservationCreateRequest {
    Reserve::new("a", "b").estimate(tokens(1)).subject(scope).build()
}

fn subject(script: &Script) -> Value {
    script.sent().last().expect("a request").json()["subject"].clone()
}

#[tokio::test]
async fn a_default_tenant_reaches_the_wire_from_the_builder_and_from_the_environment() {
    let variables = HashMap::from([
        ("CYCLES_API_KEY", API_KEY),
        ("CYCLES_BASE_URL", "http://authority.test"),
        ("CYCLES_TENANT", "from-env"),
        ("CYCLES_WORKSPACE", "w"),
        ("CYCLES_APP", "p"),
        ("CYCLES_WORKFLOW", "f"),
        ("CYCLES_AGENT", "a"),
        ("CYCLES_TOOLSET", "t"),
    ]);
    let config =
        CyclesConfig::from_vars("CYCLES_", |name| variables.get(name).map(|value| (*value).to_owned())).unwrap();
    for route in operations::WITH_SUBJECT {
        let script = Script::new();
        let builder = CyclesClient::builder(API_KEY, "http://authority.test")
            .journal(JournalConfig::disabled())
            .tenant("from-builder");
        call(&builder.transport(script.clone()).build(), route).await.unwrap();
        assert_eq!(subject(&script), json!({ "tenant": "from-builder" }));

        let client = CyclesClientBuilder::from_config(config.clone())
            .journal(JournalConfig::disabled())
            .transport(script.clone())
            .build();
        call(&client, route).await.unwrap();
        let all = json!({
            "tenant": "from-env", "workspace": "w", "app": "p", "workflow": "f", "agent": "a", "toolset": "t",
        });
        assert_eq!(subject(&script), all);
    }
}

#[tokio::test]
async fn levels_are_filled_from_the_call_then_the_view_then_the_ambient_scope_then_the_defaults() {
    let script = Script::new();
    let client = script.builder().tenant("default").workspace("default").app("default").workflow("default").build();
    let ambient =
        client.scoped(Scope::workspace("ambient").app("ambient").workflow("ambient").dimension("run", "ambient"));
    let view = client.scoped(Scope::app("view").workflow("view").dimension("run", "view").dimension("team", "view"));
    ambient
        .run(async {
            view.create_reservation(&on(Scope::workflow("call").dimension("run", "call"))).await.unwrap();
        })
        .await;
    let expected = json!({
        "tenant": "default",
        "workspace": "ambient",
        "app": "view",
        "workflow": "call",
        "dimensions": { "run": "call", "team": "view" },
    });
    assert_eq!(subject(&script), expected);
}

#[tokio::test]
async fn a_view_of_a_view_inherits_and_leaves_its_parent_as_it_is() {
    let script = Script::new();
    let client = script.client();
    let outer = client.scoped(Scope::workflow("outer").agent("outer"));
    let inner = outer.scoped(Scope::agent("inner"));
    for (client, expected) in [
        (&inner, json!({ "tenant": "acme", "workflow": "outer", "agent": "inner" })),
        (&outer, json!({ "tenant": "acme", "workflow": "outer", "agent": "outer" })),
        (&client, json!({ "tenant": "acme" })),
    ] {
        client.decide(&operations::decide()).await.unwrap();
        assert_eq!(subject(&script), expected);
    }
}

#[tokio::test]
async fn ambient_scopes_nest_and_end_with_their_future() {
    let script = Script::new();
    let client = script.client();
    let (outer, inner) =
        (client.scoped(Scope::workflow("run-1").agent("planner")), client.scoped(Scope::agent("worker")));
    outer
        .run(async {
            inner.run(async { client.decide(&operations::decide()).await.unwrap() }).await;
            assert_eq!(subject(&script), json!({ "tenant": "acme", "workflow": "run-1", "agent": "worker" }));
            client.decide(&operations::decide()).await.unwrap();
            assert_eq!(subject(&script), json!({ "tenant": "acme", "workflow": "run-1", "agent": "planner" }));
        })
        .await;
    client.decide(&operations::decide()).await.unwrap();
    assert_eq!(subject(&script), json!({ "tenant": "acme" }));
}

#[tokio::test]
async fn spawned_tasks_do_not_inherit_the_ambient_scope() {
    let script = Script::new();
    let client = script.client();
    let task = client.clone();
    client
        .scoped(Scope::agent("planner"))
        .run(async { tokio::spawn(async move { task.decide(&operations::decide()).await }).await.unwrap().unwrap() })
        .await;
    assert_eq!(subject(&script), json!({ "tenant": "acme" }));
}

/// The one test that touches the default of the process.
#[tokio::test]
async fn calls_that_name_no_client_take_the_ambient_one_and_else_the_default_of_the_process() {
    let (default, ambient) = (Script::new(), Script::new());
    let missing = current_client().unwrap_err().to_string();
    assert!(missing.contains("no client is set") && missing.contains("set_default_client"), "{missing}");

    runcycles::set_default_client(default.client());
    current_client().unwrap().decide(&operations::decide()).await.unwrap();
    let view = ambient.client().scoped(Scope::agent("planner"));
    view.run(async { current_client().unwrap().decide(&operations::decide()).await.unwrap() }).await;
    assert_eq!((default.sent().len(), ambient.sent().len()), (1, 1));
    assert_eq!(subject(&ambient), json!({ "tenant": "acme", "agent": "planner" }));
}

#[tokio::test]
async fn a_call_without_any_level_sends_nothing_and_says_what_to_do() {
    let script = Script::new();
    let client = CyclesClient::builder(API_KEY, "http://authority.test")
        .journal(JournalConfig::disabled())
        .transport(script.clone())
        .build();
    for route in operations::WITH_SUBJECT {
        let error = call(&client, route).await.unwrap_err().to_string();
        assert!(
            error.contains("no level") && error.contains("give the call a scope, or the client a tenant"),
            "{error}"
        );
    }
    assert!(script.sent().is_empty());
}
