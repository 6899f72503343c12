use runcycles::cycles;

#[cycles(1, "llm.completion")]
fn ask() {}

fn main() {}
