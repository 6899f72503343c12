use runcycles::{Error, cycles, tokens};

#[cycles(tokens(1), "llm.completion", priority = percent)]
async fn ask(percent: u8) -> Result<(), Error> {
    Ok(())
}

fn main() {}
