use runcycles::{Error, cycles};

#[cycles("0.02", "llm.completion")]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
