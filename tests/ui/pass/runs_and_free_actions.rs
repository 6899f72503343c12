//! A run as a level, and actions of a toolset that may cost nothing.
#![deny(warnings)]

use runcycles::{Error, cycles, tokens, usd};

#[cycles(usd!(0.02), "llm.completion", workflow = "code-review", run = run)]
pub async fn run(run: &str) -> Result<usize, Error> {
    Ok(run.len())
}

#[cycles(usd!(0.02), "llm.completion", run = run)]
pub async fn perhaps_a_run(run: Option<u64>) -> Result<Option<u64>, Error> {
    Ok(run)
}

#[cycles(tokens(0), "file.read", toolset = "files", allow_zero = true)]
pub async fn free() -> Result<(), Error> {
    Ok(())
}

#[cycles(0, "file.read", agent = "reader")]
pub async fn free_without_a_toolset() -> Result<(), Error> {
    Ok(())
}

#[cycles(usd!(0.00000001), "file.read", toolset = "files")]
pub async fn nearly_free() -> Result<(), Error> {
    Ok(())
}

fn main() {}
