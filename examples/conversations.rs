//! Fifty cents for every conversation, whose budget is made when it begins.
//!
//! `cargo run --example conversations`

use runcycles::admin::Admin;
use runcycles::{Error, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show, until_denied};

#[cycles(usd!(0.02), "llm.completion", workflow = conversation, require = "workflow")]
async fn reply(conversation: &str, message: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", message).await)
}

/// A conversation begins: it has a budget of its own from now on.
async fn begin(admin: &Admin, conversation: &str) -> Result<(), Error> {
    admin.budget(Scope::tenant("acme-corp").workflow(conversation)).ensure(usd!(0.50)).await?;
    Ok(())
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Replies in the conversation that never ends.
    pub(crate) replies: u64,
    /// Whether a fresh one goes on after that.
    pub(crate) fresh_one_goes_on: bool,
    /// Whether one that never began is refused.
    pub(crate) unknown_one_is_refused: bool,
    pub(crate) calls: Calls,
}

/// Three conversations: one without an end, a fresh one, and one that nobody began.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget("tenant:acme-corp", usd!(100)).admin_key("operator").start().await?;
    // In production: Admin::from_env()?.
    let admin = Admin::builder("operator", "http://in-process").transport(authority.transport()).try_build()?;
    let client = authority.client("acme-corp");

    begin(&admin, "conv-a").await?;
    show("before", &client).await?;
    let told = async {
        let (replies, _) = until_denied(|| reply("conv-a", "tell me more")).await?;
        println!("conv-a: the budget of this conversation is exhausted after {replies} replies");
        begin(&admin, "conv-b").await?;
        let fresh_one_goes_on = reply("conv-b", "hello").await.is_ok();
        // The tenant has plenty, so that nothing but `require` stops it.
        let unknown = reply("conv-c", "hello").await;
        if let Err(error) = &unknown {
            println!("conv-c: {error}\n");
        }
        Ok::<_, Error>((replies, fresh_one_goes_on, matches!(unknown, Err(Error::UnbudgetedScope { .. }))))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (replies, fresh_one_goes_on, unknown_one_is_refused) = told?;
    show("after", &client).await?;
    authority.assert_settled();
    Ok(Numbers { replies, fresh_one_goes_on, unknown_one_is_refused, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
