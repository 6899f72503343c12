//! One line above a function, and what it sends: reserve and commit, reserve and release, or a reservation that is denied.
//!
//! `cargo run --example one_line`

use runcycles::{Error, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, llm, show};

/// The application's error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error("there is nothing to answer")]
    Empty,
    #[error(transparent)]
    Cycles(#[from] Error),
}

/// A bare number counts microcents: 5000 of them are $0.00005.
#[cycles(5000, "llm.completion", action_name = "openai:gpt-4o")]
async fn ask(prompt: &str) -> Result<String, AppError> {
    if prompt.is_empty() {
        return Err(AppError::Empty);
    }
    Ok(llm("openai:gpt-4o", prompt).await.text)
}

/// What the story comes to: for each call, what it was answered and what went over the wire.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) answered: (String, Vec<String>),
    pub(crate) failed: (String, Vec<String>),
    pub(crate) denied: (String, Vec<String>),
    pub(crate) calls: Calls,
}

/// One call that is answered, one that fails by itself, one that is denied.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget("tenant:acme", usd!(0.00005)).record_requests().start().await?;
    let client = authority.client("acme");

    show("before", &client).await?;
    let call = async |prompt: &str| {
        let before = authority.requests().len();
        let answer = client.run(ask(prompt)).await.unwrap_or_else(|error| format!("error: {error}"));
        client.flush(std::time::Duration::from_secs(5)).await;
        let requests = authority.requests().into_iter().skip(before);
        let requests: Vec<_> = requests
            .map(|request| {
                let status = request.status.map(|status| status.as_u16()).unwrap_or_default();
                let operation = request.target.rsplit('/').next().unwrap_or_default();
                format!("{operation} {status}")
            })
            .collect();
        println!("{answer}\n    {}", requests.join(", "));
        (answer, requests)
    };
    let told = async { (call("").await, call("why?").await, call("and why is that?").await) };
    let ((failed, answered, denied), calls) = count_calls(told).await;
    println!();
    show("after", &client).await?;
    Ok(Numbers { answered, failed, denied, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
