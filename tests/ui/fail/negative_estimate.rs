use runcycles::{Error, cycles};

#[cycles(-5, "llm.completion")]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
