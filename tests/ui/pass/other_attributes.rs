//! Other attributes of functions, above and below.
#![deny(warnings)]

use runcycles::{Error, cycles, usd};
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

fn main() {}
