//! Chats through a client that a tripwire watches.

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use cycles_async_openai::GovernedChat;
use fake_provider::Answer;
use runcycles::{Tripwire, usd};
use runcycles_with_reqwest_middleware::TripwireResolver;

use crate::desk::{Desk, read, request, tariff};

/// A chat whose connections are refused outside of guarded calls.
fn watched(desk: &Desk) -> (Client<OpenAIConfig>, GovernedChat<OpenAIConfig>) {
    let resolver = TripwireResolver::new(Tripwire::refusing().host("localhost"));
    let http = reqwest::Client::builder().dns_resolver(resolver).no_proxy().build().expect("it is a client");
    let url = desk.provider.url().replace("127.0.0.1", "localhost");
    let openai =
        Client::with_config(OpenAIConfig::new().with_api_base(url).with_api_key("sk-of-nobody")).with_http_client(http);
    (openai.clone(), GovernedChat::new(openai, tariff()).client(desk.cycles.clone()))
}

#[tokio::test]
async fn a_tripwire_passes_what_is_sent_on_a_budget_streamed_or_not() {
    let desk = Desk::with(usd!(1)).await;
    let (openai, _) = watched(&desk);
    openai.chat().create(request(Some(50))).await.unwrap_err();
    assert!(desk.provider.requests().is_empty());

    desk.provider.answers(Answer::text("one"));
    watched(&desk).1.create(request(Some(50))).await.unwrap();
    desk.provider.answers(Answer::text("two"));
    let (text, error) = read(watched(&desk).1.create_stream(request(Some(50))).await.unwrap()).await;
    assert_eq!(text, "two");
    assert!(error.is_none(), "{error:?}");
}
