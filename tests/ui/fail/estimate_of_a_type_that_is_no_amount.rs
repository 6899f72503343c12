use runcycles::{Error, cycles};

#[cycles(dollars, "llm.completion")]
pub async fn chat(dollars: f64) -> Result<f64, Error> {
    Ok(dollars)
}

fn main() {}
