use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = user.into_boxed_str())]
pub async fn chat(user: String) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
