//! Methods with every receiver; the arguments of the attribute see `self`.
#![deny(warnings)]

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use runcycles::{CyclesClient, Error, cycles, usd};

pub struct Agent {
    cycles: CyclesClient,
    name: String,
    calls: u32,
}

impl Agent {
    #[cycles(usd!(0.02), "llm.completion", agent = self.name, client = self.cycles)]
    pub async fn by_reference(&self, prompt: &str) -> Result<usize, Error> {
        Ok(self.name.len() + prompt.len())
    }

    #[cycles(usd!(0.02), "llm.completion", agent = &self.name, client = &self.cycles)]
    pub async fn by_mutable_reference(&mut self) -> Result<&mut u32, Error> {
        self.calls += 1;
        Ok(&mut self.calls)
    }

    #[cycles(usd!(0.02), "llm.completion", agent = self.name, client = self.cycles)]
    pub async fn by_value(self) -> Result<String, Error> {
        Ok(self.name)
    }

    #[cycles(usd!(0.02), "llm.completion", agent = self.name)]
    pub async fn by_mutable_value(mut self) -> Result<Self, Error> {
        self.calls += 1;
        Ok(self)
    }

    #[cycles(usd!(0.02), "llm.completion", agent = self.name)]
    pub async fn by_arc(self: Arc<Self>) -> Result<Arc<Self>, Error> {
        Ok(self)
    }

    #[cycles(usd!(0.02), "llm.completion", agent = self.name)]
    pub async fn by_rc(self: &Rc<Self>) -> Result<u32, Error> {
        Ok(self.calls)
    }

    #[cycles(usd!(0.02), "llm.completion", agent = self.name)]
    pub async fn by_box(self: Box<Self>) -> Result<String, Error> {
        Ok(self.name)
    }

    #[cycles(usd!(0.02), "llm.completion", agent = self.name)]
    pub async fn by_pin(mut self: Pin<&mut Self>) -> Result<(), Error> {
        self.calls += 1;
        Ok(())
    }

    #[cycles(usd!(0.02), "llm.completion", agent = Self::KIND)]
    pub async fn without_receiver() -> Result<Option<Self>, Error> {
        Ok(None)
    }

    const KIND: &str = "agent";
}

fn main() {}
