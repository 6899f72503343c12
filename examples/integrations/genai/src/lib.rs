#![doc = include_str!("../README.md")]

use cycles_tariff::{Tariff, TariffError, guess_tokens};
use genai::ModelSpec;
use genai::chat::{ChatOptions, ChatRequest, ChatResponse, Usage as Told};
use runcycles::{CyclesClient, Usage, WithCyclesConfig};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The budget does not allow the call.
    #[error("the call is not covered by its budget")]
    Budget(#[from] runcycles::Error),
    /// Nothing can be said about what the call may cost.
    #[error("the call has no price")]
    Tariff(#[from] TariffError),
    /// The provider failed.
    #[error("the provider failed")]
    Provider(#[from] Box<genai::Error>),
}

/// Asks a model that the tariff knows by `name`, for at most so many tokens.
///
/// # Errors
///
/// [`AskError::Budget`] and [`AskError::Tariff`]: nothing was sent.
pub async fn ask(
    genai: &genai::Client,
    cycles: &CyclesClient,
    tariff: &Tariff,
    model: impl Into<ModelSpec>,
    name: &str,
    request: ChatRequest,
    most: u32,
) -> Result<ChatResponse, AskError> {
    let estimate = tariff.estimate(name, guess_tokens(&request), most.into())?;
    let config = WithCyclesConfig::new(estimate).action("llm.completion", name);
    let model = model.into();
    cycles
        .execute(config, |context| async move {
            let most = u32::try_from(context.clamp_max_tokens(most.into())).unwrap_or(most);
            let options = ChatOptions::default().with_max_tokens(most);
            let response = genai.exec_chat(model, request, Some(&options)).await.map_err(Box::new)?;
            // Without usage, the estimate is charged, and marked as one.
            if let Some(cost) = usage_of(&response.usage).and_then(|usage| tariff.cost(name, &usage).ok()) {
                drop(context.set_actual(cost));
            }
            Ok(response)
        })
        .await
}

/// What a provider says of an answer, in classes that do not overlap: its input has what was cached, and its output what was
/// reasoned.
fn usage_of(told: &Told) -> Option<Usage> {
    let tokens = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok());
    let (input, output) = (tokens(told.prompt_tokens)?, tokens(told.completion_tokens)?);
    let of_input = told.prompt_tokens_details.as_ref();
    let of_output = told.completion_tokens_details.as_ref();
    let cache_read = of_input.and_then(|details| tokens(details.cached_tokens)).unwrap_or(0).min(input);
    let cache_write = of_input.and_then(|details| tokens(details.cache_creation_tokens)).unwrap_or(0);
    let cache_write = cache_write.min(input - cache_read);
    let reasoning = of_output.and_then(|details| tokens(details.reasoning_tokens)).unwrap_or(0).min(output);
    Some(Usage {
        input: input - cache_read - cache_write,
        cache_read,
        cache_write,
        output: output - reasoning,
        reasoning,
    })
}
