use runcycles::cycles;

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = user)]
pub async fn chat(user: &str) -> Option<usize> {
    if user.is_empty() {
        return None;
    }
    Some(user.len())
}

fn main() {}
