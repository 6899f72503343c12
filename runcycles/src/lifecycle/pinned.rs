//! An action's future, pinned in one place and owned in another.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that is pinned where it was made, and dropped with this: what it reports to its context while it is dropped is known
/// when its guard settles.
///
/// Implementation rationale: every async function that takes a future by value has room for it twice, so the layers pass this
/// on in its place.
#[derive(Debug)]
pub struct PinnedBody<'a, F>(Pin<&'a mut Option<F>>);

impl<'a, F> PinnedBody<'a, F> {
    /// Takes charge of a pinned body.
    pub fn new(body: Pin<&'a mut Option<F>>) -> Self {
        Self(body)
    }
}

impl<F: Future> Future for PinnedBody<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.0.as_mut().as_pin_mut() {
            Some(body) => body.poll(cx),
            // Only dropping this takes the body away.
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for PinnedBody<'_, F> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
