//! A guarded function returns any `Result` whose error can be made of a denial, under whatever name.
#![deny(warnings)]

use std::error::Error as StdError;
use std::fmt::Display;

use runcycles::{Error, cycles, usd};

#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("not a number")]
    NotANumber(#[from] std::num::ParseIntError),
    #[error(transparent)]
    Cycles(#[from] Error),
}

type Outcome<T, E = AgentError> = std::result::Result<T, E>;

#[cycles(usd!(0.02), "llm.completion")]
pub async fn own_error(text: &str) -> Result<u8, AgentError> {
    Ok(text.parse()?)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn alias(text: &str) -> Outcome<u8> {
    Ok(text.parse()?)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn anyhow(text: &str) -> anyhow::Result<u8> {
    Ok(text.parse()?)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn boxed_error(text: &str) -> Result<u8, Box<dyn StdError + Send + Sync>> {
    Ok(text.parse()?)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn unit() -> Result<(), Error> {
    Ok(())
}

#[cycles(usd!(0.02), "llm.completion", actual = |numbers| numbers.size_hint().0 as u64)]
pub async fn opaque_value(least: u8) -> Result<impl Iterator<Item = u8> + Clone, AgentError> {
    Ok(least..=9)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn opaque_error() -> Result<u8, impl StdError> {
    std::future::ready(Ok::<u8, AgentError>(1)).await
}

#[cycles(usd!(0.02), "llm.completion", actual = |text| text.to_string().len() as u64)]
pub async fn trait_object(number: u8) -> Result<Box<dyn Display + Send>, AgentError> {
    if number == 0 {
        return Ok(Box::new("none"));
    }
    Ok(Box::new(number))
}

#[cycles(usd!(0.02), "llm.completion", agent = first)]
pub async fn borrowed_value<'a>(first: &'a str, second: &str) -> Result<&'a str, AgentError> {
    second.parse::<u8>()?;
    Ok(first)
}

#[cycles(usd!(0.02), "llm.completion")]
pub async fn function_pointer() -> Result<fn(&str) -> &str, AgentError> {
    Ok(str::trim)
}

fn main() {}
