//! Other attributes of functions, above and below.
#![deny(warnings)]

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use runcycles::{Error, cycles, tokens, usd};
use tracing_attributes::instrument;

#[instrument(skip(prompt), fields(length = prompt.len()), err)]
#[cycles(usd!(0.02), "llm.completion", agent = user)]
pub async fn instrumented_above(user: &str, prompt: String) -> Result<String, Error> {
    let _ = user;
    Ok(prompt)
}

#[cycles(usd!(0.02), "llm.completion", agent = user)]
#[instrument(skip(prompt), ret)]
pub async fn instrumented_below(user: &str, prompt: String) -> Result<String, Error> {
    let _ = user;
    Ok(prompt)
}

pub struct Agent;

#[async_trait::async_trait]
pub trait Chat {
    async fn ask(&mut self, user: &str) -> Result<usize, Error>;
    async fn answer(&mut self, user: &str) -> Result<usize, Error>;
}

#[async_trait::async_trait]
impl Chat for Agent {
    #[instrument(skip(self))]
    #[cycles(usd!(0.02), "llm.completion", agent = user)]
    async fn ask(&mut self, user: &str) -> Result<usize, Error> {
        Ok(user.len())
    }

    #[cycles(usd!(0.02), "llm.completion", agent = user)]
    #[instrument(skip(self))]
    async fn answer(&mut self, user: &str) -> Result<usize, Error> {
        self.ask(user).await
    }
}

#[cycles(usd!(0.02), "llm.completion")]
#[tokio::main]
pub async fn entry() -> Result<(), Error> {
    Ok(())
}

#[tokio::test]
#[cycles(usd!(0.02), "llm.completion")]
async fn tested_above() -> Result<(), Error> {
    Ok(())
}

#[cycles(usd!(0.02), "llm.completion")]
#[tokio::test]
async fn tested_below() -> Result<(), Error> {
    Ok(())
}

#[instrument(skip_all)]
#[cycles(tokens(1), "llm.completion", actual = |text| text.len())]
pub fn streamed<S: Stream<Item = Result<String, Error>>>(texts: S) -> impl Stream<Item = Result<String, Error>> {
    texts
}

#[cycles(usd!(0.02), "llm.completion", agent = user)]
#[instrument(ret)]
pub fn plain(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

pub struct Denied(Error);

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        self.0.to_string().into_response()
    }
}

#[axum::debug_handler]
#[cycles(usd!(0.02), "llm.completion", agent = user)]
pub async fn handled_above(Path(user): Path<String>, prompt: String) -> Result<String, Denied> {
    Ok(format!("{user}: {prompt}"))
}

#[cycles(usd!(0.02), "llm.completion", agent = user)]
#[axum::debug_handler]
pub async fn handled_below(Path(user): Path<String>, prompt: String) -> Result<String, Denied> {
    Ok(format!("{user}: {prompt}"))
}

fn main() {}
