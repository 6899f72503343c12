use runcycles::{Error, cycles};

#[cycles(1, "llm.completion", require = level)]
async fn ask(level: &str) -> Result<usize, Error> {
    Ok(level.len())
}

fn main() {}
