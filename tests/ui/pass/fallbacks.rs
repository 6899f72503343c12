//! What stands in for a call that the budget denies: any expression of the function's result, awaited or not.
#![deny(warnings)]

use async_trait::async_trait;
use runcycles::{Error, cycles, usd};

#[cycles(usd!(0.05), "llm.completion", fallback = economy(prompt).await)]
pub async fn borrowed(prompt: &str) -> Result<String, Error> {
    tokio::task::yield_now().await;
    Ok(prompt.to_owned())
}

#[cycles(usd!(0.002), "llm.completion", fallback = Ok("try again tomorrow".to_owned()))]
pub async fn economy(prompt: &str) -> Result<String, Error> {
    Ok(prompt.to_uppercase())
}

#[cycles(usd!(0.05), "llm.completion", actual = output.len() as u64, fallback = economy(&prompt).await)]
pub async fn owned_and_only_read(prompt: String) -> Result<String, Error> {
    Ok(prompt.clone())
}

#[cycles(usd!(0.05), "llm.completion", fallback = Ok(prompt))]
pub async fn owned_and_given_back(prompt: String) -> Result<String, anyhow::Error> {
    Ok(prompt.parse::<u64>()?.to_string())
}

#[cycles(usd!(0.05), "llm.completion", fallback = {
    let reply = economy(prompt).await?;
    Ok(Some(reply))
})]
pub async fn block(prompt: &str) -> Result<Option<String>, Error> {
    Ok(Some(prompt.to_owned()))
}

pub struct Agent(u32);

impl Agent {
    #[cycles(usd!(0.05), "llm.completion", fallback = self.cached())]
    pub async fn ask(&mut self, prompt: &str) -> Result<usize, Error> {
        self.0 += 1;
        Ok(prompt.len())
    }

    fn cached(&self) -> Result<usize, Error> {
        Ok(self.0 as usize)
    }
}

#[async_trait]
pub trait Chat {
    async fn chat(&mut self, prompt: String) -> Result<usize, Error>;
}

#[async_trait]
impl Chat for Agent {
    #[cycles(usd!(0.05), "llm.completion", actual = |n| *n as u64 + u64::from(self.0), fallback = self.ask(&prompt).await)]
    async fn chat(&mut self, prompt: String) -> Result<usize, Error> {
        Ok(prompt.len())
    }
}

#[cycles(usd!(0.05), "llm.completion", fallback = Err(Error::from(missing()).into()))]
pub async fn generic<E: From<Error>>() -> Result<u8, E> {
    Ok(1)
}

fn missing() -> runcycles::models::ValidationError {
    runcycles::models::Subject::default().validate().unwrap_err()
}

fn assert_send<T: Send>(_: T) {}

fn main() {
    assert_send(borrowed("prompt"));
    assert_send(owned_and_only_read(String::new()));
    assert_send(Agent(1).chat(String::new()));
}
