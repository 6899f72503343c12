use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", actual = |length: usize| length)]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
