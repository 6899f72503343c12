use runcycles::{Error, cycles};

#[cycles(runcycles::usd!(0.02), "llm.completion")]
pub async unsafe fn chat() -> Result<usize, Error> {
    Ok(1)
}

fn main() {}
