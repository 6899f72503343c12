use runcycles::{Error, cycles};

#[cycles(1, "llm.completion", mode = "dry_run")]
async fn ask() -> Result<(), Error> {
    Ok(())
}

fn main() {}
