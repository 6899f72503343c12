use runcycles::{Error, cycles};

pub trait Chat {
    #[cycles(runcycles::usd!(0.02), "llm.completion")]
    fn chat(&self) -> impl Future<Output = Result<usize, Error>>;
}

fn main() {}
