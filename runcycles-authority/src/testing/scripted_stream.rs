//! A stream that says what a test wrote for it.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use runcycles::models::Amount;
use tokio::time::Sleep;

/// A stream of a test's own making, in the place of a model's: items, pauses, errors, a usage report, a stall, and then its end. It
/// fits into [`metered`](runcycles::metered), and into functions with the attribute that give streams.
///
/// ```
/// use std::time::Duration;
///
/// use runcycles::{Error, Reserve, metered, tokens};
/// use runcycles_authority::Authority;
/// use runcycles_authority::testing::{ScriptedStream, collect};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
/// let authority = Authority::builder().budget("tenant:acme", tokens(100)).start().await?;
/// let client = authority.client("acme");
/// let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(tokens(20))).await?;
///
/// let words: ScriptedStream<_> = ScriptedStream::of(["the", "sky"]).pause(Duration::from_secs(2)).item("is blue").usage(tokens(17));
/// let watch = words.watch();
/// let heard = collect(metered(guard, words, |word: &&str| word.len())).await;
///
/// assert!(heard.iter().all(Result::is_ok) && watch.is_finished());
/// authority.assert_spent("tenant:acme", tokens(17)); // not the 13 that were counted
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
///
/// Between two items nothing is lost.
#[must_use = "a stream does nothing until it is polled"]
pub struct ScriptedStream<T, E = runcycles::Error> {
    steps: VecDeque<Step<T, E>>,
    /// What is waited for before the next step.
    pause: Option<Pin<Box<Sleep>>>,
    seen: Arc<Seen>,
}

enum Step<T, E> {
    Item(Result<T, E>),
    Pause(Duration),
    Run(Box<dyn FnOnce() + Send>),
    Stall,
}

/// What became of a stream.
#[derive(Debug, Default)]
struct Seen {
    items: AtomicUsize,
    is_finished: AtomicBool,
    is_dropped: AtomicBool,
}

// No part is pinned in place.
impl<T, E> Unpin for ScriptedStream<T, E> {}

impl<T, E> ScriptedStream<T, E> {
    /// A stream that ends at once, unless steps are added.
    pub fn new() -> Self {
        Self { steps: VecDeque::new(), pause: None, seen: Arc::default() }
    }

    /// A stream of items, all there at once.
    pub fn of(items: impl IntoIterator<Item = T>) -> Self {
        items.into_iter().fold(Self::new(), Self::item)
    }

    /// Then an item.
    pub fn item(self, item: T) -> Self {
        self.then(Step::Item(Ok(item)))
    }

    /// Then an error, after which the stream goes on: what a provider says in the middle of an answer. A connection that breaks is an
    /// error with nothing behind it.
    pub fn error(self, error: E) -> Self {
        self.then(Step::Item(Err(error)))
    }

    /// Then silence for a time, by tokio's clock, which a test may pause.
    pub fn pause(self, time: Duration) -> Self {
        self.then(Step::Pause(time))
    }

    /// Then silence for good: nothing that comes after is reached, and neither is the end.
    pub fn stall(self) -> Self {
        self.then(Step::Stall)
    }

    /// Then a report of what the whole stream cost, as providers send it at the end: it is [set](runcycles::Context::set_actual) in
    /// the context that the stream runs in. Without one, nobody hears it.
    ///
    /// # Panics
    ///
    /// When it is reached, where the amount is in another unit than the reservation.
    pub fn usage(self, cost: Amount) -> Self {
        self.run(move || {
            if let Some(context) = runcycles::context() {
                let unit = context.reserved().unit().clone();
                assert!(
                    context.set_actual(cost.clone()).is_ok(),
                    "expected usage in the unit of the reservation, {unit}, found {cost}"
                );
            }
        })
    }

    /// Then something else, in the context that the stream runs in, such as a metric or a change of the world around it.
    pub fn run(self, step: impl FnOnce() + Send + 'static) -> Self {
        self.then(Step::Run(Box::new(step)))
    }

