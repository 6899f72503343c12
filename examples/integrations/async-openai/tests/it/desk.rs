//! A provider, an authority, and a chat between them.

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::types::chat::CreateChatCompletionRequest;
use cycles_async_openai::{ChatError, ChatStream, GovernedChat, Tariff};
use fake_provider::FakeProvider;
use futures_util::StreamExt;
use runcycles::models::Amount;
use runcycles::{CyclesClient, Price, PriceTable, usd};
use runcycles_authority::{Authority, AuthorityBuilder, Budget};
use serde_json::{Value, json};

/// Where the agent's money is.
pub(crate) const BUDGET: &str = "tenant:acme";

pub(crate) struct Desk {
    pub(crate) provider: FakeProvider,
    pub(crate) authority: Authority,
    pub(crate) cycles: CyclesClient,
    pub(crate) chat: GovernedChat<OpenAIConfig>,
}

/// 250 microcents a token of input, 125 from a cache, and 1,000 a token of output.
pub(crate) fn tariff() -> Tariff {
    let mut prices = PriceTable::new();
    let price = Price::new(usd!(2.50), usd!(10)).and_then(|price| price.cache_read(usd!(1.25)));
    prices.insert("gpt-4o", price.expect("they are money"));
    Tariff::prices(prices)
}

impl Desk {
    pub(crate) async fn with(budget: impl Into<Budget>) -> Self {
        Self::of(Authority::builder().budget(BUDGET, budget), tariff()).await
    }

    pub(crate) async fn of(authority: AuthorityBuilder, tariff: Tariff) -> Self {
        let authority = authority.start().await.expect("it starts");
        let provider = FakeProvider::start().await.expect("a port is free");
        let config = OpenAIConfig::new().with_api_base(provider.url()).with_api_key("sk-of-nobody");
        let cycles = authority.client("acme");
        let chat = GovernedChat::new(Client::with_config(config), tariff).client(cycles.clone());
        Self { provider, authority, cycles, chat }
    }

    /// What is spent and what is held, once everything is settled that can be.
    pub(crate) async fn spent_and_held(&self) -> (Amount, Amount) {
        self.cycles.flush(std::time::Duration::from_secs(5)).await;
        let ledger = self.authority.ledger(BUDGET).expect("there is such a budget");
        (ledger.spent, ledger.reserved)
    }
}

/// A request for an answer of at most so many tokens.
pub(crate) fn request(most: Option<u32>) -> CreateChatCompletionRequest {
    let mut request: CreateChatCompletionRequest = serde_json::from_value(json!({
        "model": "gpt-4o",
        "messages": [{ "role": "user", "content": "Why is the sky blue?" }],
    }))
    .expect("it is a request");
    request.max_completion_tokens = most;
    request
}

/// A sum of microcents.
pub(crate) fn microcents(amount: u64) -> Amount {
    Amount::usd_microcents(amount)
}

/// The text of a stream, and the error that it ended with.
pub(crate) async fn read(mut chunks: ChatStream) -> (String, Option<ChatError>) {
    let mut text = String::new();
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => {
                let contents = chunk.choices.into_iter().filter_map(|choice| choice.delta.content);
                text.extend(contents);
            }
            Err(error) => {
                assert!(chunks.next().await.is_none(), "a stream ends with its first error");
                return (text, Some(error));
            }
        }
    }
    (text, None)
}

/// The body of the last commit.
pub(crate) fn last_commit(authority: &Authority) -> Value {
    let requests = authority.requests();
    let commit = requests
        .iter()
        .rev()
        .find(|request| request.call == Some(runcycles_authority::Call::Commit))
        .expect("something was committed");
    serde_json::from_slice(&commit.body).expect("it is JSON")
}
