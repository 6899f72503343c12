//! A research run with ten dollars: the best model while more than half of them is left, a cheaper one down to a tenth, and then
//! what the cache has. Every answer says which it was.
//!
//! `cargo run --example research_ladder`

use runcycles::models::Unit;
use runcycles::{CyclesClient, Degraded, Error, Scope, cycles, ladder, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, llm, show};

/// The best model. The tier `low` leaves half of the run's budget to what comes after.
#[cycles(usd!(2), "llm.completion", action_name = "opus", workflow = run, priority = "low")]
async fn opus(run: &str, question: &str) -> Result<String, Error> {
    Ok(llm("opus", question).await.text)
}

/// A cheaper model. The tier `high` leaves a tenth.
#[cycles(usd!(0.80), "llm.completion", action_name = "sonnet", workflow = run, priority = "high")]
async fn sonnet(run: &str, question: &str) -> Result<String, Error> {
    Ok(llm("sonnet", question).await.text)
}

/// What was found earlier.
fn cached(question: &str) -> String {
    format!("an earlier answer to {question:?}")
}

/// Answers as well as the run's budget allows. Each rung is a reservation of its own, so that nobody acts on what was left a
/// moment ago.
async fn research(run: &str, question: &str) -> Result<Degraded<String>, Error> {
    ladder![opus(run, question), sonnet(run, question), else "cache" => cached(question)].await
}

/// The same by asking what is left first. It takes one more request, and others may spend it meanwhile: whoever comes late is
/// denied.
async fn research_by_headroom(client: &CyclesClient, run: &str, question: &str) -> Result<Degraded<String>, Error> {
    let left = client.budget(Scope::workflow(run)).headroom(Unit::UsdMicrocents).await?;
    Ok(if left.exceeds(&usd!(5)) {
        Degraded::full("opus", opus(run, question).await?)
    } else if left.exceeds(&usd!(1)) {
        Degraded::reduced("sonnet", sonnet(run, question).await?)
    } else {
        Degraded::reduced("cache", cached(question))
    })
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The rungs that answered, by the ladder, until the cache did.
    pub(crate) by_ladder: Vec<String>,
    /// The same by asking what is left first.
    pub(crate) by_headroom: Vec<String>,
    /// How many answers of the ladder were the best there is.
    pub(crate) full: usize,
    /// What is left of each run.
    pub(crate) left: [Option<String>; 2],
    /// How often the models were called.
    pub(crate) calls: Calls,
}

/// Two runs with a budget each, one by the ladder and one by asking first.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    const RUNS: [&str; 2] = ["tenant:acme-corp/workflow:run-1", "tenant:acme-corp/workflow:run-2"];
    let authority = Authority::builder().budget(RUNS[0], usd!(10)).budget(RUNS[1], usd!(10)).start().await?;
    let client = authority.client("acme-corp");

    show("before", &client).await?;
    let told = async {
        let (mut by_ladder, mut by_headroom, mut full) = (Vec::new(), Vec::new(), 0);
        while by_ladder.last().is_none_or(|rung| rung != "cache") {
            let answer = research("run-1", "where do swifts sleep?").await?;
            full += usize::from(!answer.is_degraded());
            by_ladder.push(answer.rung().to_owned());
            for skipped in answer.skipped() {
                println!("  no {}: {}", skipped.rung(), skipped.denial());
            }
            println!("{}{}", answer.value(), if answer.is_degraded() { " (degraded)" } else { "" });
        }
        while by_headroom.last().is_none_or(|rung| rung != "cache") {
            let answer = research_by_headroom(&client, "run-2", "where do eels go?").await?;
            by_headroom.push(answer.rung().to_owned());
        }
        Ok::<_, Error>((by_ladder, by_headroom, full))
    };
    let (told, calls) = count_calls(client.run(told)).await;
    let (by_ladder, by_headroom, full) = told?;
    println!();
    show("after", &client).await?;

    let left = RUNS.map(|run| authority.ledger(run).map(|ledger| ledger.remaining.to_string()));
    Ok(Numbers { by_ladder, by_headroom, full, left, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = story().await?;
    println!("by the ladder:    {}", numbers.by_ladder.join(", "));
    println!("by asking first:  {}", numbers.by_headroom.join(", "));
    Ok(())
}
