use runcycles::{cycles, tokens};

#[cycles(tokens(1), "llm.completion")]
fn ask() -> u8 {
    7
}

fn main() {}
