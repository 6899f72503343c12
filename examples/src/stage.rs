//! The world that agents act in: models and tools that answer at once and cost nothing.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use runcycles::models::Amount;
use runcycles::{Error, usd};

tokio::task_local! {
    static CALLS: Arc<Mutex<Calls>>;
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub text: String,
    cost: Amount,
}

impl Reply {
    /// What its provider charges for it.
    pub fn cost(&self) -> Amount {
        self.cost.clone()
    }
}

/// Asks a model: `gpt-4o` and its like charge two cents, `gpt-4o-mini` and its like a fifth of one.
pub async fn llm(model: &str, prompt: &str) -> Reply {
    note(model);
    let cost = if model.contains("mini") || model.contains("haiku") { usd!(0.002) } else { usd!(0.02) };
    Reply { text: format!("{model} on {prompt:?}"), cost }
}

/// Uses a tool.
pub async fn tool(name: &str) {
    note(name);
}

fn note(name: &str) {
    // Outside of a count, nobody wants to know.
    let _ = CALLS.try_with(|calls| {
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.0.entry(name.to_owned()).or_default() += 1;
    });
}

/// How often each model and tool was called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(BTreeMap<String, u64>);

impl Calls {
    /// How often one was.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// How often all of them were.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

/// What a future came to, and how often it called models and tools.
pub type Counted<'a, T> = Pin<Box<dyn Future<Output = (T, Calls)> + 'a>>;

/// Runs a future, and tells how often it called models and tools. Tasks that it spawns are not counted.
pub fn count_calls<'a, F: Future + 'a>(future: F) -> Counted<'a, F::Output> {
    let calls = Arc::new(Mutex::new(Calls::default()));
    // Stories are long, and their futures large.
    let counted = Box::pin(CALLS.scope(Arc::clone(&calls), future));
    Box::pin(async move {
        let output = counted.await;
        let calls = calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (output, calls)
    })
}

/// Calls until the budget says no: how often it went well, and the denial.
///
/// # Errors
///
/// Any other error of a call.
pub async fn until_denied<T, F>(mut call: impl FnMut() -> F) -> Result<(u64, Error), Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut times = 0;
    loop {
        match call().await {
            Ok(_) => times += 1,
            Err(error) if error.is_budget_exceeded() => return Ok((times, error)),
            Err(error) => return Err(error),
        }
    }
}
