//! The agent.

use std::time::Duration;

use futures_core::Stream;
use runcycles::models::Amount;
use runcycles::{CyclesClient, PriceError, PriceTable, context, cycles, usd};

use crate::error::AgentError;
use crate::model::{Completion, Model};

/// The model that should answer.
pub const LARGE: &str = "gpt-4o";

/// The model that stands in where the budget has too little for the other.
pub const SMALL: &str = "gpt-4o-mini";

/// The longest answer.
const MAX_TOKENS: u64 = 800;

/// How long a model may think.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a word of a streamed answer costs: a token of the large model.
const WORD: Amount = usd!(0.00001);

/// The prices that this release goes by. A test looks at their age.
const PRICES: &str = include_str!("../prices-2026-11-22.json");

/// What a customer asks.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Its number. Each ticket is a run, with a budget of its own where an operator gives it one.
    pub id: String,
    /// The question.
    pub question: String,
}

/// What the customer is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// The model that wrote it.
    pub model: String,
    /// What it cost.
    pub cost: Amount,
}

/// A support desk.
#[derive(Debug)]
pub struct Desk<M> {
    cycles: CyclesClient,
    model: M,
    prices: PriceTable,
}

impl<M: Model> Desk<M> {
    /// A desk that spends by a client.
    ///
    /// # Errors
    ///
    /// [`PriceError`] where the file of prices is broken.
    pub fn new(cycles: CyclesClient, model: M) -> Result<Self, PriceError> {
        Ok(Self { cycles, model, prices: PriceTable::from_litellm(PRICES)? })
    }

    /// Answers a ticket, with the small model where the budget has too little for the large one. An operator's no is no reason to
    /// try the other.
    ///
    /// # Errors
    ///
    /// [`AgentError`]: neither model may be asked, or the one that was asked failed.
    pub async fn answer(&self, ticket: &Ticket) -> Result<Answer, AgentError> {
        match self.ask(ticket, LARGE, self.estimate(LARGE, ticket)?).await {
            Err(error) if error.allows_fallback() => self.ask(ticket, SMALL, self.estimate(SMALL, ticket)?).await,
            other => other,
        }
    }

    /// Answers a ticket, asks the model whether that is enough, and goes on until it says so: until the budget of the run ends, where
    /// it never does. Returns the answers.
    ///
    /// # Errors
    ///
    /// [`AgentError`] for anything but the end of the budget.
    pub async fn work(&self, ticket: &Ticket) -> Result<Vec<Answer>, AgentError> {
        let mut answers = Vec::new();
        loop {
            match self.ask(ticket, LARGE, self.estimate(LARGE, ticket)?).await {
                Ok(answer) if answer.text == "done" => return Ok(answers),
                Ok(answer) => answers.push(answer),
                Err(error) if error.is_budget_exceeded() => return Ok(answers),
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers a ticket word by word, while the budget lasts.
    #[cycles(usd!(0.00005), "llm.completion", action_name = LARGE, client = self.cycles, agent = "desk", run = ticket.id,
             actual = |_word| WORD)]
    pub fn explain(&self, ticket: &Ticket) -> impl Stream<Item = Result<String, AgentError>> {
        self.model.stream(LARGE, &ticket.question)
    }

    /// Sends an answer to the customer, by a function of the caller's.
    ///
    /// # Errors
    ///
    /// [`AgentError`] where mails may not be sent, or the function fails.
    #[cycles(usd!(0.001), "email.send", action_name = "reply", client = self.cycles, agent = "desk", run = ticket.id)]
    pub async fn send(
        &self,
        ticket: &Ticket,
        answer: &Answer,
        send: impl AsyncFnOnce(&str) -> Result<(), AgentError>,
    ) -> Result<(), AgentError> {
        send(&answer.text).await
    }

    #[cycles(estimate, "llm.completion", action_name = model, client = self.cycles, agent = "desk", run = ticket.id,
             actual = |answer: &Answer| answer.cost.clone())]
    async fn ask(&self, ticket: &Ticket, model: &str, estimate: Amount) -> Result<Answer, AgentError> {
        let max_tokens = context().map_or(MAX_TOKENS, |context| context.clamp_max_tokens(MAX_TOKENS));
        let answer = self.model.complete(model, &ticket.question, max_tokens);
        let Completion { text, usage } =
            tokio::time::timeout(PATIENCE, answer).await.map_err(|_| AgentError::Timeout)??;
        Ok(Answer { text, model: model.to_owned(), cost: self.prices.of(model)?.cost(&usage)? })
    }

    fn estimate(&self, model: &str, ticket: &Ticket) -> Result<Amount, AgentError> {
        // Four bytes a token is more than there are.
        let input = ticket.question.len().div_ceil(4) as u64;
        Ok(self.prices.of(model)?.estimate(input, MAX_TOKENS, 0)?)
    }
}
