use runcycles::cycles;

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = user)]
pub async fn chat(user: &str) {
    drop(user.len());
}

fn main() {}
