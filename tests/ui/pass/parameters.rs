//! Parameters are patterns; the attribute's arguments see what they bind, and leave it whole for the body.
#![deny(warnings)]

use runcycles::{Error, cycles, usd};

pub struct Request {
    pub user: String,
    pub prompt: String,
    pub tokens: u64,
}

#[cycles(usd!(0.02), "llm.completion", agent = user, workflow = prompt.len(), toolset = first)]
pub async fn patterns(
    Request { user, prompt, .. }: Request,
    (first, _): (u8, u8),
    [_, second]: [u8; 2],
    _: &str,
) -> Result<(String, String, u8), Error> {
    Ok((user, prompt, first + second))
}

#[cycles(request.tokens, "llm.completion", agent = request.user, dimensions(prompt = request.prompt))]
pub async fn moved_by_the_body(request: Request) -> Result<Request, Error> {
    Ok(request)
}

#[cycles(usd!(0.02), "llm.completion", workflow = count)]
pub async fn mutable(mut count: u64, mut text: String, numbers: &mut Vec<u64>) -> Result<(u64, String), Error> {
    count += 1;
    text.push('!');
    numbers.push(count);
    Ok((count, text))
}

#[cycles(estimate(&request)?, "llm.completion", agent = request.user)]
pub async fn fallible_argument(request: Request) -> Result<Request, Error> {
    Ok(request)
}

fn estimate(request: &Request) -> Result<u64, Error> {
    Ok(request.tokens)
}

fn main() {}
