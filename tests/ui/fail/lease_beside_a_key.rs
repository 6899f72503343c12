use runcycles::{Error, Lease, cycles, usd};

#[cycles(usd!(0.02), "llm.completion", key = job, lease = lease)]
pub async fn chat(lease: &Lease, job: u64) -> Result<u64, Error> {
    Ok(job)
}

fn main() {}
