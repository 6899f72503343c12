//! Customers of one tenant, each with a workspace and a budget of their own.
//!
//! `cargo run --example workspace_customers`

use runcycles::{Error, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show, until_denied};

/// One call for a customer, whose id comes from a header of their request.
#[cycles(usd!(0.02), "llm.completion", workspace = customer, require = "workspace")]
async fn serve(customer: &str, prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", prompt).await)
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Calls of the customer who never stops.
    pub(crate) served: u64,
    /// Whether the other one is served after that.
    pub(crate) others_go_on: bool,
    /// What becomes of an id that reaches for another scope.
    pub(crate) forged: String,
    /// Requests that the forged id made.
    pub(crate) forged_requests: usize,
    pub(crate) calls: Calls,
}

/// A customer uses up their budget, at a thousandth of what a service would give them; an attacker forges an id.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder()
        .budget("tenant:my-saas/workspace:customer-a", usd!(0.50))
        .budget("tenant:my-saas/workspace:customer-b", usd!(0.20))
        .record_requests()
        .start()
        .await?;
    let client = authority.client("my-saas");

    show("before", &client).await?;
    let told = async {
        let (served, _) = until_denied(|| serve("customer-a", "help")).await?;
        let others_go_on = serve("customer-b", "help").await.is_ok();
        let before = authority.requests().len();
        let forged = match serve("customer-a/agent:attacker", "help").await {
            Err(error @ Error::Validation(_)) => error.to_string(),
            Err(error) => return Err(error),
            Ok(_) => "served".to_owned(),
        };
        println!("customer-a was served {served} times; a forged id: {forged}\n");
        Ok::<_, Error>((served, others_go_on, forged, authority.requests().len() - before))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (served, others_go_on, forged, forged_requests) = told?;
    show("after", &client).await?;
    Ok(Numbers { served, others_go_on, forged, forged_requests, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
