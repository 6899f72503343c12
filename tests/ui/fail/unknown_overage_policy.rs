use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", overage_policy = "ALLOW")]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
