use runcycles::{Error, credits, cycles, tokens};

#[cycles((tokens(1), credits(1)), "llm.completion", actual = |_value| tokens(1))]
async fn ask() -> Result<(), Error> {
    Ok(())
}

fn main() {}
