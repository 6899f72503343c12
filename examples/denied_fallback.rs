//! What a denial looks like from the outside: the application's own error type, a fallback for the budget's no, and a stop for
//! an operator's no.

use runcycles::{Error, cycles, set_default_client, usd};
use runcycles_authority::Authority;

/// The application's error: `#[cycles]` needs a way to put its own errors in.
#[derive(Debug, thiserror::Error)]
enum AgentError {
    #[error("the model failed: {0}")]
    Model(String),
    #[error("not allowed")]
    Cycles(#[from] Error),
}

#[cycles(usd!(0.05), "llm.completion", action_name = "gpt-4o", toolset = "premium")]
async fn premium(prompt: &str) -> Result<String, AgentError> {
    match prompt {
        "" => Err(AgentError::Model("empty prompt".to_owned())),
        prompt => Ok(format!("premium answer to {prompt:?}")),
    }
}

#[cycles(usd!(0.002), "llm.completion", action_name = "gpt-4o-mini", toolset = "economy")]
async fn economy(prompt: &str) -> Result<String, AgentError> {
    Ok(format!("economy answer to {prompt:?}"))
}

/// Answers with the premium model while its budget lasts.
async fn answer(prompt: &str) -> Result<String, AgentError> {
    match premium(prompt).await {
        Err(AgentError::Cycles(Error::BudgetExceeded { message, .. })) => {
            println!("  no premium answer: {message}");
            economy(prompt).await
        }
        // An operator's stop, a broken model, a missing network: a cheaper model is no answer to those.
        other => other,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let authority = Authority::builder()
        .budget("tenant:acme/toolset:premium", usd!(0.10))
        .budget("tenant:acme/toolset:economy", usd!(1))
        .start()
        .await?;
    set_default_client(authority.client("acme"));

    for prompt in ["one", "two", "three"] {
        println!("{}", answer(prompt).await?);
    }

    println!("an operator freezes the premium budget");
    authority.freeze("tenant:acme/toolset:premium")?;
    match answer("four").await {
        Err(error) => match runcycles::denial(&error) {
            Some(denial) => println!("  stopped: {denial}"),
            None => return Err(error.into()),
        },
        Ok(text) => println!("{text}"),
    }
    Ok(())
}
