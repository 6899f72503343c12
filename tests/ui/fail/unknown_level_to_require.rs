use runcycles::{Error, cycles};

#[cycles(1, "llm.completion", require = ["workflow", "user"])]
async fn ask() -> Result<(), Error> {
    Ok(())
}

fn main() {}
