use runcycles::cycles;

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = user)]
pub async fn chat(user: &str) -> impl Iterator<Item = char> {
    user.chars()
}

fn main() {}
