//! Functions that are not `async` but end in an async block.
#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;

use runcycles::{BoxFuture, Error, cycles, usd};

#[cycles(usd!(0.02), "llm.completion", agent = user)]
pub fn boxed(user: String) -> Pin<Box<dyn Future<Output = Result<usize, Error>> + Send>> {
    let padded = format!("{user} ");
    Box::pin(async move { Ok(user.len() + padded.len()) })
}

#[cycles(usd!(0.02), "llm.completion", agent = user, actual = |length| *length as u64)]
pub fn boxed_by_alias<'a>(user: &'a str) -> BoxFuture<'a, Result<usize, Error>> {
    Box::pin(async move {
        if user.is_empty() {
            return Ok(0);
        }
        Ok(user.len())
    })
}

#[cycles(usd!(0.02), "llm.completion", agent = user)]
pub fn opaque(user: &str) -> impl Future<Output = Result<usize, Error>> + Send {
    async move { Ok(user.len()) }
}

#[cycles(usd!(0.02), "llm.completion", workflow = depth)]
pub fn recursive(depth: u32) -> BoxFuture<'static, Result<u32, Error>> {
    Box::pin(async move { if depth == 0 { Ok(0) } else { recursive(depth - 1).await } })
}

fn main() {}
