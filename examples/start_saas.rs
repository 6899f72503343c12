//! A place to start: a service with customers. Each has a budget of its own; new ones run in shadow for a week, and a report says
//! what a limit would have done to them.
//!
//! `cargo run --example start_saas`

use std::time::Duration;

use runcycles::{Error, JournalConfig, Mode, Scope, TenantClients, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, llm, show};

const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// What a customer pays for.
#[cycles(usd!(0.50), "agent.run", client = clients.get(customer)?)]
async fn answer_ticket(clients: &TenantClients, customer: &str, ticket: &str) -> Result<String, Error> {
    Ok(llm("gpt-4o", ticket).await.text)
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Tickets that were answered for the customer with a limit.
    pub(crate) limited: u64,
    /// Those of the new customer.
    pub(crate) in_shadow: u64,
    /// What a limit would have done to the new one.
    pub(crate) report: String,
    /// How often the model was called.
    pub(crate) calls: Calls,
}

/// Thirty tickets of each of two customers, with ten dollars each.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder()
        .budget("tenant:customer-a", usd!(10))
        .budget("tenant:new-customer", usd!(10))
        .start()
        .await?;
    let keys = ["customer-a", "new-customer"].map(|tenant| (tenant, authority.api_key(tenant)));
    // With a server: its address, keys from a vault, and no transport.
    let clients = TenantClients::new("http://authority", move |tenant| {
        keys.iter().find(|(known, _)| *known == tenant).map(|(_, key)| key.clone())
    })
    .settings(|tenant, builder| {
        let mode = if tenant.starts_with("new-") { Mode::ShadowMetered } else { Mode::Enforce };
        builder.mode(mode).journal(JournalConfig::disabled())
    })
    .transport(authority.transport());

    for customer in ["customer-a", "new-customer"] {
        show("before", &clients.get(customer)?).await?;
    }
    let told = async {
        let (mut limited, mut in_shadow) = (0, 0);
        for _ in 0..30 {
            match answer_ticket(&clients, "customer-a", "why is it red?").await {
                Ok(_) => limited += 1,
                Err(error) if error.is_budget_exceeded() => {}
                Err(error) => return Err(error),
            }
            answer_ticket(&clients, "new-customer", "why is it blue?").await?;
            in_shadow += 1;
        }
        Ok((limited, in_shadow))
    };
    let (told, calls) = count_calls(told).await;
    let (limited, in_shadow) = told?;
    for customer in ["customer-a", "new-customer"] {
        show("after", &clients.get(customer)?).await?;
    }
    let report = clients.get("new-customer")?.budget(Scope::tenant("new-customer")).shadow_report(WEEK).to_string();
    println!("new-customer: {report}");
    Ok(Numbers { limited, in_shadow, report, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} tickets answered under a limit, {} in shadow", numbers.limited, numbers.in_shadow);
    Ok(())
}
