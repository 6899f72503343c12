//! One request, ready to be sent.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde::Serialize;

use super::answer::Answer;
use super::connection::Connection;
use super::metadata::Response;
use crate::error::Error;
use crate::telemetry::TraceContext;
use crate::transport::BoxFuture;

/// A request in the form in which it is sent, and sent again: one method, one address, one byte sequence.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    method: Method,
    uri: Uri,
    body: Bytes,
    /// The trace that it belongs to, if there is one.
    trace: Option<Arc<TraceContext>>,
}

impl Prepared {
    pub(crate) fn get(uri: Uri) -> Self {
        Self { method: Method::GET, uri, body: Bytes::new(), trace: None }
    }

    pub(crate) fn post(uri: Uri, body: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::post_bytes(uri, encode(body)?))
    }

    pub(crate) fn post_bytes(uri: Uri, body: Bytes) -> Self {
        Self { method: Method::POST, uri, body, trace: None }
    }

    /// A request of any method; without a body where there is nothing to say.
    #[cfg(feature = "admin")]
    pub(crate) fn of(method: Method, uri: Uri, body: Bytes) -> Self {
        Self { method, uri, body, trace: None }
    }

    /// The request as a part of a trace.
    pub(crate) fn traced(self, trace: Option<Arc<TraceContext>>) -> Self {
        Self { trace, ..self }
    }

    /// The request with the headers that all requests have.
    pub(super) fn to_http(&self, headers: &HeaderMap) -> http::Request<Bytes> {
        let mut request = http::Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers.clone();
        if self.body.is_empty() {
            request.headers_mut().remove(http::header::CONTENT_TYPE);
        }
        if let Some(trace) = &self.trace {
            trace.write(request.headers_mut());
        }
        request
    }

    /// The same request with another body.
    pub(crate) fn with_body(&self, change: impl FnOnce(&Bytes) -> Bytes) -> Self {
        Self { body: change(&self.body), ..self.clone() }
    }
}

/// Bytes that most bodies have room in.
const USUAL_BODY: usize = 512;

/// Serialises a body. Requests of this crate always serialise; the error is for maps in user metadata that cannot.
pub(crate) fn encode(body: &impl Serialize) -> Result<Bytes, Error> {
    let mut text = Vec::with_capacity(USUAL_BODY);
    serde_json::to_writer(&mut text, body).map_err(|error| Error::Ambiguous {
        operation: "encode",
        problem: error.to_string(),
        reservation_id: None,
    })?;
    Ok(text.into())
}

/// A request that is sent when it is awaited, once.
///
/// Awaiting it gives the answer; [`with_metadata`](Self::with_metadata) gives the answer with request id, trace id, tenant and
/// rate limit. Functions that take a future rather than something to await want `async { client.decide(&request).await }`.
///
/// # Cancel safety
///
/// Dropping it before it is awaited sends nothing. Dropping it afterwards abandons the attempt; whether the authority acted is
/// then unknown, and the same request with the same key is safe to repeat.
#[must_use = "an operation is sent when it is awaited"]
pub struct Operation<T> {
    connection: Arc<Connection>,
    request: Result<Prepared, Error>,
    answer: PhantomData<fn() -> T>,
}

impl<T: Answer> Operation<T> {
    pub(crate) fn new(connection: &Arc<Connection>, request: Result<Prepared, Error>) -> Self {
        Self { connection: Arc::clone(connection), request, answer: PhantomData }
    }

    /// The answer together with what its headers say.
    ///
    /// # Errors
    ///
    /// As awaiting the operation itself: any [`Error`].
    pub async fn with_metadata(self) -> Result<Response<T>, Error> {
        let request = self.request?;
        let trace = self.connection.current_trace();
        self.connection.send(&request.traced(trace)).await
    }
}

impl<T: Answer> IntoFuture for Operation<T> {
    type Output = Result<T, Error>;
    type IntoFuture = BoxFuture<'static, Result<T, Error>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.with_metadata().await?.value) })
    }
}

impl<T> std::fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operation").field("request", &self.request).finish_non_exhaustive()
    }
}
