//! The default transport: reqwest.

use std::error::Error as StdError;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http::uri::{Authority, Scheme};
use reqwest::Url;
use reqwest::redirect::Policy;

use super::pieces::Pieces;
use super::{BoxFuture, Transport, pool};
use crate::error::{TransportError, TransportErrorKind};

/// Carries requests by reqwest. Connections are pooled; redirects are not followed; bodies are bounded to 16 MiB.
///
/// The pool is set up by the first call, since reading the system's certificates takes I/O.
#[derive(Debug)]
pub struct ReqwestTransport {
    setup: Setup,
    client: OnceLock<Result<reqwest::Client, String>>,
    /// The place that the first request went to, and so most others. Reading an address anew takes several allocations.
    place: OnceLock<Place>,
}

/// A server, as addresses begin with it.
#[derive(Debug)]
struct Place {
    scheme: Scheme,
    authority: Authority,
    url: Url,
}

#[derive(Debug)]
struct Setup {
    connect_timeout: Duration,
    tls: bool,
}

impl ReqwestTransport {
    /// A transport of its own for `https` addresses, or, without TLS, for `http` ones: those need no certificates.
    pub(crate) fn new(connect_timeout: Duration, tls: bool) -> Self {
        Self { setup: Setup { connect_timeout, tls }, client: OnceLock::new(), place: OnceLock::new() }
    }

    /// Carries requests by a client made elsewhere, for a proxy or certificates of your own. Build it with
    /// `redirect(Policy::none())`: reqwest would send the API key along to wherever a redirect points.
    pub fn from_client(client: reqwest::Client) -> Self {
        let setup = Setup { connect_timeout: Duration::ZERO, tls: true };
        Self { setup, client: OnceLock::from(Ok(client)), place: OnceLock::new() }
    }

    fn client(&self) -> Result<&reqwest::Client, TransportError> {
        let made = self.client.get_or_init(|| self.setup.build().map_err(|error| show_chain(&error)));
        made.as_ref().map_err(|problem| TransportError::with_source(TransportErrorKind::Setup, problem.clone()))
    }

    /// An address in reqwest's form.
    fn url(&self, address: &Uri) -> Result<Url, TransportError> {
        let read = || {
            let read = Url::parse(&address.to_string());
            read.map_err(|error| TransportError::with_source(TransportErrorKind::Setup, error))
        };
        let (Some(scheme), Some(authority)) = (address.scheme(), address.authority()) else { return read() };
        match self.place.get() {
            // To the letter: an authority may have a user's name and password, which differ by case.
            Some(place) if place.scheme == *scheme && place.authority.as_str() == authority.as_str() => {
                let mut url = place.url.clone();
                url.set_path(address.path());
                url.set_query(address.query());
                Ok(url)
            }
            Some(_) => read(),
            None => {
                let url = read()?;
                let (scheme, authority) = (scheme.clone(), authority.clone());
                let _ = self.place.set(Place { scheme, authority, url: url.clone() });
                Ok(url)
            }
        }
    }
}

impl Setup {
    fn build(&self) -> Result<reqwest::Client, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(pool::IDLE_TIMEOUT)
            .pool_max_idle_per_host(pool::MAX_IDLE)
            .tcp_keepalive(pool::TCP_KEEPALIVE)
            .referer(false);
        if !self.tls {
            builder = without_roots(builder);
        }
        // reqwest keeps a copy of every request to repeat what a server refuses unprocessed, which only HTTP/2 can tell.
        if cfg!(not(feature = "http2")) {
            builder = builder.retry(reqwest::retry::never().max_retries_per_request(0));
        }
        builder.build()
    }
}

/// Skips loading the system's certificates, which takes longer than a call and serves no `http` address.
#[cfg(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"))]
fn without_roots(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder.tls_certs_only([])
}

#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls")))]
fn without_roots(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
}

impl Transport for ReqwestTransport {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let mut request = reqwest::Request::new(head.method, self.url(&head.uri)?);
            (*request.headers_mut(), *request.body_mut()) = (head.headers, Some(body.into()));
            let mut answer = self.client()?.execute(request).await.map_err(failed)?;
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            *response.body_mut() = read_body(answer).await?;
            Ok(response)
        })
    }
}

/// Reads a body up to the limit.
async fn read_body(mut answer: reqwest::Response) -> Result<Bytes, TransportError> {
    let mut pieces = Pieces::default();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        pieces.push(piece)?;
    }
    Ok(pieces.join())
}

fn failed(error: reqwest::Error) -> TransportError {
    let kind = if error.is_timeout() {
        TransportErrorKind::Timeout
    } else if error.is_connect() {
        TransportErrorKind::Connect
    } else {
        TransportErrorKind::Interrupted
    };
    // The address may carry an id or filters; the error's own text shows it.
    TransportError::with_source(kind, error.without_url())
}

/// An error and its causes in one line: the set-up's error outlives the call that met it, and is not `Clone`.
fn show_chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
