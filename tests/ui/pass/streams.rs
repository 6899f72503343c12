//! Functions that give a stream.
#![deny(warnings, clippy::pedantic)]

use std::pin::Pin;

use futures_core::Stream;
use futures_core::stream::BoxStream;
use runcycles::{Amount, Error, cycles, tokens};

pub struct Chunk {
    pub tokens: u64,
}

impl Chunk {
    #[must_use]
    pub fn cost(&self) -> Amount {
        tokens(self.tokens)
    }
}

#[cycles(tokens(1), "llm.completion", actual = |chunk| chunk.tokens)]
pub fn opaque<S: Stream<Item = Result<Chunk, Error>>>(stream: S) -> impl Stream<Item = Result<Chunk, Error>> {
    stream
}

#[cycles(tokens(1), "llm.completion", actual = Chunk::cost)]
pub fn sendable(
    stream: impl Stream<Item = Result<Chunk, Error>> + Send + 'static,
) -> impl Stream<Item = Result<Chunk, Error>> + Send + 'static {
    stream
}

#[cycles(tokens(1), "llm.completion", agent = user, actual = output.tokens * price)]
pub fn pinned<'a>(
    user: &'a str,
    price: u64,
    stream: BoxStream<'a, Result<Chunk, Error>>,
) -> Pin<Box<dyn Stream<Item = Result<Chunk, Error>> + Send + 'a>> {
    if user.is_empty() {
        return stream;
    }
    Box::pin(stream)
}

#[cycles(tokens(1), "llm.completion", actual = |chunk| chunk.cost())]
pub fn unpinned(
    stream: Box<dyn Stream<Item = Result<Chunk, Error>> + Unpin>,
) -> Box<dyn Stream<Item = Result<Chunk, Error>> + Unpin> {
    stream
}

#[cycles(tokens(1), "llm.completion", actual = |chunk| chunk.cost())]
pub async fn opened(
    stream: BoxStream<'static, Result<Chunk, Error>>,
) -> Result<impl Stream<Item = Result<Chunk, Error>>, Error> {
    Ok(stream)
}

#[cycles(tokens(1), "llm.completion", actual = |chunk| chunk.cost())]
pub async fn opened_and_pinned(
    stream: BoxStream<'static, Result<Chunk, Error>>,
) -> Result<BoxStream<'static, Result<Chunk, Error>>, Error> {
    Ok(stream)
}

fn is_send(_: &impl Send) {}

fn main() {
    let check = |stream: BoxStream<'static, Result<Chunk, Error>>| is_send(&sendable(stream));
    let _ = check;
}
