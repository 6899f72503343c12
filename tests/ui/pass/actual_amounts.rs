//! What an action cost: a closure or a function over its value by reference, or an expression over `output`.
#![deny(warnings)]

use runcycles::{Amount, Error, cycles, tokens, usd};

pub struct Reply {
    pub tokens: u64,
    pub text: String,
}

impl Reply {
    pub fn cost(&self) -> Amount {
        tokens(self.tokens)
    }
}

#[cycles(tokens(1_000), "llm.completion", actual = |reply: &Reply| reply.cost())]
pub async fn closure_with_a_type(text: String) -> Result<Reply, Error> {
    Ok(Reply { tokens: 1, text })
}

#[cycles(tokens(1_000), "llm.completion", actual = |reply| reply.cost())]
pub async fn closure_without_a_type(text: String) -> Result<Reply, Error> {
    Ok(Reply { tokens: 1, text })
}

#[cycles(tokens(1_000), "llm.completion", actual = |Reply { tokens, .. }| *tokens)]
pub async fn closure_with_a_pattern(text: String) -> Result<Reply, Error> {
    Ok(Reply { tokens: 1, text })
}

#[cycles(tokens(1_000), "llm.completion", actual = output.tokens + output.text.len() as u64)]
pub async fn expression_over_output(text: String) -> Result<Reply, Error> {
    Ok(Reply { tokens: 1, text })
}

#[cycles(usd!(1), "llm.completion", actual = if output.text.is_empty() { 0 } else { 5_000_000_000 })]
pub async fn expression_of_bare_numbers(text: String) -> Result<Reply, Error> {
    Ok(Reply { tokens: 1, text })
}

#[cycles(tokens(1_000), "llm.completion", actual = Reply::cost)]
pub async fn function(text: String) -> Result<Reply, Error> {
    Ok(Reply { tokens: 1, text })
}

#[cycles(usd!(0.02), "llm.completion", actual = usd!(0.01))]
pub async fn fixed_price() -> Result<(), Error> {
    Ok(())
}

#[cycles(usd!(0.02), "llm.completion", actual = move |reply| price * reply.tokens)]
pub async fn closure_over_an_argument(price: u64, text: String) -> Result<Reply, Error> {
    Ok(Reply { tokens: price, text })
}

#[cycles(usd!(0.02), "llm.completion", actual = |reply| prices[0] * reply.tokens + text.len() as u64)]
pub async fn closure_over_parameters_that_the_body_only_reads(
    prices: Vec<u64>,
    text: String,
    unused: String,
) -> Result<Reply, Error> {
    tokio::task::yield_now().await;
    Ok(Reply { tokens: prices[0], text: text.clone() + &unused })
}

pub struct Model(u64);

impl Model {
    #[cycles(usd!(0.02), "llm.completion", actual = reply_price(self.0, output))]
    pub async fn closure_over_self(&mut self, text: String) -> Result<Reply, Error> {
        Ok(Reply { tokens: self.0, text })
    }
}

fn reply_price(price: u64, reply: &Reply) -> u64 {
    price * reply.tokens
}

#[cycles(usd!(0.02), "llm.completion", actual = |items| items.len() as u64)]
pub async fn closure_over_a_borrowed_value<'a, T>(items: &'a [T]) -> Result<&'a [T], Error> {
    Ok(items)
}

fn assert_send<T: Send>(_: T) {}

fn main() {
    assert_send(closure_over_parameters_that_the_body_only_reads(vec![1], String::new(), String::new()));
}
