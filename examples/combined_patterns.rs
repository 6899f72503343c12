//! A service as it is in the end: a tenant for each customer, a cap for each run of each workflow, cheaper answers where a
//! workflow has some, a plain no where it has none, and a trial customer in shadow.
//!
//! `cargo run --example combined_patterns`

use runcycles::admin::Admin;
use runcycles::{
    Degraded, Error, JournalConfig, Mode, TenantClients, WorkflowCaps, cycles, ladder, usd, workflow_caps,
};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, llm, show};

static CAPS: WorkflowCaps = workflow_caps! {
    "code-review" => usd!(2),
    "research" => usd!(25),
    "chat" => usd!(1),
};

#[cycles(usd!(0.60), "llm.completion", action_name = "gpt-4o")]
async fn thorough(prompt: &str) -> Result<String, Error> {
    Ok(llm("gpt-4o", prompt).await.text)
}

#[cycles(usd!(0.15), "llm.completion", action_name = "gpt-4o-mini")]
async fn brief(prompt: &str) -> Result<String, Error> {
    Ok(llm("gpt-4o-mini", prompt).await.text)
}

/// Reviews and research: the best that the run's budget has left.
async fn work(prompt: &str) -> Result<Degraded<String>, Error> {
    ladder![thorough(prompt), brief(prompt)].await
}

/// Chat has one model, and no less of it.
#[cycles(usd!(0.02), "llm.completion", action_name = "gpt-4o-mini")]
async fn chat(prompt: &str) -> Result<String, Error> {
    Ok(llm("gpt-4o-mini", prompt).await.text)
}

/// How a run went: full answers, lesser answers, and the scope that said no at last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) full: u64,
    pub(crate) lesser: u64,
    pub(crate) denied_by: Option<String>,
}

/// Works for a customer in a run of a workflow, at most some times.
async fn run(
    (clients, admin): (&TenantClients, &Admin),
    (tenant, workflow, id): (&str, &str, &str),
    most: u64,
) -> Result<Ending, Error> {
    let run = CAPS.start(admin, workflow, id).client(&clients.get(tenant)?).await?;
    let mut ending = Ending::default();
    while ending.full + ending.lesser < most {
        let answer = run.scope(async {
            match workflow {
                "chat" => chat("hello").await.map(|text| Degraded::full("chat", text)),
                _ => work("look at this").await,
            }
        });
        match answer.await {
            Ok(answer) if answer.is_degraded() => ending.lesser += 1,
            Ok(_) => ending.full += 1,
            Err(error) if error.is_budget_exceeded() => {
                ending.denied_by = error.refusal().and_then(|refusal| refusal.scope()).map(str::to_owned);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let end = ending.denied_by.as_ref().map_or("never denied".to_owned(), |scope| format!("then denied by {scope}"));
    println!("{workflow} {id} of {tenant}: {} full and {} lesser answers; {end}", ending.full, ending.lesser);
    Ok(ending)
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Ends by its own cap, after lesser answers.
    pub(crate) review: Ending,
    /// Ends by what its customer has left.
    pub(crate) research: Ending,
    /// Ends by its own cap, with no lesser answers.
    pub(crate) chat: Ending,
    /// Is never stopped.
    pub(crate) trial: Ending,
    /// How often models were called.
    pub(crate) calls: Calls,
}

/// Runs of three workflows for two customers, and one for a customer on trial.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder()
        .budget("tenant:customer-a", usd!(500))
        .budget("tenant:customer-b", usd!(10))
        .budget("tenant:trial", usd!(1))
        .admin_key("operator")
        .start()
        .await?;
    let admin = Admin::builder("operator", "http://authority").transport(authority.transport()).build();
    let keys = ["customer-a", "customer-b", "trial"].map(|tenant| (tenant, authority.api_key(tenant)));
    let clients = TenantClients::new("http://authority", move |tenant| {
        keys.iter().find(|(known, _)| *known == tenant).map(|(_, key)| key.clone())
    })
    .settings(|tenant, builder| {
        let mode = if tenant == "trial" { Mode::ShadowMetered } else { Mode::Enforce };
        builder.mode(mode).journal(JournalConfig::disabled())
    })
    .transport(authority.transport());

    for tenant in ["customer-a", "customer-b", "trial"] {
        show("before", &clients.get(tenant)?).await?;
    }
    let told = async {
        let world = (&clients, &admin);
        let review = run(world, ("customer-a", "code-review", "pr-7"), 1_000).await?;
        let chat = run(world, ("customer-a", "chat", "session-1"), 1_000).await?;
        let research = run(world, ("customer-b", "research", "paper-3"), 1_000).await?;
        let trial = run(world, ("trial", "code-review", "pr-1"), 100).await?;
        Ok::<_, Error>((review, research, chat, trial))
    };
    let (told, calls) = count_calls(told).await;
    let (review, research, chat, trial) = told?;
    println!();
    for tenant in ["customer-a", "customer-b", "trial"] {
        show("after", &clients.get(tenant)?).await?;
    }
    Ok(Numbers { review, research, chat, trial, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} calls of models in all", numbers.calls.total());
    Ok(())
}
