use runcycles::{Error, cycles};

async fn name(user: &str) -> &str {
    user
}

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = name(user).await)]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
