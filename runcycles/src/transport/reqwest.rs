//! The default transport: reqwest.

use std::error::Error as StdError;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;

use super::{BoxFuture, Transport};
use crate::error::{TransportError, TransportErrorKind};

/// The largest answer that is read, in bytes. The largest one of the protocol is a page of 200 reservations with metadata.
const MAX_BODY_BYTES: usize = 16 << 20;

/// Idle connections are closed before servers do it: some close them after 5 seconds, and a request that is written at that
/// moment is lost.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The most idle connections kept for a host.
const POOL_MAX_IDLE: usize = 32;

/// How often an idle connection is probed, so that middleboxes keep it.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Carries requests by reqwest. Connections are pooled; redirects are not followed; bodies are bounded to 16 MiB.
///
/// The pool is set up by the first call, since reading the system's certificates takes I/O.
#[derive(Debug)]
pub struct ReqwestTransport {
    setup: Setup,
    client: OnceLock<Result<reqwest::Client, String>>,
}

#[derive(Debug)]
struct Setup {
    connect_timeout: Duration,
    tls: bool,
}

impl ReqwestTransport {
    /// A transport of its own for `https` addresses, or, without TLS, for `http` ones: those need no certificates.
    pub(crate) fn new(connect_timeout: Duration, tls: bool) -> Self {
        Self { setup: Setup { connect_timeout, tls }, client: OnceLock::new() }
    }

    /// Carries requests by a client made elsewhere, for a proxy or certificates of your own. Build it with
    /// `redirect(Policy::none())`: reqwest would send the API key along to wherever a redirect points.
    pub fn from_client(client: reqwest::Client) -> Self {
        let setup = Setup { connect_timeout: Duration::ZERO, tls: true };
        Self { setup, client: OnceLock::from(Ok(client)) }
    }

    fn client(&self) -> Result<&reqwest::Client, TransportError> {
        let made = self.client.get_or_init(|| self.setup.build().map_err(|error| show_chain(&error)));
        made.as_ref().map_err(|problem| TransportError::with_source(TransportErrorKind::Setup, problem.clone()))
    }
}

impl Setup {
    fn build(&self) -> Result<reqwest::Client, reqwest::Error> {
        let mut builder = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_max_idle_per_host(POOL_MAX_IDLE)
            .tcp_keepalive(TCP_KEEPALIVE)
            .referer(false);
        if !self.tls {
            builder = without_roots(builder);
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
            let request = reqwest::Request::try_from(request)
                .map_err(|error| TransportError::with_source(TransportErrorKind::Setup, error))?;
            let mut answer = self.client()?.execute(request).await.map_err(failed)?;
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            *response.body_mut() = read_body(answer).await?;
            Ok(response)
        })
    }
}

/// Reads a body up to the limit. One that arrives in one piece is not copied.
async fn read_body(mut answer: reqwest::Response) -> Result<Bytes, TransportError> {
    let Some(first) = answer.chunk().await.map_err(failed)? else { return Ok(Bytes::new()) };
    let mut whole = BytesMut::new();
    let mut piece = first;
    loop {
        if whole.len() + piece.len() > MAX_BODY_BYTES {
            return Err(TransportError::new(TransportErrorKind::BodyTooLarge));
        }
        match answer.chunk().await.map_err(failed)? {
            None if whole.is_empty() => return Ok(piece),
            None => {
                whole.extend_from_slice(&piece);
                return Ok(whole.freeze());
            }
            Some(next) => {
                whole.extend_from_slice(&piece);
                piece = next;
            }
        }
    }
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
