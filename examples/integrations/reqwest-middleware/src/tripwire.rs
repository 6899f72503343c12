//! A tripwire for requests that nobody guards.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use async_trait::async_trait;
use http::Extensions;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use runcycles::Tripwire;

use crate::not_sent::NotSent;

/// Shows each request to a tripwire. Add it last, so that it is below everything else that could guard a request.
#[derive(Clone, Debug)]
pub struct TripwireMiddleware(Tripwire);

impl TripwireMiddleware {
    /// Shows requests to a tripwire. A refused one is [`NotSent`], for a [`runcycles::UnguardedCall`].
    pub fn new(tripwire: Tripwire) -> Self {
        Self(tripwire)
    }
}

#[async_trait]
impl Middleware for TripwireMiddleware {
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        if let Some(host) = request.url().host_str() {
            self.0.check(host).map_err(NotSent::because)?;
        }
        next.run(request, extensions).await
    }
}

/// Shows the hosts that a plain [`reqwest::Client`] connects to, for an SDK that takes such a client and no middleware.
///
/// It sees connections and not requests: with `pool_max_idle_per_host(0)` each request over HTTP/1 makes one. A proxy, or an
/// address in place of a name, is not seen.
///
/// ```
/// use runcycles::Tripwire;
/// use runcycles_with_reqwest_middleware::TripwireResolver;
///
/// # fn main() -> reqwest::Result<()> {
/// let tripwire = Tripwire::refusing();
/// let client = reqwest::Client::builder()
///     .dns_resolver(TripwireResolver::new(tripwire))
///     .pool_max_idle_per_host(0)
///     .http1_only()
///     .build()?;
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TripwireResolver {
    tripwire: Tripwire,
    inner: Option<Arc<dyn Resolve>>,
}

impl TripwireResolver {
    /// Looks names up as the system does.
    pub fn new(tripwire: Tripwire) -> Self {
        Self { tripwire, inner: None }
    }

    /// Looks names up in another way.
    pub fn by(tripwire: Tripwire, inner: impl Resolve + 'static) -> Self {
        Self { tripwire, inner: Some(Arc::new(inner)) }
    }
}

impl Resolve for TripwireResolver {
    fn resolve(&self, name: Name) -> Resolving {
        if let Err(refused) = self.tripwire.check(name.as_str()) {
            return Box::pin(ready(Err(refused.into())));
        }
        match &self.inner {
            Some(inner) => inner.resolve(name),
            None => Box::pin(async move {
                let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?;
                Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
            }),
        }
    }
}

impl fmt::Debug for TripwireResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TripwireResolver").field("tripwire", &self.tripwire).finish_non_exhaustive()
    }
}
