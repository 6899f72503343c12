use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion.of-a-kind-whose-name-is-longer-than-sixty-four-characters")]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
