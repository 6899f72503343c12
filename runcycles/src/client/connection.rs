//! How requests reach a server, whichever plane of it they are for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, USER_AGENT};

use super::answer::{self, Answer};
use super::endpoint::Endpoint;
use super::metadata::Response;
use super::operation::Prepared;
use crate::error::{ConfigError, Error, TransportError, TransportErrorKind};
use crate::protocol::{CommitRequest, ReservationCreateRequest, ReservationId};
use crate::telemetry::{self, TraceContext};
use crate::transport::{DirectAnswer, DirectCommit, DirectHold, Transport};

/// An address, a key and a way to get there.
pub(crate) struct Connection {
    pub(crate) endpoint: Endpoint,
    transport: Box<dyn Transport>,
    /// The headers of every request, the key among them.
    headers: HeaderMap,
    /// How long one attempt may take as a whole.
    attempt_timeout: Duration,
    /// Knows the trace of the place where a request is made.
    trace: Option<TraceHook>,
}

/// Knows the trace of the place where it is called.
pub(crate) type TraceHook = Box<dyn Fn() -> Option<TraceContext> + Send + Sync>;

impl Connection {
    pub(crate) fn new(
        endpoint: Endpoint,
        (key_header, key): (HeaderName, HeaderValue),
        transport: Box<dyn Transport>,
        attempt_timeout: Duration,
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(key_header, key);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("runcycles-rust/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { endpoint, transport, headers, attempt_timeout, trace: None }
    }

    /// The same with somebody who knows the trace of the place where a request is made.
    pub(crate) fn traced_by(self, trace: Option<TraceHook>) -> Self {
        Self { trace, ..self }
    }

    /// The trace of the place where this is called: the ambient one, or what the hook says.
    pub(crate) fn current_trace(&self) -> Option<Arc<TraceContext>> {
        telemetry::ambient().or_else(|| self.trace.as_ref()?().map(Arc::new))
    }

    /// The way there, without this connection's headers.
    #[cfg(feature = "evidence")]
    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    /// Asks an authority in the same process, if there is one.
    pub(crate) fn hold_directly(
        &self,
        request: &ReservationCreateRequest,
    ) -> Option<DirectAnswer<(ReservationId, DirectHold)>> {
        self.transport.direct()?.reserve(&self.headers, request)
    }

    /// Settles with an authority in the same process, if there is one.
    pub(crate) fn commit_directly(
        &self,
        id: &ReservationId,
        request: &CommitRequest,
    ) -> Option<DirectAnswer<DirectCommit>> {
        self.transport.direct()?.commit(&self.headers, id, request)
    }

    /// Makes one attempt, bounded as a whole.
    pub(crate) async fn attempt(
        &self,
        request: &Prepared,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.exchange(request.to_http(&self.headers), timeout).await
    }

    async fn exchange(
        &self,
        outgoing: http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, TransportError> {
        match tokio::time::timeout(timeout, self.transport.call(outgoing)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(TransportError::with_source(TransportErrorKind::Timeout, elapsed)),
        }
    }

    /// Makes one attempt and reads its answer.
    pub(crate) async fn send<T: Answer>(&self, request: &Prepared) -> Result<Response<T>, Error> {
        let answer = self.attempt(request, self.attempt_timeout).await?;
        answer::read(answer)
    }

    /// The same for something that this side may have: nothing where it still holds.
    pub(crate) async fn send_unless_known<T: Answer>(
        &self,
        request: &Prepared,
        etag: Option<&HeaderValue>,
    ) -> Result<Option<Response<T>>, Error> {
        let mut outgoing = request.to_http(&self.headers);
        outgoing.headers_mut().extend(etag.map(|etag| (IF_NONE_MATCH, etag.clone())));
        let answer = self.exchange(outgoing, self.attempt_timeout).await?;
        if etag.is_some() && answer.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        answer::read(answer).map(Some)
    }
}

/// The transport of clients that are given none.
#[cfg(feature = "reqwest")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is no transport, which is an error")]
pub(crate) fn default_transport(connect_timeout: Duration, base_url: &str) -> Result<Box<dyn Transport>, ConfigError> {
    Ok(Box::new(crate::transport::ReqwestTransport::new(connect_timeout, base_url.starts_with("https:"))))
}

/// The transport of clients that are given none.
#[cfg(all(feature = "hyper", not(feature = "reqwest")))]
pub(crate) fn default_transport(connect_timeout: Duration, base_url: &str) -> Result<Box<dyn Transport>, ConfigError> {
    if !cfg!(feature = "hyper-rustls") && base_url.starts_with("https:") {
        let cure = "enable the feature hyper-rustls of runcycles, or give the builder a transport that speaks TLS";
        return Err(ConfigError::new("base_url", format!("{base_url:?} takes TLS, and there is none"), cure));
    }
    Ok(Box::new(crate::transport::HyperTransport::with_connect_timeout(connect_timeout)))
}

/// The transport of clients that are given none.
#[cfg(not(any(feature = "hyper", feature = "reqwest")))]
pub(crate) fn default_transport(_: Duration, _: &str) -> Result<Box<dyn Transport>, ConfigError> {
    let cure = "give the builder one with .transport(…), or enable the feature rustls or hyper of runcycles";
    Err(ConfigError::new("transport", "there is none", cure))
}
