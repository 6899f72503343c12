//! The estimate and the action kind go without a name, or with one; every other argument has a name.
#![deny(warnings)]

use std::time::Duration;

use runcycles::models::{CommitOveragePolicy, Unit};
use runcycles::{Amount, CyclesClient, Error, Scope, cycles, tokens, usd};

#[cycles(usd!(0.02), "llm.completion")]
pub async fn by_position(prompt: &str) -> Result<String, Error> {
    Ok(prompt.to_owned())
}

#[cycles(usd!(0.02), action_kind = "llm.completion")]
pub async fn kind_by_name() -> Result<(), Error> {
    Ok(())
}

#[cycles(
    action_kind = "llm.completion",
    action_name = model,
    action_tags = ["customer-facing", model],
    estimate = tokens(1_000),
)]
pub async fn by_name(model: &str) -> Result<usize, Error> {
    Ok(model.len())
}

#[cycles(
    1_000, "tool.search", scope = Scope::tenant("acme").agent("bot"), unit = "TOKENS", ttl = "30s", grace_period = 500,
    overage_policy = "ALLOW_WITH_OVERDRAFT", client = client
)]
pub async fn literals(client: &CyclesClient) -> Result<CyclesClient, Error> {
    Ok(client.clone())
}

#[cycles(
    estimate, kind.as_str(), unit = Unit::Tokens, ttl = Duration::from_secs(30), grace_period = grace, action_tags = tags,
    overage_policy = CommitOveragePolicy::Reject, client = client
)]
pub async fn expressions(
    client: CyclesClient,
    estimate: u32,
    kind: String,
    grace: u64,
    tags: Vec<String>,
) -> Result<String, Error> {
    drop((client, tags));
    Ok(format!("{kind} {estimate} {grace}"))
}

#[cycles(estimate, "tool.search", ttl = 60 * 1_000)]
pub async fn amount_by_value(estimate: Amount) -> Result<Amount, Error> {
    Ok(estimate)
}

#[cycles(if premium { 5_000_000_000 } else { 1_000_000 }, "llm.completion")]
pub async fn bare_numbers_hold_more_than_an_i32(premium: bool) -> Result<bool, Error> {
    Ok(premium)
}

#[cycles(u64::from(tokens) * 10, "llm.completion")]
pub async fn bare_numbers_follow_their_neighbours(tokens: u32) -> Result<u32, Error> {
    Ok(tokens)
}

fn main() {}
