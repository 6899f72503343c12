//! Lists as iterators.

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;

use super::wait::block_on_value;
use crate::client;
use crate::error::Error;

/// The items of a list, page after page: an iterator. The next page is asked for when the one before is used up.
#[derive(Debug)]
#[must_use = "an iterator asks for nothing until it is read"]
pub struct Pages<T>(pub(super) client::Pages<T>);

impl<T: Send + Unpin + 'static> Iterator for Pages<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        block_on_value(poll_fn(|waker| Pin::new(&mut self.0).poll_next(waker))).unwrap_or_else(|error| Some(Err(error)))
    }
}
