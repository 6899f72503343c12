//! The only door to the network.

mod direct;
#[cfg(feature = "hyper")]
mod hyper;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod pieces;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod pool;
#[cfg(feature = "reqwest")]
mod reqwest;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::TransportError;

pub use self::direct::{Direct, DirectAnswer, DirectBalance, DirectBudgets, DirectCommit, DirectHold};
pub(crate) use self::direct::{leaf_of, scopes_of};
#[cfg(feature = "hyper")]
pub use self::hyper::HyperTransport;
#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries one request to an authority and brings its answer back.
///
/// The client hands over a complete request: absolute URI, headers with the API key marked sensitive, body. A transport adds
/// nothing to its meaning: it follows no redirects, since the key must not travel to another host, and repeats nothing. Every
/// HTTP status is an answer, not an error. The body of the answer is complete, and bounded by the transport.
///
/// The client bounds the time of an attempt and drops the future when it runs out; the attempt is then abandoned.
///
/// ```
/// use bytes::Bytes;
/// use runcycles::{BoxFuture, Transport, TransportError};
///
/// /// Says no to everything.
/// struct Refusing;
///
/// impl Transport for Refusing {
///     fn call(&self, _request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
///         Box::pin(async { Ok(http::Response::builder().status(503).body(Bytes::new()).expect("a valid response")) })
///     }
/// }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// Makes one attempt.
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;

    /// The authority itself, where it is in the same process and nothing is to go wrong on the way. Not public API.
    #[doc(hidden)]
    fn direct(&self) -> Option<&dyn Direct> {
        None
    }
}

/// Lets clients share what carries their requests.
impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        T::call(self, request)
    }

    fn direct(&self) -> Option<&dyn Direct> {
        T::direct(self)
    }
}
