use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", estimate = runcycles::usd!(0.03))]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
