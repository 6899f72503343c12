//! What stands in for annotated functions that the budget denies.

use runcycles::{CyclesClient, Error, cycles, tokens};
use runcycles_authority::Authority;

use crate::support::reply::{refusal, timeout};
use crate::support::script::Script;
use crate::support::sent::Route;

#[derive(Debug, PartialEq)]
enum AgentError {
    Cycles(String),
    Tool(String),
}

impl From<Error> for AgentError {
    fn from(error: Error) -> Self {
        Self::Cycles(error.to_string())
    }
}

#[tokio::test]
async fn the_fallback_answers_where_the_budget_says_no_and_nowhere_else() {
    #[cycles(tokens(100), "a.b", client = client, fallback = Ok(format!("instead of {prompt}")))]
    async fn call(client: &CyclesClient, prompt: String) -> Result<String, AgentError> {
        if prompt == "broken" {
            return Err(AgentError::Tool(prompt.clone()));
        }
        Ok(format!("reply to {prompt}"))
    }

    let script = Script::new();
    let client = script.client();
    let ask = |prompt: &str| call(&client, prompt.to_owned());

    assert_eq!(ask("hello").await, Ok("reply to hello".to_owned()));
    assert_eq!(ask("broken").await, Err(AgentError::Tool("broken".to_owned())));
    for code in ["BUDGET_EXCEEDED", "OVERDRAFT_LIMIT_EXCEEDED", "DEBT_OUTSTANDING"] {
        script.next(Route::Reserve, [refusal(409, code)]);
        assert_eq!(ask("hello").await, Ok("instead of hello".to_owned()), "{code}");
    }
    for (reply, beginning) in [
        (refusal(409, "BUDGET_FROZEN"), "blocked"),
        (refusal(404, "NOT_FOUND"), "no budget"),
        (refusal(403, "FORBIDDEN"), "the authority refused"),
        (timeout(), "no answer"),
    ] {
        script.always(Route::Reserve, reply);
        match ask("hello").await {
            Err(AgentError::Cycles(message)) => assert!(message.starts_with(beginning), "{message}"),
            other => panic!("{beginning}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_denial_inside_the_body_is_the_body_s_own_error() {
    #[cycles(tokens(1), "outer.call", client = client, fallback = Ok("fallback"))]
    async fn outer(client: &CyclesClient) -> Result<&'static str, Error> {
        inner(client).await
    }

    #[cycles(tokens(100), "inner.call", client = client)]
    async fn inner(client: &CyclesClient) -> Result<&'static str, Error> {
        Ok("inner")
    }

    let authority = Authority::builder().budget("tenant:acme", tokens(50)).start().await.unwrap();
    let error = outer(&authority.client("acme")).await.unwrap_err();
    assert!(error.is_budget_exceeded(), "{error}");
    authority.assert_settled();
}

#[tokio::test]
async fn premium_calls_run_until_their_budget_is_spent_then_cheaper_ones_then_a_message() {
    #[cycles(tokens(50), "llm.completion", client = client, toolset = "premium", fallback = economy(client).await)]
    async fn premium(client: &CyclesClient) -> Result<&'static str, Error> {
        Ok("premium")
    }

    #[cycles(tokens(2), "llm.completion", client = client, fallback = Ok("all budgets are spent"))]
    async fn economy(client: &CyclesClient) -> Result<&'static str, Error> {
        Ok("economy")
    }

    let authority = Authority::builder()
        .budget("tenant:acme", tokens(1_000))
        .budget("tenant:acme/toolset:premium", tokens(600))
        .start()
        .await
        .unwrap();
    let client = authority.client("acme");
    let mut answers = Vec::new();
    for _ in 0..213 {
        answers.push(premium(&client).await.unwrap());
    }
    let count = |answer| answers.iter().filter(|given| **given == answer).count();
    assert_eq!((count("premium"), count("economy"), count("all budgets are spent")), (12, 200, 1));
    assert_eq!(authority.ledger("tenant:acme").unwrap().spent, tokens(1_000));
    authority.assert_settled();
}
