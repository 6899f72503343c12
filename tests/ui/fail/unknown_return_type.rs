use runcycles::cycles;

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = user)]
pub async fn chat(user: &str) -> Result<usize, AgentError> {
    Ok(user.len())
}

fn main() {}