    /// Watches the stream from outside, also once it is given away.
    pub fn watch(&self) -> StreamWatch {
        StreamWatch { seen: self.seen.clone() }
    }

    fn then(mut self, step: Step<T, E>) -> Self {
        self.steps.push_back(step);
        self
    }
}

impl<E> ScriptedStream<Vec<u8>, E> {
    /// A body in packets of so many bytes, at least one, which end where they end: in the middle of lines and of characters.
    ///
    /// ```
    /// use runcycles_authority::testing::ScriptedStream;
    ///
    /// let body = "data: {\"text\":\"blue\"}\n\ndata: [DONE]\n\n";
    /// let connection: ScriptedStream<Vec<u8>> = ScriptedStream::packets(body, 7).garbage().stall();
    /// # drop(connection);
    /// ```
    pub fn packets(body: impl AsRef<[u8]>, size: usize) -> Self {
        body.as_ref().chunks(size.max(1)).fold(Self::new(), |stream, packet| stream.item(packet.to_vec()))
    }

    /// Then a packet that is no text in UTF-8, no event, and no JSON, with a line's end in it.
    pub fn garbage(self) -> Self {
        self.item(b"\xff\xfe{\"tr\0uncated\": \xc3\ndata\xf0\x9f".to_vec())
    }
}

impl<T, E> Stream for ScriptedStream<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(waker));
                self.pause = None;
            }
            match self.steps.pop_front() {
                Some(Step::Item(item)) => {
                    self.seen.items.fetch_add(1, Ordering::SeqCst);
                    return Poll::Ready(Some(item));
                }
                Some(Step::Pause(time)) => self.pause = Some(Box::pin(tokio::time::sleep(time))),
                Some(Step::Run(step)) => step(),
                Some(Step::Stall) => {
                    self.steps.clear();
                    self.steps.push_front(Step::Stall);
                    return Poll::Pending;
                }
                None => {
                    self.seen.is_finished.store(true, Ordering::SeqCst);
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl<T, E> Drop for ScriptedStream<T, E> {
    fn drop(&mut self) {
        self.seen.is_dropped.store(true, Ordering::SeqCst);
    }
}

impl<T, E> Default for ScriptedStream<T, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> fmt::Debug for ScriptedStream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { steps, seen, .. } = self;
        f.debug_struct("ScriptedStream").field("steps_left", &steps.len()).field("seen", seen).finish_non_exhaustive()
    }
}

/// What became of a [`ScriptedStream`]: how far it was read, and whether it was let go, as a connection must be whose answer nobody
/// pays for any more.
///
/// ```
/// use runcycles_authority::testing::{ScriptedStream, collect};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let words: ScriptedStream<_> = ScriptedStream::of(["the", "sky"]);
/// let watch = words.watch();
/// assert!(!watch.is_dropped());
///
/// collect(words).await;
/// assert_eq!((watch.items(), watch.is_finished(), watch.is_dropped()), (2, true, true));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StreamWatch {
    seen: Arc<Seen>,
}

impl StreamWatch {
    /// How many items were taken off the stream, errors included.
    pub fn items(&self) -> usize {
        self.seen.items.load(Ordering::SeqCst)
    }

    /// Whether it was read to its end.
    pub fn is_finished(&self) -> bool {
        self.seen.is_finished.load(Ordering::SeqCst)
    }

    /// Whether the stream was dropped, read to its end or not.
    pub fn is_dropped(&self) -> bool {
        self.seen.is_dropped.load(Ordering::SeqCst)
    }
}

/// Reads a stream to its end, and drops it.
pub async fn collect<S: Stream>(stream: S) -> Vec<S::Item> {
    let mut stream = pin!(stream);
    let mut items = Vec::new();
    while let Some(item) = poll_fn(|waker| stream.as_mut().poll_next(waker)).await {
        items.push(item);
    }
    items
}
