//! Reading streams.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// A stream of what a function gives.
pub(crate) struct Made<F>(F);

/// A stream of what a function gives, at once.
pub(crate) fn made<T, F: FnMut() -> Option<T>>(next: F) -> Made<F> {
    Made(next)
}

/// A stream of items that are there at once.
pub(crate) fn items<T>(items: impl IntoIterator<Item = T>) -> Made<impl FnMut() -> Option<T>> {
    let mut items = items.into_iter();
    made(move || items.next())
}

impl<F> Unpin for Made<F> {}

impl<T, F: FnMut() -> Option<T>> Stream for Made<F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready((self.0)())
    }
}

/// The next item.
pub(crate) async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

/// All items of a stream that has at most as many as given.
pub(crate) async fn collect<S: Stream + Unpin>(mut stream: S, at_most: usize) -> Vec<S::Item> {
    let mut items = Vec::new();
    while let Some(item) = next(&mut stream).await {
        items.push(item);
        assert!(items.len() <= at_most, "the stream does not end");
    }
    items
}
