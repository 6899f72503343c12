//! What annotated functions send along with a commit.

use runcycles::models::CyclesMetrics;
use runcycles::{CyclesClient, Error, cycles, tokens};
use serde_json::{Value, json};

use crate::support::script::Script;
use crate::support::sent::Route;

struct Reply {
    tokens: u64,
    model: &'static str,
}

fn metrics(reply: &Reply) -> CyclesMetrics {
    CyclesMetrics { tokens_output: Some(reply.tokens), latency_ms: Some(7), ..CyclesMetrics::default() }
}

fn committed(script: &Script) -> Value {
    script.of(Route::Commit).last().expect("a commit").json()
}

#[tokio::test]
async fn metrics_and_metadata_of_the_value_go_with_the_commit() {
    #[cycles(
        tokens(100), "a.b", client = client, actual = output.tokens, metrics = metrics,
        metadata = [("model", json!(output.model)), ("attempt", json!(attempt)), ("user", json!(user.len()))],
    )]
    async fn call(client: &CyclesClient, user: String, attempt: u8) -> Result<Reply, Error> {
        tokio::task::yield_now().await;
        Ok(Reply { tokens: user.len() as u64, model: "gpt-4o" })
    }

    let script = Script::new();
    call(&script.client(), "jane".to_owned(), 2).await.unwrap();
    let commit = committed(&script);
    assert_eq!(commit["actual"]["amount"], 4);
    assert_eq!(commit["metrics"], json!({ "tokens_output": 4, "latency_ms": 7 }));
    assert_eq!(commit["metadata"], json!({ "model": "gpt-4o", "attempt": 2, "user": 4 }));
}

#[tokio::test]
async fn they_join_what_the_body_reports_itself() {
    #[cycles(tokens(100), "a.b", client = client, metadata = [("from", "attribute"), ("attribute", "yes")])]
    async fn call(client: &CyclesClient) -> Result<(), Error> {
        let context = runcycles::context().expect("inside a guarded call");
        context.record_usage(&tokens(3)).expect("the reservation's unit");
        context.insert_metadata("from", "body");
        context.insert_metadata("body", "yes");
        Ok(())
    }

    let script = Script::new();
    call(&script.client()).await.unwrap();
    let commit = committed(&script);
    assert_eq!(commit["actual"]["amount"], 3);
    assert_eq!(commit["metadata"], json!({ "from": "attribute", "body": "yes", "attribute": "yes" }));
}

#[tokio::test]
async fn an_error_of_the_body_reports_nothing() {
    #[cycles(tokens(100), "a.b", client = client, metrics = |()| unreachable!("there is no value"))]
    async fn call(client: &CyclesClient) -> Result<(), anyhow::Error> {
        anyhow::bail!("broken")
    }

    let script = Script::new();
    assert_eq!(call(&script.client()).await.unwrap_err().to_string(), "broken");
    assert_eq!(script.routes(), [Route::Reserve, Route::Release]);
}

#[tokio::test]
async fn metrics_out_of_range_do_not_lose_the_spend() {
    #[cycles(
        tokens(100), "a.b", client = client, actual = tokens(12),
        metrics = CyclesMetrics { tokens_output: Some(u64::MAX), ..CyclesMetrics::default() },
    )]
    async fn call(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let script = Script::new();
    call(&script.client()).await.unwrap();
    assert_eq!(committed(&script)["actual"]["amount"], 12);
}
