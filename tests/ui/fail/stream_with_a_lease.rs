use futures_core::Stream;
use runcycles::{Error, Lease, cycles};

#[cycles(1, "llm.completion", actual = |item| *item, lease = _lease)]
fn ask(_lease: &Lease, stream: impl Stream<Item = Result<u8, Error>>) -> impl Stream<Item = Result<u8, Error>> {
    stream
}

fn main() {}
