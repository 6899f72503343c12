use runcycles::{Error, cycles};

#[cycles]
pub async fn chat(user: &str) -> Result<usize, Error> {
    Ok(user.len())
}

fn main() {}
