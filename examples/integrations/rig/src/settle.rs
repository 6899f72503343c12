//! What effects are charged for.

use cycles_tariff::Tariff;
use rig_agent::core::completion::Usage as Told;
use runcycles::Usage;
use runcycles::models::CyclesMetrics;
use runcycles::telemetry::gen_ai::ModelUsage;

use crate::holds::{Answer, Held};

/// Charges an answer for what its provider says that it took. Where it does not say, that is what was counted as it streamed, or else the
/// estimate, marked as one.
pub(crate) async fn answer(held: Held, answer: &Answer, tariff: &Tariff, told: &Told, model: &str) {
    let cost = usage_of(told).and_then(|usage| tariff.cost(&answer.model, &usage).ok());
    let latency_ms =
        u64::try_from(held.since.elapsed().as_millis()).ok().filter(|latency| i32::try_from(*latency).is_ok());
    held.guard.set_metrics(CyclesMetrics {
        tokens_input: told.input_tokens,
        tokens_output: told.output_tokens,
        latency_ms,
        ..CyclesMetrics::default()
    });
    let mut usage = ModelUsage::new(&answer.model).response_model(model);
    if let (Some(input), Some(output)) = (told.input_tokens, told.output_tokens) {
        usage = usage.tokens(input, output);
    }
    held.guard.record_model_usage(&usage);
    if let Some(cost) = cost {
        // In the unit of the estimate, and in range or else charged as counted or estimated.
        drop(held.guard.set_actual(cost));
    }
    // Whatever becomes of it, the answer is the agent's; what is open goes on in the background.
    drop(held.guard.commit_known().await);
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
