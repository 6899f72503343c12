//! What a call costs by model, by prices out of a file, in whole microcents and rounded up. A model that the file does not know is
//! an error, not a guess.
//!
//! `cargo run --example prices`

use runcycles::models::Amount;
use runcycles::{PriceTable, Usage};

/// An example with its date in its name. Yours are as old as you let them become.
const FILE: &str = include_str!("prices-2026-11-22.json");

/// What the story comes to: the cost of a call by model, and what is said of one that is not known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) costs: Vec<(String, Amount)>,
    pub(crate) unknown: String,
}

/// The prices of the file.
pub(crate) fn prices() -> Result<PriceTable, runcycles::PriceError> {
    PriceTable::from_litellm(FILE)
}

/// The same call by every model, with what is worth reserving for it.
pub(crate) fn story() -> Result<Numbers, Box<dyn std::error::Error>> {
    let prices = prices()?;
    let usage = Usage { input: 1_500, cache_read: 500, output: 800, reasoning: 200, ..Usage::default() };
    println!("2,000 tokens in, of them 500 from a cache, and 1,000 out, of them 200 of reasoning:\n");
    println!("  {:18}  {:>12}  {:>15}", "model", "cost", "worth reserving");
    let mut costs = Vec::new();
    for model in prices.models() {
        let price = prices.of(model)?;
        let cost = price.cost(&usage)?;
        println!("  {model:18}  {cost:>12}  {:>15}", price.estimate(2_000, 1_000, 20)?);
        costs.push((model.to_owned(), cost));
    }
    let unknown = prices.of("gpt-9").map_or_else(|error| error.to_string(), |price| format!("{price:?}"));
    println!("\n{unknown}");
    Ok(Numbers { costs, unknown })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    story().map(drop)
}
