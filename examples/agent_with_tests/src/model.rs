//! What the agent asks.

use std::pin::Pin;

use futures_core::Stream;
use runcycles::{BoxFuture, Usage};

use crate::error::AgentError;

/// An answer, word by word.
pub type Words = Pin<Box<dyn Stream<Item = Result<String, AgentError>> + Send>>;

/// A provider of models. Tests put one in its place that costs nothing.
pub trait Model: Send + Sync {
    /// Answers a question with at most so many tokens.
    fn complete<'a>(
        &'a self,
        model: &'a str,
        question: &'a str,
        max_tokens: u64,
    ) -> BoxFuture<'a, Result<Completion, AgentError>>;

    /// Answers a question as it thinks.
    fn stream(&self, model: &str, question: &str) -> Words;
}

/// What a model says, and what it used.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// Its tokens.
    pub usage: Usage,
}
