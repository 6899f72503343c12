//! One request, ready to be sent.

use std::future::IntoFuture;
use std::marker::PhantomData;

use bytes::Bytes;
use http::{Method, Uri};
use serde::Serialize;

use super::answer::{self, Answer};
use super::metadata::Response;
use super::{CyclesClient, Shared};
use crate::error::{Error, TransportError, TransportErrorKind};
use crate::transport::BoxFuture;

/// A request in the form in which it is sent, and sent again: one method, one address, one byte sequence.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    method: Method,
    uri: Uri,
    body: Bytes,
}

impl Prepared {
    pub(crate) fn get(uri: Uri) -> Self {
        Self { method: Method::GET, uri, body: Bytes::new() }
    }

    pub(crate) fn post(uri: Uri, body: &impl Serialize) -> Result<Self, Error> {
        Ok(Self::post_bytes(uri, encode(body)?))
    }

    pub(crate) fn post_bytes(uri: Uri, body: Bytes) -> Self {
        Self { method: Method::POST, uri, body }
    }

    /// The same request with another body.
    pub(crate) fn with_body(&self, change: impl FnOnce(&Bytes) -> Bytes) -> Self {
        Self { body: change(&self.body), ..self.clone() }
    }
}

/// Serialises a body. Requests of this crate always serialise; the error is for maps in user metadata that cannot.
pub(crate) fn encode(body: &impl Serialize) -> Result<Bytes, Error> {
    let body = serde_json::to_vec(body).map_err(|error| Error::Ambiguous {
        operation: "encode",
        problem: error.to_string(),
        reservation_id: None,
    })?;
    Ok(body.into())
}

impl Shared {
    /// Makes one attempt, bounded as a whole.
    pub(crate) async fn attempt(
        &self,
        request: &Prepared,
        timeout: std::time::Duration,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let mut outgoing = http::Request::new(request.body.clone());
        *outgoing.method_mut() = request.method.clone();
        *outgoing.uri_mut() = request.uri.clone();
        *outgoing.headers_mut() = self.headers.clone();
        if request.method == Method::GET {
            outgoing.headers_mut().remove(http::header::CONTENT_TYPE);
        }
        match tokio::time::timeout(timeout, self.transport.call(outgoing)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(TransportError::with_source(TransportErrorKind::Timeout, elapsed)),
        }
    }

    /// Makes one attempt and reads its answer.
    pub(crate) async fn send<T: Answer>(&self, request: &Prepared) -> Result<Response<T>, Error> {
        let answer = self.attempt(request, self.config.attempt_timeout()).await?;
        answer::read(answer)
    }
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
    client: CyclesClient,
    request: Result<Prepared, Error>,
    answer: PhantomData<fn() -> T>,
}

impl<T: Answer> Operation<T> {
    pub(crate) fn new(client: &CyclesClient, request: Result<Prepared, Error>) -> Self {
        Self { client: client.clone(), request, answer: PhantomData }
    }

    /// The answer together with what its headers say.
    ///
    /// # Errors
    ///
    /// As awaiting the operation itself: any [`Error`].
    pub async fn with_metadata(self) -> Result<Response<T>, Error> {
        let request = self.request?;
        self.client.shared.send(&request).await
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
