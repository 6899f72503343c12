//! Methods of traits: implemented, and given by the trait itself.
#![deny(warnings)]
#![allow(async_fn_in_trait)]

use std::future::Future;

use runcycles::{Error, cycles, usd};

pub trait Model {
    type Reply;
    const NAME: &'static str;

    fn user(&self) -> Option<&str>;

    async fn ask(&mut self, prompt: &str) -> Result<Self::Reply, Error>;

    fn ask_in_a_task(&self, prompt: String) -> impl Future<Output = Result<Self::Reply, Error>> + Send;

    #[cycles(usd!(0.02), "llm.completion", action_name = Self::NAME, agent = self.user())]
    async fn ask_twice(&mut self, prompt: &str) -> Result<[Self::Reply; 2], Error> {
        Ok([self.ask(prompt).await?, self.ask(prompt).await?])
    }
}

pub struct Echo(u32);

impl Model for Echo {
    type Reply = String;
    const NAME: &'static str = "echo";

    fn user(&self) -> Option<&str> {
        None
    }

    #[cycles(usd!(0.02), "llm.completion", action_name = Self::NAME, toolset = self.0)]
    async fn ask(&mut self, prompt: &str) -> Result<Self::Reply, Error> {
        self.0 += 1;
        Ok(prompt.to_owned())
    }

    #[cycles(usd!(0.02), "llm.completion", action_name = Self::NAME, toolset = self.0)]
    async fn ask_in_a_task(&self, prompt: String) -> Result<Self::Reply, Error> {
        Ok(prompt)
    }
}

fn main() {}
