//! An agent function with a budget: allowed three times, denied the fourth, answered by a cheaper function.
//!
//! `cargo run --example quickstart`, with nothing else installed.

use runcycles::{Error, cycles, set_default_client, usd};
use runcycles_authority::Authority;

/// What Jane's agent has to spend from.
const BUDGET: &str = "tenant:acme/agent:jane";

/// Asks the large model: at most two cents a call.
#[cycles(usd!(0.02), "llm.completion", action_name = "gpt-4o", agent = user)]
async fn answer(user: &str, question: &str) -> Result<String, Error> {
    Ok(format!("a long answer to {question:?}"))
}

/// Asks the small model.
#[cycles(usd!(0.002), "llm.completion", action_name = "gpt-4o-mini", agent = user)]
async fn short_answer(user: &str, question: &str) -> Result<String, Error> {
    Ok(format!("a short answer to {question:?}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget(BUDGET, usd!(0.07)).start().await?;
    set_default_client(authority.client("acme"));
    println!("Jane's agent may spend {}.\n", usd!(0.07));

    for question in ["why is the sky blue?", "why is the sea blue?", "why is grass green?", "why is snow white?"] {
        match answer("jane", question).await {
            Ok(text) => println!("✓ {text}"),
            Err(Error::BudgetExceeded { message, .. }) => {
                println!("✗ denied before the model was called: {message}");
                println!("✓ {}", short_answer("jane", question).await?);
            }
            Err(error) => return Err(error.into()),
        }
        show(&authority);
    }
    Ok(())
}

/// Shows the budget as the authority has it.
fn show(authority: &Authority) {
    if let Some(ledger) = authority.ledger(BUDGET) {
        println!("  {BUDGET}: {} spent, {} left", ledger.spent, ledger.remaining);
    }
}
