//! Calls by genai against a provider on loopback and an authority in process.

use cycles_genai::{AskError, ask};
use cycles_tariff::Tariff;
use fake_provider::{Answer, FakeProvider, Tokens};
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatRequest, ChatResponse};
use genai::resolver::{AuthData, Endpoint};
use genai::{ModelIden, ServiceTarget};
use runcycles::models::Amount;
use runcycles::{Price, PriceTable, usd};
use runcycles_authority::Authority;

const BUDGET: &str = "tenant:acme";

/// Asks for at most 50 tokens, at 250 microcents a token of input, 125 from a cache, and 1,000 a token of output.
async fn asked(provider: &FakeProvider, authority: &Authority) -> Result<ChatResponse, AskError> {
    let mut prices = PriceTable::new();
    prices.insert("gpt-4o", Price::new(usd!(2.50), usd!(10)).unwrap().cache_read(usd!(1.25)).unwrap());
    let target = ServiceTarget {
        endpoint: Endpoint::from_owned(format!("{}/", provider.url())),
        auth: AuthData::from_single("sk-of-nobody"),
        model: ModelIden::new(AdapterKind::OpenAI, "gpt-4o"),
    };
    let request = ChatRequest::new(vec![ChatMessage::user("Why is the sky blue?")]);
    let (genai, cycles) = (genai::Client::new().map_err(Box::new)?, authority.client("acme"));
    ask(&genai, &cycles, &Tariff::prices(prices), target, "gpt-4o", request, 50).await
}

#[tokio::test]
async fn a_call_is_charged_what_the_provider_says_it_took() {
    let provider = FakeProvider::start().await.unwrap();
    let authority = Authority::builder().budget(BUDGET, usd!(1)).start().await.unwrap();
    let took = Tokens { prompt: 100, cached: 40, reasoning: 7 };
    provider.answers(Answer::text("because of Rayleigh").tokens(took));

    let reply = asked(&provider, &authority).await.unwrap();
    assert_eq!(reply.first_text(), Some("because of Rayleigh"));
    let cost = Amount::usd_microcents(60 * 250 + 40 * 125 + (3 + 7) * 1_000);
    assert_eq!(authority.ledger(BUDGET).unwrap().spent, cost);
    authority.assert_settled();
}

#[tokio::test]
async fn a_denied_call_is_not_sent() {
    let provider = FakeProvider::start().await.unwrap();
    let authority = Authority::builder().budget(BUDGET, usd!(0.0001)).start().await.unwrap();
    let error = asked(&provider, &authority).await.unwrap_err();
    assert!(matches!(error, AskError::Budget(ref error) if error.is_budget_exceeded()), "{error:?}");
    assert!(provider.requests().is_empty());
}
