//! How calls of annotated functions end.

use runcycles::{Amount, CyclesClient, Error, cycles, tokens, usd};
use serde_json::{Value, json};

use crate::support::reply::refusal;
use crate::support::script::Script;
use crate::support::sent::Route;

struct Reply {
    tokens: u64,
}

impl Reply {
    fn cost(&self) -> Amount {
        tokens(self.tokens)
    }
}

/// What was committed last, and the metadata that went with it.
fn committed(script: &Script) -> (Value, Value) {
    let request = script.of(Route::Commit).last().expect("a commit").json();
    (request["actual"].clone(), request["metadata"].clone())
}

#[tokio::test]
async fn what_the_call_cost_is_committed_in_the_unit_of_the_estimate() {
    #[cycles(tokens(100), "a.b", client = client, actual = |reply| reply.tokens)]
    async fn number(client: &CyclesClient) -> Result<Reply, Error> {
        Ok(Reply { tokens: 12 })
    }

    #[cycles(100, "a.b", unit = "TOKENS", client = client, actual = Reply::cost)]
    async fn amount(client: &CyclesClient) -> Result<Reply, Error> {
        Ok(Reply { tokens: 13 })
    }

    #[cycles(tokens(100), "a.b", client = client, actual = output.tokens + surcharge)]
    async fn expression(client: &CyclesClient, surcharge: u64) -> Result<Reply, Error> {
        Ok(Reply { tokens: 13 })
    }

    #[cycles(100, "a.b", client = client, actual = if output.tokens > 20 { 15 } else { 0 })]
    async fn microcents(client: &CyclesClient) -> Result<Reply, Error> {
        Ok(Reply { tokens: 30 })
    }

    let script = Script::new();
    let client = script.client();
    number(&client).await.unwrap();
    assert_eq!(committed(&script), (json!({ "unit": "TOKENS", "amount": 12 }), Value::Null));
    amount(&client).await.unwrap();
    assert_eq!(committed(&script).0, json!({ "unit": "TOKENS", "amount": 13 }));
    expression(&client, 1).await.unwrap();
    assert_eq!(committed(&script).0, json!({ "unit": "TOKENS", "amount": 14 }));
    microcents(&client).await.unwrap();
    assert_eq!(committed(&script).0, json!({ "unit": "USD_MICROCENTS", "amount": 15 }));
}

#[tokio::test]
async fn the_estimate_is_committed_and_marked_where_the_cost_is_not_given_or_not_usable() {
    #[cycles(tokens(100), "a.b", client = client)]
    async fn not_given(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    #[cycles(tokens(100), "a.b", client = client, actual = |spent| *spent)]
    async fn negative(client: &CyclesClient) -> Result<i64, Error> {
        Ok(-5)
    }

    #[cycles(tokens(100), "a.b", client = client, actual = usd!(0.01))]
    async fn another_unit(client: &CyclesClient) -> Result<(), Error> {
        Ok(())
    }

    let estimate = (json!({ "unit": "TOKENS", "amount": 100 }), json!({ "actual_source": "estimate" }));
    let script = Script::new();
    let client = script.client();
    not_given(&client).await.unwrap();
    assert_eq!(committed(&script), estimate);
    assert_eq!(negative(&client).await.unwrap(), -5);
    assert_eq!(committed(&script), estimate);
    another_unit(&client).await.unwrap();
    assert_eq!(committed(&script), estimate);
    assert_eq!(script.of(Route::Commit).len(), 3);
}

#[derive(Debug, PartialEq)]
enum AgentError {
    Cycles(String),
    NotANumber,
    Early(u8),
}

impl From<Error> for AgentError {
    fn from(error: Error) -> Self {
        Self::Cycles(error.to_string())
    }
}

impl From<std::num::ParseIntError> for AgentError {
    fn from(_: std::num::ParseIntError) -> Self {
        Self::NotANumber
    }
}

#[tokio::test]
async fn an_early_return_and_a_question_mark_end_the_body_and_settle_the_call() {
    #[cycles(tokens(100), "a.b", client = client, actual = |value| u64::from(*value))]
    async fn call(client: &CyclesClient, text: &str) -> Result<u8, AgentError> {
        if text == "early" {
            return Ok(7);
        }
        let number: u8 = text.parse()?;
        if number > 100 {
            return Err(AgentError::Early(number));
        }
        Ok(number)
    }

    let script = Script::new();
    let client = script.client();
    assert_eq!(call(&client, "early").await, Ok(7));
    assert_eq!(committed(&script).0["amount"], 7);
    assert_eq!(call(&client, "8").await, Ok(8));
    assert_eq!(committed(&script).0["amount"], 8);
    assert_eq!(call(&client, "many").await, Err(AgentError::NotANumber));
    assert_eq!(call(&client, "101").await, Err(AgentError::Early(101)));
    let reasons: Vec<_> = script.of(Route::Release).iter().map(|sent| sent.json()["reason"].clone()).collect();
    assert_eq!(reasons, ["guarded_method_failed", "guarded_method_failed"]);
    assert_eq!(script.of(Route::Commit).len(), 2);
}

#[tokio::test]
async fn a_denied_call_never_runs_its_body_and_returns_the_denial_in_the_error_of_the_function() {
    #[cycles(tokens(100), "a.b", client = client, actual = cost)]
    async fn call(client: &CyclesClient) -> Result<(), AgentError> {
        unreachable!("the body of a denied call")
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the attribute passes a reference to the value")]
    fn cost((): &()) -> u64 {
        unreachable!("the cost of what was not done")
    }

    let script = Script::new();
    script.next(Route::Reserve, [refusal(409, "BUDGET_EXCEEDED"), refusal(409, "BUDGET_FROZEN")]);
    let client = script.client();
    for expected in ["budget exceeded: ", "blocked: "] {
        match call(&client).await {
            Err(AgentError::Cycles(message)) => assert!(message.starts_with(expected), "{message}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(script.routes(), [Route::Reserve, Route::Reserve]);
}
