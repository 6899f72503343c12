use runcycles::{Error, Lease, cycles};

#[cycles(2_000_000, "llm.completion", key = job, lease = _lease)]
pub async fn chat(_lease: &Lease, job: u64) -> Result<u64, Error> {
    Ok(job)
}

fn main() {}
