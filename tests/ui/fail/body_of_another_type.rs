use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = user)]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user)
}

fn main() {}
