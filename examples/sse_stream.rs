//! A model's answer as server-sent events, on a budget of five cents: the answer is cut where the next word would cost more than
//! was authorised.
//!
//! `cargo run --example sse_stream`, with nothing else installed.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::Write as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use runcycles::models::Amount;
use runcycles::{Error, cycles, denial, set_default_client, usd};
use runcycles_authority::Authority;

/// What the agent has to spend from.
const BUDGET: &str = "tenant:acme/agent:jane";

/// What one word costs.
const WORD: Amount = usd!(0.0007);

/// Asks the model, a cent at a time: further cents are reserved while the answer flows.
#[cycles(usd!(0.01), "llm.completion", action_name = "gpt-4o", agent = user, actual = |_word| WORD)]
fn answer(user: &str) -> impl Stream<Item = Result<String, Error>> {
    ServerSentEvents::new(Socket { sent: 0 })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let authority = Authority::builder().budget(BUDGET, usd!(0.05)).start().await?;
    set_default_client(authority.client("acme"));

    let mut words = pin!(answer("jane"));
    while let Some(word) = poll_fn(|waker| words.as_mut().poll_next(waker)).await {
        match word {
            Ok(word) => print!("{word} "),
            Err(Error::StreamCut(cut)) => {
                println!("…\n\n✗ {cut}");
                if let Some(denial) = denial(&*cut) {
                    println!("  because: {denial}");
                }
                if let Ok(settlement) = &cut.settlement {
                    println!("  the last part: {settlement}");
                }
            }
            Err(error) => return Err(error.into()),
        }
        std::io::stdout().flush()?;
    }
    // The parts before the last are settled in the background.
    authority.client("acme").flush(std::time::Duration::from_secs(1)).await;
    if let Some(ledger) = authority.ledger(BUDGET) {
        println!("\n{BUDGET}: {} spent, {} reserved, {} left", ledger.spent, ledger.reserved, ledger.remaining);
    }
    Ok(())
}

/// A connection to a model that never stops talking. Its packets end in the middle of lines, as those of a network do.
struct Socket {
    sent: usize,
}

impl Stream for Socket {
    type Item = Vec<u8>;

    fn poll_next(mut self: Pin<&mut Self>, _waker: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        const TALK: &[u8] =
            b"data: the\n\ndata: sky\n\n: keep-alive\n\ndata: is\n\nevent: word\ndata: blue\n\ndata: because\n\n";
        let packet = (0..7).map(|at| TALK[(self.sent + at) % TALK.len()]).collect();
        self.sent += 7;
        Poll::Ready(Some(packet))
    }
}

/// Reads the data of server-sent events out of packets.
struct ServerSentEvents<S> {
    packets: S,
    buffer: VecDeque<u8>,
    data: Option<String>,
}

impl<S> ServerSentEvents<S> {
    fn new(packets: S) -> Self {
        Self { packets, buffer: VecDeque::new(), data: None }
    }

    /// The next whole line.
    fn line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

impl<S: Stream<Item = Vec<u8>> + Unpin> Stream for ServerSentEvents<S> {
    type Item = Result<String, Error>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            while let Some(line) = self.line() {
                if let Some(data) = line.strip_prefix("data:") {
                    let data = data.trim_start();
                    self.data = Some(self.data.take().map_or_else(|| data.to_owned(), |so_far| so_far + "\n" + data));
                } else if line.is_empty()
                    && let Some(data) = self.data.take()
                {
                    return Poll::Ready(Some(Ok(data)));
                }
            }
            match ready!(Pin::new(&mut self.packets).poll_next(waker)) {
                Some(packet) => self.buffer.extend(packet),
                None => return Poll::Ready(None),
            }
        }
    }
}
