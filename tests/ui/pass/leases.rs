//! Calls that take of a lease.
#![deny(warnings)]

use std::sync::Arc;

use runcycles::{Error, Lease, cycles, usd};

pub struct Crawler {
    lease: Lease,
    shared: Arc<Lease>,
}

impl Crawler {
    #[cycles(usd!(0.0004), "llm.completion", lease = self.lease)]
    pub async fn ask(&self, prompt: &str) -> Result<usize, Error> {
        Ok(prompt.len())
    }

    #[cycles(usd!(0.0004), "llm.completion", lease = self.shared, actual = |_| usd!(0.0001), fallback = Ok(0))]
    pub async fn ask_again(&mut self, prompt: &str) -> Result<usize, Error> {
        Ok(prompt.len())
    }

    #[cycles((usd!(0.0004), runcycles::tokens(10)), "llm.completion", lease = &self.lease, require = "agent")]
    pub async fn ask_in_two_units(&self) -> Result<(), Error> {
        Ok(())
    }
}

#[cycles(usd!(0.0004), "tool.call", lease = lease, unknown = "charge_estimate", mode = "shadow")]
pub async fn call(lease: &Lease) -> Result<(), Error> {
    Ok(())
}

#[cycles(usd!(0.0004), "tool.call", lease = lease)]
pub async fn call_with_its_own(lease: Lease) -> Result<(), Error> {
    drop(lease);
    Ok(())
}

fn main() {}
