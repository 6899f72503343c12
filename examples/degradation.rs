//! From the large model to the small one, and then to an honest answer, as budgets are used up.
//!
//! `cargo run --example degradation`

use runcycles::models::Amount;
use runcycles::{Error, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show};

#[cycles(usd!(0.05), "llm.completion", action_name = "gpt-4o", toolset = "premium", fallback = economy(prompt).await)]
pub(crate) async fn answer(prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", prompt).await)
}

#[cycles(usd!(0.002), "llm.completion", action_name = "gpt-4o-mini")]
async fn economy(prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o-mini", prompt).await)
}

/// What a user gets to read. An operator's stop or a broken network is not the budget's no, and is told as it is.
async fn respond(prompt: &str) -> Result<String, Error> {
    match answer(prompt).await {
        Ok(reply) => Ok(reply.text),
        Err(Error::BudgetExceeded { .. }) => Ok("All budgets exhausted. Please try again later.".to_owned()),
        Err(error) => Err(error),
    }
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// What the user read in the end.
    pub(crate) last_words: String,
    /// What the application spent.
    pub(crate) spent: Option<Amount>,
    pub(crate) calls: Calls,
}

pub(crate) const APP: &str = "tenant:acme-corp/app:chatbot";
pub(crate) const PREMIUM: &str = "tenant:acme-corp/app:chatbot/toolset:premium";

/// An authority with a hundredth of what a company would give its chatbot.
pub(crate) async fn authority() -> Result<Authority, Box<dyn std::error::Error>> {
    let builder = Authority::builder().budget(APP, usd!(1)).budget(PREMIUM, usd!(0.60));
    Ok(builder.budget("tenant:acme-corp/app:chatbot/toolset:tools", usd!(0.40)).start().await?)
}

/// Questions until there is nothing left to answer them with.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = authority().await?;
    let client = authority.client("acme-corp").scoped(Scope::app("chatbot"));

    show("before", &client).await?;
    let questions = async {
        loop {
            let text = respond("why?").await?;
            if text.starts_with("All budgets") {
                return Ok::<_, Error>(text);
            }
        }
    };
    let (last_words, calls) = count_calls(client.run(questions)).await;
    let last_words = last_words?;
    println!(
        "{} answers of gpt-4o, {} of gpt-4o-mini, then: {last_words}\n",
        calls.of("gpt-4o"),
        calls.of("gpt-4o-mini")
    );
    show("after", &client).await?;
    let spent = authority.ledger(APP).map(|ledger| ledger.spent);
    Ok(Numbers { last_words, spent, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
