//! Methods that `#[async_trait]` has rewritten, with their arguments under their own names.
#![deny(warnings)]

use async_trait::async_trait;
use runcycles::{CyclesClient, Error, cycles, tokens, usd};

pub struct Agent {
    cycles: CyclesClient,
    name: String,
    calls: u64,
}

#[async_trait]
pub trait Chat: Sized + Send + Sync {
    async fn ask(&self, prompt: &str) -> Result<String, Error>;
    async fn ask_mutably<T: Send + 'static>(&mut self, pair: (u64, u64), value: T, model: &str) -> Result<T, Error>;
    async fn ask_by_value(self, prompt: String) -> anyhow::Result<Self>;

    #[cycles(usd!(0.02), "llm.completion", toolset = prompt.len())]
    async fn given(&self, prompt: &str) -> Result<String, Error> {
        self.ask(prompt).await
    }
}

#[async_trait]
impl Chat for Agent {
    #[cycles(usd!(0.02), "llm.completion", agent = self.name, client = self.cycles, toolset = prompt.len())]
    async fn ask(&self, prompt: &str) -> Result<String, Error> {
        if prompt.is_empty() {
            return Ok(String::new());
        }
        Ok(format!("{} {prompt}", self.name))
    }

    #[cycles(tokens(1_000), "llm.completion", agent = format!("{}", self.name), workflow = a, toolset = model)]
    async fn ask_mutably<T: Send + 'static>(&mut self, (a, b): (u64, u64), value: T, model: &str) -> Result<T, Error> {
        self.calls += a + b + model.len() as u64;
        Ok(value)
    }

    #[cycles(usd!(0.02), "llm.completion", agent = self.name, actual = |agent| agent.calls)]
    async fn ask_by_value(mut self, prompt: String) -> anyhow::Result<Self> {
        self.calls += prompt.parse::<u64>()?;
        Ok(self)
    }
}

#[async_trait(?Send)]
pub trait Local {
    async fn ask(&self) -> Result<u64, Error>;
}

#[async_trait(?Send)]
impl Local for Agent {
    #[cycles(usd!(0.02), "llm.completion", agent = self.name)]
    async fn ask(&self) -> Result<u64, Error> {
        Ok(self.calls)
    }
}

fn main() {}
