use runcycles::cycles;

pub struct AgentError;

impl From<std::num::ParseIntError> for AgentError {
    fn from(_: std::num::ParseIntError) -> Self {
        AgentError
    }
}

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = user)]
pub async fn chat(user: &str) -> Result<usize, AgentError> {
    if user.is_empty() {
        return Err(AgentError);
    }
    Ok(user.parse()?)
}

fn main() {}
