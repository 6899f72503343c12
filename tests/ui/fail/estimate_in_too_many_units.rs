use runcycles::{Error, cycles};

#[cycles((1, 2, 3, 4, 5), "llm.completion")]
async fn ask() -> Result<(), Error> {
    Ok(())
}

fn main() {}
