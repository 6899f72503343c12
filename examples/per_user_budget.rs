//! Five dollars a day for every user of a chatbot, told apart by an argument of the guarded function.
//!
//! `cargo run --example per_user_budget`

use runcycles::models::Amount;
use runcycles::{Error, Scope, cycles, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, Reply, count_calls, llm, show};

/// One call for a user. A user without a budget of their own is refused, where the budgets above would let everybody in.
#[cycles(usd!(0.02), "llm.completion", action_name = "gpt-4o", agent = Scope::encode(user), require = "agent", actual = Reply::cost)]
pub(crate) async fn chat(user: &str, prompt: &str) -> Result<Reply, Error> {
    Ok(llm("gpt-4o", prompt).await)
}

/// Talks for a user until the budget says no.
async fn talk(user: &str) -> Result<u64, Error> {
    let mut answers = 0;
    loop {
        match chat(user, "and then?").await {
            Ok(_) => answers += 1,
            Err(Error::BudgetExceeded { message, .. }) => {
                println!("{user} had {answers} answers; then: {message}\n");
                return Ok(answers);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// Answers to the user who never stops.
    pub(crate) answers: u64,
    /// What that user spent.
    pub(crate) spent: Option<Amount>,
    /// Whether another user had an answer after that.
    pub(crate) others_go_on: bool,
    /// Whether somebody without a budget was refused.
    pub(crate) strangers_are_refused: bool,
    /// How often the model was called.
    pub(crate) calls: Calls,
}

/// One user uses up a day's budget, others do not notice.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    const HEAVY: &str = "tenant:acme-corp/workspace:prod/app:chatbot/agent:user-123";
    let authority = Authority::builder()
        .budget("tenant:acme-corp", usd!(1_000))
        .budget(HEAVY, usd!(5))
        .budget("tenant:acme-corp/workspace:prod/app:chatbot/agent:user-456", usd!(5))
        .start()
        .await?;
    // In production workspace and app come from CYCLES_WORKSPACE and CYCLES_APP.
    let client = authority.client("acme-corp").scoped(Scope::workspace("prod").app("chatbot"));

    show("before", &client).await?;
    let told = async {
        let answers = talk("user-123").await?;
        let others_go_on = chat("user-456", "good morning").await.is_ok();
        let stranger = chat("jane@example.com", "hello").await;
        if let Err(error) = &stranger {
            println!("jane@example.com: {error}\n");
        }
        Ok::<_, Error>((answers, others_go_on, matches!(stranger, Err(Error::UnbudgetedScope { .. }))))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (answers, others_go_on, strangers_are_refused) = told?;
    show("after", &client).await?;

    let spent = authority.ledger(HEAVY).map(|ledger| ledger.spent);
    Ok(Numbers { answers, spent, others_go_on, strangers_are_refused, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("{} calls of the model in all", numbers.calls.total());
    Ok(())
}
