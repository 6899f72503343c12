//! A tenant for each customer of a service, with a key of its own: one customer's spend never touches another's budget.
//!
//! `cargo run --example tenant_per_customer`

use std::collections::HashMap;

use runcycles::{Error, JournalConfig, TenantClients, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, llm, show};

/// A run of the agent for a customer, with that customer's client.
#[cycles(usd!(0.40), "agent.run", client = clients.get(tenant)?, agent = "support-bot")]
async fn run_agent(clients: &TenantClients, tenant: &str, task: &str) -> Result<String, Error> {
    Ok(llm("gpt-4o", task).await.text)
}

/// A mistake: the budget of one customer, by the client of another.
#[cycles(usd!(0.40), "agent.run", client = clients.get("customer-a")?, tenant = "customer-b")]
async fn mixed_up(clients: &TenantClients) -> Result<String, Error> {
    Ok(llm("gpt-4o", "whose budget is it?").await.text)
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// How many runs customer A had before it was denied.
    pub(crate) runs: u64,
    /// The scope that said no.
    pub(crate) denied_by: Option<String>,
    /// Whether customer B went on after that.
    pub(crate) others_go_on: bool,
    /// What is said of the mistake, before anything is sent.
    pub(crate) mixed_up: String,
    /// How many clients there are after a thousand requests for two customers.
    pub(crate) clients: usize,
    /// How often the model was called.
    pub(crate) calls: Calls,
}

/// One customer uses up its budget.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder()
        .budget("tenant:customer-a", usd!(500))
        .budget("tenant:customer-b", usd!(200))
        .start()
        .await?;
    // In production: the address of the server, and keys from a vault.
    let vault =
        HashMap::from(["customer-a", "customer-b"].map(|tenant| (tenant.to_owned(), authority.api_key(tenant))));
    let clients = TenantClients::new("http://authority", move |tenant| vault.get(tenant).cloned())
        .settings(|_, builder| builder.journal(JournalConfig::disabled()))
        .transport(authority.transport());

    show("before", &clients.get("customer-a")?).await?;
    let told = async {
        let mut runs = 0;
        let denied_by = loop {
            match run_agent(&clients, "customer-a", "answer a ticket").await {
                Ok(_) => runs += 1,
                Err(error) if error.is_budget_exceeded() => {
                    println!("customer-a had {runs} runs; then: {error}\n");
                    break error.refusal().and_then(|refusal| refusal.scope()).map(str::to_owned);
                }
                Err(error) => return Err(error),
            }
        };
        let others_go_on = run_agent(&clients, "customer-b", "answer a ticket").await.is_ok();
        let mixed_up = mixed_up(&clients).await.err().map(|error| error.to_string()).unwrap_or_default();
        for _ in 0..500 {
            clients.get("customer-a")?;
            clients.get("customer-b")?;
        }
        Ok::<_, Error>((runs, denied_by, others_go_on, mixed_up))
    };
    let (told, calls) = count_calls(told).await;
    let (runs, denied_by, others_go_on, mixed_up) = told?;
    show("after", &clients.get("customer-a")?).await?;
    show("after", &clients.get("customer-b")?).await?;
    Ok(Numbers { runs, denied_by, others_go_on, mixed_up, clients: clients.len(), calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} clients for a thousand requests; a mix-up: {}", numbers.clients, numbers.mixed_up);
    Ok(())
}
