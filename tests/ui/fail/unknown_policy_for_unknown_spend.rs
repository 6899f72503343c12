use runcycles::{Error, cycles};

#[cycles(1, "llm.completion", unknown = "keep")]
async fn ask() -> Result<(), Error> {
    Ok(())
}

fn main() {}
