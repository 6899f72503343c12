//! Why there is no answer.

use async_openai::error::OpenAIError;
use cycles_tariff::TariffError;

/// Why a chat completion has no answer, or no more of one. The cause is the [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatError {
    /// The budget does not allow the call, or no more of its stream. [`runcycles::denial`] finds a denial here.
    #[error("the call is not covered by its budget")]
    Budget(#[source] runcycles::Error),
    /// Nothing can be said about what the call may cost, so it was not sent.
    #[error("the call has no price")]
    Tariff(#[from] TariffError),
    /// The provider refused the call, could not be reached, or sent what cannot be read.
    #[error("the provider failed")]
    Provider(#[source] Box<OpenAIError>),
    /// The stream ended in the middle of the answer, without a reason.
    #[error("the provider's answer ended in the middle")]
    Unfinished,
    /// The provider went on beyond the most tokens that the request allowed, and so beyond what was reserved.
    #[error("the provider went on beyond the {limit} tokens that the request allowed")]
    BeyondLimit {
        /// The most tokens, for all choices together.
        limit: u64,
    },
}

impl From<runcycles::Error> for ChatError {
    fn from(error: runcycles::Error) -> Self {
        Self::Budget(error)
    }
}

impl From<OpenAIError> for ChatError {
    fn from(error: OpenAIError) -> Self {
        Self::Provider(Box::new(error))
    }
}
