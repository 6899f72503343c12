//! Why a request was not sent.

use std::error::Error as StdError;
use std::fmt;

/// A request was not sent. The [`source`](StdError::source) says why: a [`runcycles::Error`] or a [`runcycles::UnguardedCall`].
///
/// Middleware hands errors on in ways that show their sources and hide the errors themselves, so that the reason is one below.
#[derive(Debug)]
pub struct NotSent(Box<dyn StdError + Send + Sync>);

impl NotSent {
    pub(crate) fn because(reason: impl StdError + Send + Sync + 'static) -> reqwest_middleware::Error {
        reqwest_middleware::Error::middleware(Self(Box::new(reason)))
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was not sent")
    }
}

impl StdError for NotSent {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}
