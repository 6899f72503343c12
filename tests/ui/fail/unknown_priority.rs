use runcycles::{Error, cycles};

#[cycles(1, "llm.completion", priority = "urgent")]
async fn ask() -> Result<(), Error> {
    Ok(())
}

fn main() {}
