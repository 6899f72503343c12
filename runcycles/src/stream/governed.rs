//! What `#[cycles]` expands to on functions that give a stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Waker, Poll};

use futures_core::Stream;

use super::metered::{Metered, metered};
use crate::call::{Call, Guard, IntoAmount};
use crate::error::Error;
use crate::guard::{DropReason, ReservationGuard};
use crate::lifecycle::{Context, tell};
use crate::transport::BoxFuture;

impl<T, E: From<Error>> Guard<T, E> {
    /// The stream that a body gives, which runs once budget is reserved: by the first that polls it.
    ///
    /// The client and the scope are those of the place that makes the stream.
    pub fn stream<S, F, U, N>(self, call: Result<Call, Error>, body: F, usage: U) -> Governed<S, F, U>
    where
        S: Stream<Item = Result<T, E>>,
        F: FnOnce() -> S,
        U: FnMut(&T) -> N,
        N: IntoAmount,
    {
        let guard: BoxFuture<'static, _> = match call.and_then(Call::open) {
            Ok(opened) => Box::pin(opened.reserve()),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        };
        Governed { state: State::Asking { guard, start: Some((body, usage)) } }
    }
}

impl<S, E: From<Error>> Guard<S, E> {
    /// Runs a body that gives a stream, under a reservation that the stream is delivered from then.
    pub async fn open<T, E2, F, U, N>(self, call: Result<Call, Error>, body: F, usage: U) -> Result<Metered<S, U>, E>
    where
        S: Stream<Item = Result<T, E2>>,
        E2: From<Error>,
        F: Future<Output = Result<S, E>>,
        U: FnMut(&T) -> N,
        N: IntoAmount,
    {
        let mut guard = call.and_then(Call::open)?.reserve().await?;
        guard.dropped_means(DropReason::Cancelled);
        let context = Context::new(Arc::clone(guard.reservation()), guard.lease_ref());
        match context.enter(body).await {
            Ok(stream) => Ok(metered(guard, stream, usage)),
            Err(error) => {
                if let Some(settling) = guard.abandon(DropReason::Failed) {
                    tell(settling.await);
                }
                Err(error)
            }
        }
    }
}

/// A stream that reserves its first slice when it is polled first.
#[must_use = "a stream does nothing until it is polled"]
pub struct Governed<S: Stream, F, U> {
    state: State<S, F, U>,
}

#[expect(clippy::large_enum_variant, reason = "a stream flows for nearly all of its life")]
enum State<S: Stream, F, U> {
    Asking { guard: BoxFuture<'static, Result<ReservationGuard, Error>>, start: Option<(F, U)> },
    Flowing(Metered<S, U>),
    Ended,
}

// No part is pinned in place.
impl<S: Stream, F, U> Unpin for Governed<S, F, U> {}

impl<S, F, T, E, U, N> Stream for Governed<S, F, U>
where
    S: Stream<Item = Result<T, E>>,
    F: FnOnce() -> S,
    E: From<Error>,
    U: FnMut(&T) -> N,
    N: IntoAmount,
{
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, waker: &mut Waker<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Flowing(stream) => return Pin::new(stream).poll_next(waker),
                State::Asking { guard, start } => {
                    let Poll::Ready(guard) = guard.as_mut().poll(waker) else { return Poll::Pending };
                    let start = start.take();
                    self.state = State::Ended;
                    let mut guard = match guard {
                        Ok(guard) => guard,
                        Err(error) => return Poll::Ready(Some(Err(error.into()))),
                    };
                    let Some((body, usage)) = start else { return Poll::Ready(None) };
                    guard.dropped_means(DropReason::Cancelled);
                    let context = Context::new(Arc::clone(guard.reservation()), guard.lease_ref());
                    let stream = context.within(body);
                    self.state = State::Flowing(metered(guard, stream, usage));
                }
            }
        }
    }
}

impl<S: Stream, F, U> fmt::Debug for Governed<S, F, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Asking { .. } => f.write_str("Governed(not reserved yet)"),
            State::Flowing(stream) => stream.fmt(f),
            State::Ended => f.write_str("Governed(ended)"),
        }
    }
}
