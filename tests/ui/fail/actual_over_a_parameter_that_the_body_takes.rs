use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", actual = user.len() as u64)]
pub async fn chat(user: String) -> Result<String, Error> {
    Ok(user)
}

fn main() {}
