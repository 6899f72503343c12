use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion", fallback = Ok(user))]
pub async fn chat(user: String) -> Result<String, Error> {
    drop(user);
    Ok(String::new())
}

fn main() {}
