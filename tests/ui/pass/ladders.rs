//! Ladders of calls of every shape.

use std::future::Future;
use std::pin::Pin;

use runcycles::{Degraded, Error, cycles, ladder, usd};

#[derive(Debug)]
enum AgentError {
    Cycles(#[expect(dead_code)] Error),
}

impl From<Error> for AgentError {
    fn from(error: Error) -> Self {
        Self::Cycles(error)
    }
}

struct Agent {
    model: String,
}

impl Agent {
    #[cycles(usd!(0.05), "llm.completion", action_name = self.model)]
    async fn premium(&self, prompt: &str) -> Result<String, AgentError> {
        Ok(prompt.to_owned())
    }

    async fn answer(&self, prompt: &str) -> Result<Degraded<String>, AgentError> {
        ladder![self.premium(prompt), economy(prompt), boxed(prompt), generic::<u8>(prompt)].await
    }

    async fn answer_in_any_case(&self, prompt: String) -> Result<String, AgentError> {
        let answer = ladder! {
            "premium" => self.premium(&prompt),
            "economy" => async {
                let prompt = check(&prompt)?;
                economy(prompt).await
            },
            else "cache" => prompt.clone(),
        };
        Ok(answer.await?.into_value())
    }

    async fn answer_or_default(&self, prompt: &str) -> Result<String, AgentError> {
        Ok(ladder![self.premium(prompt), else String::new()].await?.into_value())
    }

    async fn one_rung(&self, prompt: &str) -> Result<Degraded<String>, AgentError> {
        ladder!["only" => self.premium(prompt)].await
    }
}

fn check(prompt: &str) -> Result<&str, AgentError> {
    Ok(prompt)
}

#[cycles(usd!(0.002), "llm.completion")]
async fn economy(prompt: &str) -> Result<String, AgentError> {
    Ok(prompt.to_owned())
}

fn boxed(prompt: &str) -> Pin<Box<dyn Future<Output = Result<String, AgentError>> + Send + '_>> {
    Box::pin(economy(prompt))
}

async fn generic<T: Default>(prompt: &str) -> Result<String, AgentError> {
    let _ = T::default();
    Ok(prompt.to_owned())
}

fn sends(_: impl Send) {}

fn main() {
    let agent = Agent { model: "gpt-4o".to_owned() };
    sends(agent.answer("prompt"));
    sends(agent.answer_in_any_case("prompt".to_owned()));
    sends(agent.answer_or_default("prompt"));
    sends(agent.one_rung("prompt"));
}
