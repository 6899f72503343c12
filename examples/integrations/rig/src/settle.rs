//! What effects are charged for.

use cycles_tariff::Tariff;
use rig_agent::core::completion::Usage as Told;
use runcycles::Usage;
use runcycles::models::{Amount, CommitRequest, CyclesMetrics};

use crate::holds::{Answer, Held};

/// Charges an answer for what its provider says that it took; for the estimate, marked as one, where it does not say.
pub(crate) async fn answer(held: Held, answer: &Answer, tariff: &Tariff, told: &Told, model: &str) {
    let cost = usage_of(told).and_then(|usage| Some((tariff.cost(&answer.model, &usage).ok()?, usage)));
    let latency_ms =
        u64::try_from(held.since.elapsed().as_millis()).ok().filter(|latency| i32::try_from(*latency).is_ok());
    let metrics = CyclesMetrics {
        tokens_input: told.input_tokens,
        tokens_output: told.output_tokens,
        latency_ms,
        model_version: Some(model.chars().take(128).collect()),
        ..CyclesMetrics::default()
    };
    let mut commit = match cost {
        Some((cost, _)) => CommitRequest::new(cost),
        None => estimate(held.guard.reserved().clone()),
    };
    commit.metrics = Some(metrics);
    // Whatever becomes of it, the answer is the agent's; what is open goes on in the background.
    drop(held.guard.commit(commit).await);
}

/// Charges a tool for its price.
pub(crate) async fn tool(held: Held) {
    let price = held.guard.reserved().clone();
    drop(held.guard.commit(price).await);
}

/// Returns what was held for something that did not run.
pub(crate) async fn not_run(held: Held, reason: &'static str) {
    drop(held.guard.release(reason).await);
}

fn estimate(amount: Amount) -> CommitRequest {
    let mut commit = CommitRequest::new(amount);
    commit.metadata.insert("actual_source".to_owned(), "estimate".into());
    commit
}

/// What a provider says of an answer, in classes that do not overlap: its input has what was cached, and its output what was
/// reasoned.
fn usage_of(told: &Told) -> Option<Usage> {
    if told.input_tokens.is_none() && told.output_tokens.is_none() {
        return None;
    }
    let (input, output) = (told.input_tokens.unwrap_or(0), told.output_tokens.unwrap_or(0));
    let cache_read = told.cached_input_tokens.unwrap_or(0).min(input);
    let cache_write = told.cache_creation_input_tokens.unwrap_or(0).min(input - cache_read);
    let reasoning = told.reasoning_tokens.unwrap_or(0).min(output);
    Some(Usage {
        input: input - cache_read - cache_write,
        cache_read,
        cache_write,
        output: output - reasoning,
        reasoning,
    })
}
