use runcycles::{Error, cycles};

#[cycles(9_223_372_036_854_775_808, "llm.completion")]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
