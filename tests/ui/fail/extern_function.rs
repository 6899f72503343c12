use runcycles::cycles;

#[cycles(runcycles::usd!(0.02), "llm.completion")]
pub extern "C" fn chat() -> u8 {
    1
}

fn main() {}
