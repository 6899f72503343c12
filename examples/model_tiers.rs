//! A budget for each tier of models: what a call costs is taken from the tier of the model that it asks.
//!
//! `cargo run --example model_tiers`

use runcycles::{Error, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show, until_denied};

/// The tier of a model. One that nobody has put into a tier has no budget there, and is refused.
fn tier(model: &str) -> &'static str {
    match model {
        "gpt-4o" | "claude-sonnet" => "tier-premium",
        "gpt-4o-mini" => "tier-standard",
        "claude-haiku" => "tier-economy",
        _ => "tier-unmapped",
    }
}

#[cycles(usd!(0.02), "llm.completion", action_name = model, toolset = tier(model), require = "toolset")]
async fn ask(model: &str, prompt: &str) -> Result<Reply, Error> {
    Ok(llm(model, prompt).await)
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Calls of the premium, standard and economy tier.
    pub(crate) calls_of_tiers: [u64; 3],
    /// Whether the standard tier went on when the premium tier was used up.
    pub(crate) tiers_are_apart: bool,
    /// Whether a model without a tier is refused.
    pub(crate) unknown_model_is_refused: bool,
    pub(crate) calls: Calls,
}

/// Each tier is used up after the other, at a hundredth of what a company would give them.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder()
        .budget("tenant:acme-corp", usd!(100))
        .budget("tenant:acme-corp/app:chatbot/toolset:tier-premium", usd!(0.50))
        .budget("tenant:acme-corp/app:chatbot/toolset:tier-standard", usd!(2))
        .budget("tenant:acme-corp/app:chatbot/toolset:tier-economy", usd!(5))
        .start()
        .await?;
    let client = authority.client("acme-corp").scoped(Scope::app("chatbot"));

    show("before", &client).await?;
    let told = async {
        let (premium, no) = until_denied(|| ask("gpt-4o", "think")).await?;
        println!("after {premium} calls of the premium tier: {no}\n");
        let tiers_are_apart = ask("gpt-4o-mini", "think").await.is_ok();
        let (standard, _) = until_denied(|| ask("gpt-4o-mini", "think")).await?;
        let (economy, _) = until_denied(|| ask("claude-haiku", "think")).await?;
        let unknown = ask("mystery", "think").await;
        if let Err(error) = &unknown {
            println!("mystery: {error}\n");
        }
        let unknown_model_is_refused = matches!(unknown, Err(Error::UnbudgetedScope { .. }));
        Ok::<_, Error>(([premium, standard + 1, economy], tiers_are_apart, unknown_model_is_refused))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (calls_of_tiers, tiers_are_apart, unknown_model_is_refused) = told?;
    show("after", &client).await?;
    Ok(Numbers { calls_of_tiers, tiers_are_apart, unknown_model_is_refused, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
