use runcycles::{Error, cycles};

pub struct User;

#[cycles(runcycles::usd!(0.02), "llm.completion", agent = user)]
pub async fn chat(user: User) -> Result<User, Error> {
    Ok(user)
}

fn main() {}
