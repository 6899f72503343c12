use runcycles::{Error, cycles};

#[cycles(action_kind = "llm.completion", agent = user)]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
