//! The lean transport: a pool of connections, and nothing above it.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::pieces::Pieces;
use super::{BoxFuture, Transport, pool};
use crate::error::{TransportError, TransportErrorKind};

#[cfg(feature = "hyper-rustls")]
type Connector = hyper_rustls::HttpsConnector<HttpConnector>;
#[cfg(not(feature = "hyper-rustls"))]
type Connector = HttpConnector;

/// How long a connection may take, unless set otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Carries requests by hyper's own pool of HTTP/1.1 connections, for those who want the last microseconds, or fewer
/// dependencies than reqwest brings. Redirects are not followed; bodies are bounded to 16 MiB; there are no proxies.
///
/// With the feature `hyper-rustls` it speaks TLS, by rustls with ring and Mozilla's certificates, which are compiled in: an
/// authority whose certificate only the operating system trusts is out of its reach, and within that of
/// [`ReqwestTransport`](crate::ReqwestTransport).
///
/// It is the transport of clients that are given none where the feature `reqwest` is off. Otherwise:
///
/// ```
/// use runcycles::{CyclesClient, HyperTransport};
///
/// let client = CyclesClient::builder("cyc_live_example", "http://localhost:7878").transport(HyperTransport::new()).build();
/// ```
#[derive(Clone)]
pub struct HyperTransport {
    /// The pool, or why there is none.
    client: Result<Client<Connector, Full<Bytes>>, String>,
}

impl HyperTransport {
    /// A transport with a pool of its own, whose connections take 2 seconds at most to be made.
    pub fn new() -> Self {
        Self::with_connect_timeout(CONNECT_TIMEOUT)
    }

    /// A transport with a pool of its own, and the longest time that a connection may take to be made.
    pub fn with_connect_timeout(connect_timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_keepalive(Some(pool::TCP_KEEPALIVE));
        connector.set_connect_timeout(Some(connect_timeout));
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new());
        client.pool_idle_timeout(pool::IDLE_TIMEOUT).pool_max_idle_per_host(pool::MAX_IDLE);
        Self { client: secured(connector).map(|connector| client.build(connector)) }
    }
}

impl Default for HyperTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport").finish_non_exhaustive()
    }
}

/// Adds TLS, with a provider of its own: an application may have others, and then none would be chosen for it.
#[cfg(feature = "hyper-rustls")]
fn secured(mut connector: HttpConnector) -> Result<Connector, String> {
    connector.enforce_http(false);
    let builder = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| error.to_string())?;
    Ok(builder.https_or_http().enable_http1().wrap_connector(connector))
}

#[cfg(not(feature = "hyper-rustls"))]
#[expect(clippy::unnecessary_wraps, reason = "with TLS there is something to set up")]
fn secured(connector: HttpConnector) -> Result<Connector, String> {
    Ok(connector)
}

impl Transport for HyperTransport {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let answer = self.client.as_ref().map(|client| client.request(request.map(Full::new)));
        Box::pin(async move {
            let answer =
                answer.map_err(|problem| TransportError::with_source(TransportErrorKind::Setup, problem.clone()))?;
            let (head, mut body) = answer.await.map_err(failed)?.into_parts();
            let mut pieces = Pieces::default();
            while let Some(frame) = body.frame().await {
                if let Ok(piece) = frame.map_err(interrupted)?.into_data() {
                    pieces.push(piece)?;
                }
            }
            Ok(http::Response::from_parts(head, pieces.join()))
        })
    }
}

fn failed(error: hyper_util::client::legacy::Error) -> TransportError {
    if error.is_connect() {
        return TransportError::with_source(TransportErrorKind::Connect, error);
    }
    interrupted(error)
}

fn interrupted(error: impl Into<Box<dyn StdError + Send + Sync>>) -> TransportError {
    TransportError::with_source(TransportErrorKind::Interrupted, error)
}
