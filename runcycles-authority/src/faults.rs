//! Faults on purpose, and a record of requests: for tests of what depends on an authority.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::http::Route;

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The authority acts on the request, and its answer is lost with the connection.
    LoseResponse,
    /// The connection is lost before the authority sees the request.
    DropConnection,
    /// The authority acts on the request, and its answer is late.
    Delay(Duration),
    /// The authority answers with this status, such as 503, and does nothing.
    Status(StatusCode),
    /// The authority answers 429, says when to come back, and does nothing.
    RateLimited {
        /// When to come back; whole seconds go into `Retry-After`.
        retry_after: Duration,
    },
    /// The authority acts on the request, and half of the answer's body is missing.
    MalformedSuccess,
    /// The authority answers 409 `BUDGET_EXCEEDED`, whatever the budgets have.
    Deny,
}

/// An operation of the runtime plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// `POST /v1/reservations`
    Reserve,
    /// `POST /v1/reservations/{id}/commit`
    Commit,
    /// `POST /v1/reservations/{id}/release`
    Release,
    /// `POST /v1/reservations/{id}/extend`
    Extend,
    /// `POST /v1/decide`
    Decide,
    /// `POST /v1/events`
    Event,
    /// `GET /v1/reservations/{id}`
    GetReservation,
    /// `GET /v1/reservations`
    ListReservations,
    /// `GET /v1/balances`
    Balances,
}

impl Call {
    /// The operation in a word, such as `reserve`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Commit => "commit",
            Self::Release => "release",
            Self::Extend => "extend",
            Self::Decide => "decide",
            Self::Event => "event",
            Self::GetReservation => "get",
            Self::ListReservations => "list",
            Self::Balances => "balances",
        }
    }

    /// The operation of a request, if it is one of these.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        Route::of(path)?.call(method)
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request as it arrived, and how it was answered. Headers are left out, since one of them is the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The method.
    pub method: Method,
    /// The path and query.
    pub target: String,
    /// The operation, if it is one of the runtime plane.
    pub call: Option<Call>,
    /// The body.
    pub body: Bytes,
    /// The status of the answer; none where the client got no answer.
    pub status: Option<StatusCode>,
    /// The body of the answer; empty where the client got none.
    pub answer: Bytes,
}

impl RecordedRequest {
    pub(crate) fn new(request: &Request<Bytes>, answer: Option<&Response<Bytes>>) -> Self {
        let uri = request.uri();
        Self {
            method: request.method().clone(),
            target: uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string),
            call: Call::of(request.method(), uri.path()),
            body: request.body().clone(),
            status: answer.map(Response::status),
            answer: answer.map(|answer| answer.body().clone()).unwrap_or_default(),
        }
    }
}

/// Faults that wait for their requests, in order.
#[derive(Debug, Default)]
pub(crate) struct Script {
    waiting: Mutex<VecDeque<(Option<Call>, Fault)>>,
    /// How many wait, so that a request without faults takes no lock.
    count: AtomicUsize,
}

impl Script {
    /// Adds a fault for the next request of a kind, or of any kind.
    pub(crate) fn add(&self, call: Option<Call>, fault: Fault) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back((call, fault));
        self.count.store(waiting.len(), Ordering::Release);
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Takes the first fault that is for this request.
    pub(crate) fn take(&self, request: &Request<Bytes>) -> Option<Fault> {
        if self.len() == 0 {
            return None;
        }
        let call = Call::of(request.method(), request.uri().path());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let at = waiting.iter().position(|(wanted, _)| wanted.is_none() || *wanted == call)?;
        let (_, fault) = waiting.remove(at)?;
        self.count.store(waiting.len(), Ordering::Release);
        Some(fault)
    }
}
