use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", actual = |length| *length as f64 * 0.5)]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
