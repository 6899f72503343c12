use runcycles::cycles;

#[cycles(runcycles::usd!(0.02), "llm.completion")]
pub struct Agent;

fn main() {}
