//! Outgoing requests that nobody guards.

use std::fmt;
use std::task::{Context as Waker, Poll};

use http::Request;
use http::header::HOST;
use tower_layer::Layer;
use tower_service::Service;

use crate::transport::BoxFuture;
use crate::tripwire::{Tripwire, UnguardedCall};

/// Shows outgoing requests to a [`Tripwire`], which reports or refuses those to model providers outside of any guarded call.
///
/// It belongs next to the service that sends, below all other layers: a [`BudgetLayer`](super::BudgetLayer) above it guards what
/// passes. A buffer above it has requests sent by a task of its own, which has no context: put buffers below.
///
/// ```
/// use http::{Request, Response};
/// use runcycles::Tripwire;
/// use runcycles::tower::TripwireLayer;
/// use tower_layer::Layer as _;
///
/// # #[derive(Clone)] struct HttpClient;
/// let tripwire = Tripwire::reporting();
/// let client = TripwireLayer::new(tripwire.clone()).layer(HttpClient);
/// // … and when the process ends, or every hour:
/// println!("{}", tripwire.report());
/// # drop(client);
/// ```
///
/// The service's error is made of an [`UnguardedCall`] where the tripwire refuses; `tower::BoxError` is. Requests other than
/// [`http::Request`] name their host by a closure:
///
/// ```
/// # use runcycles::Tripwire;
/// # use runcycles::tower::TripwireLayer;
/// struct Prompt { host: String }
///
/// let layer = TripwireLayer::by(Tripwire::refusing(), |prompt: &Prompt| Some(&prompt.host));
/// # drop(layer);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer sees the requests of the services that it is put around"]
pub struct TripwireLayer<H = HostOfUri> {
    tripwire: Tripwire,
    host: H,
}

impl TripwireLayer {
    /// Sees HTTP requests, by the host of their URI or else by their `Host` header.
    pub fn new(tripwire: Tripwire) -> Self {
        Self { tripwire, host: HostOfUri }
    }
}

impl<F> TripwireLayer<HostBy<F>> {
    /// Sees requests of any kind, by the host that a closure finds in them.
    pub fn by<Req, T>(tripwire: Tripwire, host: F) -> Self
    where
        F: Fn(&Req) -> Option<&T>,
        T: AsRef<str> + ?Sized,
    {
        Self { tripwire, host: HostBy(host) }
    }
}

/// Finds the host that a request goes to.
pub trait FindHost<Req> {
    /// The host, without a port.
    fn host<'a>(&self, request: &'a Req) -> Option<&'a str>;
}

/// Finds the host of an HTTP request.
#[derive(Clone, Copy, Debug)]
pub struct HostOfUri;

impl<B> FindHost<Request<B>> for HostOfUri {
    fn host<'a>(&self, request: &'a Request<B>) -> Option<&'a str> {
        request.uri().host().or_else(|| {
            let host = request.headers().get(HOST)?.to_str().ok()?;
            // A port follows the last colon, unless that is part of an address in brackets.
            Some(host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(host, _)| host))
        })
    }
}

/// Finds the host by a closure.
#[derive(Clone, Copy)]
pub struct HostBy<F>(F);

impl<F> fmt::Debug for HostBy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostBy")
    }
}

impl<Req, T, F> FindHost<Req> for HostBy<F>
where
    F: Fn(&Req) -> Option<&T>,
    T: AsRef<str> + ?Sized + 'static,
{
    fn host<'a>(&self, request: &'a Req) -> Option<&'a str> {
        (self.0)(request).map(AsRef::as_ref)
    }
}

impl<S, H: Clone> Layer<S> for TripwireLayer<H> {
    type Service = TripwireService<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        TripwireService { inner, tripwire: self.tripwire.clone(), host: self.host.clone() }
    }
}

/// A service whose requests a tripwire sees; [`TripwireLayer`] makes it.
#[derive(Clone, Debug)]
pub struct TripwireService<S, H = HostOfUri> {
    inner: S,
    tripwire: Tripwire,
    host: H,
}

impl<S, Req, H> Service<Req> for TripwireService<S, H>
where
    S: Service<Req>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: From<UnguardedCall> + Send + 'static,
    H: FindHost<Req>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, waker: &mut Waker<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(waker)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let checked = self.host.host(&request).map_or(Ok(()), |host| self.tripwire.check(host));
        match checked {
            Ok(()) => Box::pin(self.inner.call(request)),
            Err(refused) => Box::pin(std::future::ready(Err(refused.into()))),
        }
    }
}
