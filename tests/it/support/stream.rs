//! Reading streams.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;

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
