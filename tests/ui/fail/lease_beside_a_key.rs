use runcycles::{Error, Lease, cycles};

#[cycles(2_000_000, "llm.completion", key = job, lease = lease)]
pub async fn chat(lease: &Lease, job: u64) -> Result<u64, Error> {
    Ok(job)
}

fn main() {}
