//! Names for the use of models, from the semantic conventions of OpenTelemetry for generative AI.
//!
//! None of these conventions is stable yet. The names are here and nowhere else, so that they move with them; a change of theirs is
//! a minor change of this crate.

use super::CallSpan;

/// What is done with a model, such as `chat`.
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
/// Who provides the model, such as `openai`.
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
/// The model that was asked for.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// The model that answered.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// How many tokens went in.
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// How many tokens came out.
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";

/// What a call of a model used, as [`Context::record_model_usage`](crate::Context::record_model_usage) takes it.
///
/// ```
/// use runcycles::telemetry::gen_ai::ModelUsage;
///
/// let usage = ModelUsage::new("gpt-4o").provider("openai").tokens(812, 120).response_model("gpt-4o-2024-08-06");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "usage is told to nobody until a context takes it"]
pub struct ModelUsage {
    operation: Option<String>,
    provider: Option<String>,
    request_model: String,
    pub(crate) response_model: Option<String>,
    pub(crate) tokens: Option<(u64, u64)>,
}

impl ModelUsage {
    /// A call of a model, by the name that was asked for.
    pub fn new(model: impl Into<String>) -> Self {
        Self { request_model: model.into(), ..Self::default() }
    }

    /// What was done, such as `chat` or `embeddings`; `chat` by default.
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Who provides the model, such as `openai` or `anthropic`.
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// The model that answered.
    pub fn response_model(mut self, model: impl Into<String>) -> Self {
        self.response_model = Some(model.into());
        self
    }

    /// How many tokens went in and came out.
    pub fn tokens(mut self, input: u64, output: u64) -> Self {
        self.tokens = Some((input, output));
        self
    }

    pub(crate) fn record(&self, span: &CallSpan) {
        if !span.is_open() {
            return;
        }
        span.record(OPERATION_NAME, self.operation.as_deref().unwrap_or("chat"));
        span.record(REQUEST_MODEL, &self.request_model);
        self.provider.iter().for_each(|provider| span.record(PROVIDER_NAME, provider));
        self.response_model.iter().for_each(|model| span.record(RESPONSE_MODEL, model));
        if let Some((input, output)) = self.tokens {
            span.record_number(INPUT_TOKENS, input);
            span.record_number(OUTPUT_TOKENS, output);
        }
    }
}
