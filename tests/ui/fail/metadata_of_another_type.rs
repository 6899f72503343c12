use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", metadata = |length| *length)]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
