//! The attribute on functions that give a stream.

use std::pin::Pin;

use futures_core::Stream;
use futures_core::stream::BoxStream;
use runcycles::{CyclesClient, Error, Scope, context, cycles, tokens};
use runcycles_authority::Authority;
use serde_json::json;

use crate::support::clock::settle;
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;
use crate::support::stream::{collect, items};

#[derive(Debug)]
struct Chunk {
    text: String,
    tokens: u64,
}

#[derive(Debug)]
enum AgentError {
    Cycles(Error),
    Model,
}

impl From<Error> for AgentError {
    fn from(error: Error) -> Self {
        Self::Cycles(error)
    }
}

/// A model that says a word after the other.
fn model(prompt: &str) -> impl Stream<Item = Result<Chunk, AgentError>> + Send + use<> {
    let words: Vec<_> = prompt.split(' ').map(str::to_owned).collect();
    items(words.into_iter().map(|text| match text.as_str() {
        "fail" => Err(AgentError::Model),
        _ => Ok(Chunk { tokens: text.len() as u64, text }),
    }))
}

fn texts(items: Vec<Result<Chunk, AgentError>>) -> Vec<String> {
    items.into_iter().map(|item| item.map_or_else(|error| format!("{error:?}"), |chunk| chunk.text)).collect()
}

#[cycles(tokens(9), "a.b", action_name = "ask", client = client, agent = user, actual = |chunk| chunk.tokens)]
fn opaque(client: &CyclesClient, user: &str, prompt: &str) -> impl Stream<Item = Result<Chunk, AgentError>> {
    assert!(context().is_some(), "the body runs in its context");
    model(prompt)
}

#[cycles(tokens(9), "a.b", action_name = "ask", client = client, agent = user, actual = output.tokens)]
fn pinned<'a>(
    client: &CyclesClient,
    user: &'a str,
    prompt: String,
) -> Pin<Box<dyn Stream<Item = Result<Chunk, AgentError>> + Send + 'a>> {
    if prompt.is_empty() {
        return Box::pin(items([]));
    }
    Box::pin(model(&prompt))
}

#[cycles(tokens(9), "a.b", action_name = "ask", client = client, agent = user, actual = |chunk| chunk.tokens)]
fn aliased(client: CyclesClient, user: String, prompt: &'static str) -> BoxStream<'static, Result<Chunk, AgentError>> {
    Box::pin(model(prompt))
}

#[cycles(tokens(9), "a.b", action_name = "ask", client = client, agent = user, actual = |chunk| chunk.tokens)]
async fn opened(
    client: &CyclesClient,
    user: &str,
    prompt: &str,
) -> Result<impl Stream<Item = Result<Chunk, AgentError>> + use<>, AgentError> {
    tokio::task::yield_now().await;
    if prompt == "down" {
        return Err(AgentError::Model);
    }
    Ok(model(prompt))
}

#[cycles(tokens(9), "a.b", action_name = "ask", client = client, agent = user, actual = |chunk| chunk.tokens)]
async fn opened_and_pinned(
    client: &CyclesClient,
    user: &str,
    prompt: &str,
) -> Result<BoxStream<'static, Result<Chunk, AgentError>>, AgentError> {
    Ok(Box::pin(model(prompt)))
}

struct Agent(CyclesClient);

impl Agent {
    #[cycles(tokens(9), "a.b", action_name = "ask", client = self.0, agent = "bot", actual = |chunk| chunk.tokens)]
    fn method<'a>(&'a self, prompt: &'a str) -> impl Stream<Item = Result<Chunk, AgentError>> + 'a {
        model(prompt)
    }
}

#[async_trait::async_trait]
trait Chat {
    async fn ask(&self, prompt: &str) -> Result<BoxStream<'static, Result<Chunk, AgentError>>, AgentError>;
}

#[async_trait::async_trait]
impl Chat for Agent {
    #[cycles(tokens(9), "a.b", client = self.0, agent = "bot", actual = |chunk| chunk.tokens)]
    async fn ask(&self, prompt: &str) -> Result<BoxStream<'static, Result<Chunk, AgentError>>, AgentError> {
        Ok(Box::pin(model(prompt)))
    }
}

