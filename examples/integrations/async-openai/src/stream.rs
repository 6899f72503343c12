//! Answers that flow.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_openai::types::chat::{ChatCompletionResponseStream, CreateChatCompletionStreamResponse};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, Stream};
use runcycles::{ReservationGuard, metered};

use crate::error::ChatError;
use crate::tally::Tally;

/// An answer that flows, counted as it does; [`create_stream`](crate::GovernedChat::create_stream) makes one.
#[must_use = "a stream does nothing until it is polled, and dropping it settles it"]
pub struct ChatStream {
    inner: BoxStream<'static, Result<CreateChatCompletionStreamResponse, ChatError>>,
}

impl ChatStream {
    pub(crate) fn new(guard: ReservationGuard, stream: ChatCompletionResponseStream, tally: Tally) -> Self {
        // Shared by what reads the stream and what counts it, both of which run in one poll.
        let tally = Arc::new(Mutex::new(tally));
        let reading = Reading { stream: Some(stream), tally: Arc::clone(&tally) };
        let read = stream::unfold(reading, |mut reading| async move {
            let item = reading.next().await?;
            Some((item, reading))
        });
        let count = move |_: &CreateChatCompletionStreamResponse| {
            tally.lock().unwrap_or_else(PoisonError::into_inner).counted_since()
        };
        Self { inner: metered(guard, read, count).boxed() }
    }
}

/// A provider's stream, up to its end or its first error.
struct Reading {
    /// Absent once it has ended.
    stream: Option<ChatCompletionResponseStream>,
    tally: Arc<Mutex<Tally>>,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<CreateChatCompletionStreamResponse, ChatError>> {
        let item = self.stream.as_mut()?.next().await;
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let problem = match item {
            Some(Ok(chunk)) => {
                tally.add(&chunk);
                tell(&tally, &chunk.model);
                if !tally.count().is_beyond_limit() {
                    return Some(Ok(chunk));
                }
                ChatError::BeyondLimit { limit: tally.count().most_output() }
            }
            Some(Err(error)) => error.into(),
            None if tally.is_finished() => return None,
            None => ChatError::Unfinished,
        };
        // What follows an error is not to be relied on. Dropping the stream closes the connection.
        self.stream = None;
        Some(Err(problem))
    }
}

/// Tells the reservation what the answer has cost so far.
fn tell(tally: &Tally, model: &str) {
    let Some(context) = runcycles::context() else { return };
    if let Ok(cost) = tally.cost() {
        drop(context.set_actual(cost));
    }
    context.set_metrics(tally.metrics(model));
    if tally.is_reported() {
        // Once, since a span keeps all that it was ever told.
        context.record_model_usage(&tally.model_usage(model));
    }
    context.insert_metadata("actual_source", if tally.is_reported() { "usage" } else { "count" });
}

impl Stream for ChatStream {
    type Item = Result<CreateChatCompletionStreamResponse, ChatError>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(waker)
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChatStream")
    }
}
