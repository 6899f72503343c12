//! Dollars and tokens for one run: a call reserves both or runs not at all, so that a cheap model is stopped by tokens and a dear
//! one by dollars.
//!
//! `cargo run --example hybrid_budget`

use std::time::Duration;

use runcycles::models::{Amount, AmountError};
use runcycles::{Error, Price, Refusal, Usage, cycles, tokens, usd};
use runcycles_authority::Authority;
use runcycles_examples::{Calls, count_calls, show, tool, until_denied};

/// A model, and what a step with it uses.
struct Model {
    name: &'static str,
    cost: Amount,
    usage: Usage,
}

impl Model {
    fn new(name: &'static str, price: Price, usage: Usage) -> Result<Self, AmountError> {
        Ok(Self { name, cost: price.cost(&usage)?, usage })
    }

    fn tokens(&self) -> Amount {
        tokens(self.usage.input + self.usage.output)
    }
}

/// One step of a run: both estimates are held, or none is.
#[cycles((model.cost.clone(), model.tokens()), "agent.step", action_name = model.name, workflow = run, require = "workflow")]
async fn step(run: &str, model: &Model) -> Result<(), Error> {
    tool(model.name).await;
    Ok(())
}

/// How a loop ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) steps: u64,
    /// The unit that said no.
    pub(crate) by: String,
    /// What the run spent of each unit, and what is left.
    pub(crate) spent: [String; 2],
    pub(crate) left: [String; 2],
    /// Whether anything is still held for the run.
    pub(crate) holds_nothing: bool,
}

/// What the story comes to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) cheap: Stopped,
    pub(crate) dear: Stopped,
    pub(crate) calls: Calls,
}

/// Loops until one of the units is used up.
async fn run_until_denied(run: &str, model: &Model, authority: &Authority) -> Result<Stopped, Error> {
    let client = authority.client("acme");
    let (steps, no) = client.run(until_denied(|| step(run, model))).await?;
    println!("{}: {steps} steps; then: {no}\n", model.name);
    let by = no.refusal().and_then(Refusal::requested).map(|asked| asked.unit().to_string());
    // The second unit of a call is settled in the background.
    client.flush(Duration::from_secs(5)).await;
    let ledgers = authority.ledgers(&format!("tenant:acme/workflow:{run}"));
    let [dollars, tokens] = ledgers.as_slice() else { return Err(no) };
    Ok(Stopped {
        steps,
        by: by.unwrap_or_default(),
        spent: [dollars.spent.to_string(), tokens.spent.to_string()],
        left: [dollars.remaining.to_string(), tokens.remaining.to_string()],
        holds_nothing: dollars.reserved.is_zero() && tokens.reserved.is_zero(),
    })
}

/// A cheap model and a dear one, each with a run of its own.
pub(crate) async fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let mut builder = Authority::builder();
    for run in ["tenant:acme/workflow:run-1", "tenant:acme/workflow:run-2"] {
        builder = builder.budget(run, usd!(15)).budget(run, tokens(500_000));
    }
    let authority = builder.start().await?;
    let input = Usage { input: 10_000, ..Usage::default() };
    let output = Usage { output: 10_000, ..Usage::default() };
    let mini = Model::new("gpt-4o-mini", Price::new(usd!(0.15), usd!(0.60))?, input)?;
    let opus = Model::new("claude-opus-4", Price::new(usd!(15), usd!(75))?, output)?;

    show("before", &authority.client("acme")).await?;
    let told = async {
        let cheap = run_until_denied("run-1", &mini, &authority).await?;
        Ok::<_, Error>((cheap, run_until_denied("run-2", &opus, &authority).await?))
    };
    let (told, calls) = count_calls(told).await;
    let (cheap, dear) = told?;
    show("after", &authority.client("acme")).await?;
    Ok(Numbers { cheap, dear, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().await.map(drop)
}
