//! Chat completions that run only after their budget has been reserved.

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionStreamOptions, CreateChatCompletionRequest, CreateChatCompletionResponse,
};
use cycles_tariff::{Tariff, guess_tokens};
use runcycles::{CyclesClient, WithCyclesConfig, current_client};

use crate::error::ChatError;
use crate::limit;
use crate::stream::ChatStream;
use crate::tally::{Tally, model_usage, usage_of};

/// The kind of action that a chat completion is.
const KIND: &str = "llm.completion";

/// Chat completions of a provider that run only after their budget has been reserved, in place of `client.chat()`.
///
/// A call is an action `llm.completion` with the model's name. What is reserved is the cost of its input, guessed by its length,
/// and of the most output that it allows; a request that does not say how much it allows is sent with the tariff's
/// [`most_output`](Tariff::most_output), and one that says more than the reservation's caps do with less. What is charged is what
/// the provider says that the call took.
///
/// | what becomes of a call | what is charged |
/// |---|---|
/// | an answer with its usage | what it says |
/// | an answer without | the estimate, marked as one |
/// | an error, or an answer that cannot be read | by the client's [`UnknownSpend`](runcycles::UnknownSpend) policy: nothing, by default |
/// | a stream that ends early, however: dropped, broken, unreadable | its input and what has arrived, by their length |
///
/// Tokens of reasoning are never seen in a stream, so one that ends early is charged without them.
#[derive(Clone, Debug)]
#[must_use]
pub struct GovernedChat<C: Config> {
    openai: Client<C>,
    tariff: Tariff,
    cycles: Option<CyclesClient>,
}

impl<C: Config> GovernedChat<C> {
    /// The chat of a provider, charged by a tariff.
    pub fn new(openai: Client<C>, tariff: Tariff) -> Self {
        Self { openai, tariff, cycles: None }
    }

    /// Who pays: a client, or a view of one that is [scoped](CyclesClient::scoped) to an agent. The
    /// [default client](runcycles::set_default_client) unless set.
    pub fn client(mut self, cycles: CyclesClient) -> Self {
        self.cycles = Some(cycles);
        self
    }

    /// An answer in one piece, as [`Chat::create`](async_openai::Chat::create) gives.
    ///
    /// # Errors
    ///
    /// [`ChatError::Budget`] and [`ChatError::Tariff`]: nothing was sent. [`ChatError::Provider`] otherwise.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the request, and the hold is settled by the client's policy.
    pub async fn create(
        &self,
        request: CreateChatCompletionRequest,
    ) -> Result<CreateChatCompletionResponse, ChatError> {
        let Asked { cycles, config, mut request, most, .. } = self.ask(request)?;
        cycles
            .execute(config, |context| async move {
                limit::clamp(&mut request, most, context.caps());
                let model = request.model.clone();
                let response = self.openai.chat().create(request).await?;
                if let Some(usage) = response.usage.as_ref().map(usage_of) {
                    context.record_model_usage(&model_usage(&model, &response.model, &usage));
                    // In the unit of the estimate, and in range or else charged as estimated.
                    if let Ok(cost) = self.tariff.cost(&model, &usage) {
                        drop(context.set_actual(cost));
                    }
                }
                Ok(response)
            })
            .await
    }

    /// An answer piece by piece, as [`Chat::create_stream`](async_openai::Chat::create_stream) gives.
    ///
    /// The provider is asked to say at the end what the answer took. Until then it is counted as it arrives, so that whoever drops the
    /// stream has paid for what was delivered. It ends with its first error.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create); and the same while it flows, with [`ChatError::Unfinished`] and [`ChatError::BeyondLimit`].
    ///
    /// # Cancel safety
    ///
    /// As [`create`](Self::create); and as [`runcycles::metered`] while it flows.
    pub async fn create_stream(&self, request: CreateChatCompletionRequest) -> Result<ChatStream, ChatError> {
        let Asked { cycles, config, mut request, input, most } = self.ask(request)?;
        request.stream_options.get_or_insert(ChatCompletionStreamOptions::default()).include_usage = Some(true);
        // Nothing would stop a stream without the authority.
        let guard = cycles.begin(config.needs_authority()).await?;
        let most = limit::clamp(&mut request, most, guard.caps()) * limit::choices(&request);
        let tally = Tally::new(self.tariff.clone(), request.model.clone(), input, most);
        match guard.run(self.openai.chat().create_stream(request)).await {
            Ok(stream) => {
                // Once the provider answers, the input is paid for.
                if let Ok(cost) = tally.cost() {
                    drop(guard.set_actual(cost));
                }
                Ok(ChatStream::new(guard, stream, tally))
            }
            Err(error) => {
                if let OpenAIError::ApiError(_) = &error {
                    // What the provider refuses it does not charge.
                    drop(guard.release("provider_refused").await);
                }
                Err(error.into())
            }
        }
    }

    /// Prepares a call: nothing has been sent yet, to anybody.
    fn ask(&self, mut request: CreateChatCompletionRequest) -> Result<Asked, ChatError> {
        let cycles = self.cycles.clone().map_or_else(current_client, Ok)?;
        let input = guess_tokens(&request);
        let most = limit::set(&mut request, &self.tariff);
        let estimate = self.tariff.estimate(&request.model, input, most.saturating_mul(limit::choices(&request)))?;
        let mut metadata = runcycles::models::Metadata::new();
        metadata.insert("tokens_source".to_owned(), "guess".into());
        let config = WithCyclesConfig::new(estimate).action(KIND, &request.model).metadata(metadata);
        Ok(Asked { cycles, config, request, input, most })
    }
}

/// A call that is about to be made.
struct Asked {
    cycles: CyclesClient,
    config: WithCyclesConfig,
    request: CreateChatCompletionRequest,
    /// The guess at its input.
    input: u64,
    /// The most output of each of its answers.
    most: u64,
}
