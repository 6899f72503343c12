//! What an answer has cost so far.

use async_openai::types::chat::{CompletionUsage, CreateChatCompletionStreamResponse};
use cycles_tariff::{Count, Tariff, TariffError};
use runcycles::Usage;
use runcycles::models::{Amount, CyclesMetrics};
use runcycles::telemetry::gen_ai::ModelUsage;

/// Counts the parts of a stream, until the provider says what it took.
#[derive(Debug)]
pub(crate) struct Tally {
    tariff: Tariff,
    model: String,
    count: Count,
    /// What the parts have cost, counted as a token each.
    counted: u64,
    reported: Option<Usage>,
    is_finished: bool,
}

impl Tally {
    pub(crate) fn new(tariff: Tariff, model: String, input: u64, most: u64) -> Self {
        Self { tariff, model, count: Count::new(input, most), counted: 0, reported: None, is_finished: false }
    }

    /// Counts a chunk.
    pub(crate) fn add(&mut self, chunk: &CreateChatCompletionStreamResponse) {
        for choice in &chunk.choices {
            let delta = &choice.delta;
            let calls = delta.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
            let of_calls = calls.flat_map(|function| [&function.name, &function.arguments]);
            let texts = [&delta.content, &delta.refusal].into_iter().chain(of_calls).flatten();
            self.count.add(texts.map(String::len).sum());
            self.is_finished |= choice.finish_reason.is_some();
        }
        if let Some(usage) = &chunk.usage {
            self.reported = Some(usage_of(usage));
        }
    }

    /// Whether the provider has said why the answer ends, or what it took.
    pub(crate) fn is_finished(&self) -> bool {
        self.is_finished || self.reported.is_some()
    }

    /// How much of the answer has arrived.
    pub(crate) fn count(&self) -> &Count {
        &self.count
    }

    /// Whether the provider has said what the answer took.
    pub(crate) fn is_reported(&self) -> bool {
        self.reported.is_some()
    }

    /// What the answer has taken so far, as the provider says or else by a guess.
    fn usage(&self) -> Usage {
        self.reported.unwrap_or_else(|| self.count.about())
    }

    /// What the answer has cost so far.
    pub(crate) fn cost(&self) -> Result<Amount, TariffError> {
        self.tariff.cost(&self.model, &self.usage())
    }

    /// What has been counted since the last time: never more, in all, than what the provider will say.
    pub(crate) fn counted_since(&mut self) -> u64 {
        let counted = self.tariff.cost(&self.model, &self.count.at_least()).map_or(u64::MAX, |cost| cost.value());
        let since = counted.saturating_sub(self.counted);
        self.counted = counted;
        since
    }

    /// The measurements so far.
    pub(crate) fn metrics(&self, model: &str) -> CyclesMetrics {
        let (input, output) = totals(&self.usage());
        CyclesMetrics {
            tokens_input: Some(input),
            tokens_output: Some(output),
            model_version: Some(model.chars().take(128).collect()),
            ..CyclesMetrics::default()
        }
    }

    /// What the model has used so far.
    pub(crate) fn model_usage(&self, model: &str) -> ModelUsage {
        model_usage(&self.model, model, &self.usage())
    }
}

/// What a provider says of an answer, in classes that do not overlap: its input has what was cached, and its output what was
/// reasoned.
pub(crate) fn usage_of(usage: &CompletionUsage) -> Usage {
    let (input, output) = (u64::from(usage.prompt_tokens), u64::from(usage.completion_tokens));
    let cached = usage.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens);
    let written = usage.prompt_tokens_details.as_ref().and_then(|details| details.cache_write_tokens);
    let reasoned = usage.completion_tokens_details.as_ref().and_then(|details| details.reasoning_tokens);
    let cache_read = cached.map_or(0, u64::from).min(input);
    let cache_write = written.and_then(|tokens| u64::try_from(tokens).ok()).unwrap_or(0).min(input - cache_read);
    let reasoning = reasoned.map_or(0, u64::from).min(output);
    Usage { input: input - cache_read - cache_write, cache_read, cache_write, output: output - reasoning, reasoning }
}

/// What a model that was asked for used, by the name that it answers with.
pub(crate) fn model_usage(asked: &str, answers: &str, usage: &Usage) -> ModelUsage {
    let (input, output) = totals(usage);
    ModelUsage::new(asked).response_model(answers).tokens(input, output)
}

/// All tokens that went in, and all that came out.
fn totals(usage: &Usage) -> (u64, u64) {
    (usage.input + usage.cache_read + usage.cache_write, usage.output + usage.reasoning)
}
