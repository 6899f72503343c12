//! Metrics and metadata of a call: closures, functions, or expressions over `output`.
#![deny(warnings)]

use runcycles::models::{CyclesMetrics, Metadata};
use runcycles::{Error, cycles, usd};

pub struct Reply {
    pub tokens: u64,
    pub metrics: CyclesMetrics,
    pub metadata: Metadata,
}

impl Reply {
    fn metrics(&self) -> CyclesMetrics {
        self.metrics.clone()
    }
}

#[cycles(
    usd!(0.02), "llm.completion", actual = |reply| reply.tokens, metrics = |reply| reply.metrics(),
    metadata = [("model", model)],
)]
pub async fn closures(model: &str, reply: Reply) -> Result<Reply, Error> {
    tokio::task::yield_now().await;
    Ok(reply)
}

#[cycles(usd!(0.02), "llm.completion", metrics = Reply::metrics, metadata = output.metadata.clone())]
pub async fn functions_and_expressions(reply: Reply) -> Result<Reply, Error> {
    Ok(reply)
}

#[cycles(usd!(0.02), "llm.completion", metrics = CyclesMetrics { tokens_output: Some(output.tokens), ..Default::default() })]
pub async fn literal(reply: Reply) -> Result<Reply, Error> {
    Ok(reply)
}

fn assert_send<T: Send>(_: T) {}

fn main() {
    let reply = || Reply { tokens: 1, metrics: CyclesMetrics::default(), metadata: Metadata::new() };
    assert_send(closures("gpt-4o", reply()));
    assert_send(functions_and_expressions(reply()));
}