#[tokio::test(start_paused = true)]
async fn every_shape_of_stream_reserves_counts_and_settles_the_same() {
    let script = Script::new();
    let client = script.client();
    let agent = Agent(client.clone());
    let prompt = "why not";
    let all = [
        texts(collect(opaque(&client, "bot", prompt), 2).await),
        texts(collect(pinned(&client, "bot", prompt.to_owned()), 2).await),
        texts(collect(aliased(client.clone(), "bot".to_owned(), prompt), 2).await),
        texts(collect(opened(&client, "bot", prompt).await.unwrap(), 2).await),
        texts(collect(opened_and_pinned(&client, "bot", prompt).await.unwrap(), 2).await),
        texts(collect(agent.method(prompt), 2).await),
        texts(collect(agent.ask(prompt).await.unwrap(), 2).await),
    ];
    assert!(all.iter().all(|texts| texts == &["why", "not"]), "{all:?}");
    let committed = script.of(Route::Commit);
    assert_eq!(committed.len(), all.len());
    assert!(committed.iter().all(|sent| sent.json()["actual"] == json!({ "unit": "TOKENS", "amount": 6 })));
    assert!(script.of(Route::Reserve).iter().all(|sent| sent.json()["subject"]["agent"] == "bot"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_reserved_before_the_stream_is_polled() {
    let script = Script::new();
    drop(opaque(&script.client(), "bot", "why"));
    settle().await;
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_denied_stream_never_runs_its_body_and_has_the_denial_for_its_only_item() {
    #[cycles(tokens(9), "a.b", client = client, actual = |chunk| chunk.tokens)]
    fn denied(client: &CyclesClient) -> impl Stream<Item = Result<Chunk, AgentError>> {
        if true {
            unreachable!("the body of a denied call");
        }
        model("")
    }

    let script = Script::new();
    script.always(Route::Reserve, reply::refusal(409, "BUDGET_EXCEEDED"));
    let client = script.client();
    let items = collect(denied(&client), 1).await;
    assert!(matches!(&items[..], [Err(AgentError::Cycles(Error::BudgetExceeded { .. }))]), "{items:?}");
    assert!(matches!(opened(&client, "bot", "why").await, Err(AgentError::Cycles(_))));
    assert!(script.of(Route::Commit).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_function_that_fails_before_it_has_a_stream_returns_the_hold() {
    let script = Script::new();
    assert!(matches!(opened(&script.client(), "bot", "down").await, Err(AgentError::Model)));
    assert_eq!(script.of(Route::Release)[0].json()["reason"], "guarded_method_failed");
}

#[tokio::test(start_paused = true)]
async fn the_scope_is_that_of_the_place_that_makes_the_stream() {
    #[cycles(tokens(9), "a.b", actual = |chunk| chunk.tokens)]
    fn ambient() -> impl Stream<Item = Result<Chunk, AgentError>> {
        model("why")
    }

    let script = Script::new();
    let client = script.client().scoped(Scope::workflow("run-1"));
    let stream = client.run(async { ambient() }).await;
    assert_eq!(collect(stream, 1).await.len(), 1);
    assert_eq!(script.of(Route::Reserve)[0].json()["subject"]["workflow"], "run-1");
}

#[tokio::test(start_paused = true)]
async fn a_function_without_a_client_gives_the_error_as_an_item() {
    #[cycles(tokens(9), "a.b", run = "r", workflow = "w", agent = "a", client = client, actual = |chunk| chunk.tokens)]
    fn crowded(client: &CyclesClient) -> impl Stream<Item = Result<Chunk, AgentError>> {
        model("why")
    }

    let script = Script::new();
    let items = collect(crowded(&script.client()), 1).await;
    assert!(matches!(&items[..], [Err(AgentError::Cycles(Error::Validation(_)))]), "{items:?}");
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_guarded_stream_is_cut_like_any_other_and_its_error_keeps_its_type() {
    let authority = Authority::builder().budget("tenant:acme", tokens(10)).start().await.unwrap();
    let items = collect(opaque(&authority.client("acme"), "bot", "one fail three fifteen"), 4).await;
    let texts = items.iter().map(|item| item.as_ref().map(|chunk| chunk.text.as_str())).collect::<Vec<_>>();
    assert!(matches!(
        texts[..],
        [Ok("one"), Err(AgentError::Model), Ok("three"), Err(AgentError::Cycles(Error::StreamCut(_)))]
    ));
    settle().await;
    let ledger = authority.ledger("tenant:acme").unwrap();
    assert_eq!((ledger.spent.value(), ledger.reserved.value()), (8, 0));
}
