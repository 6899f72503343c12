//! Requests as a transport sees them.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;
use tokio::time::Instant;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    Decide,
    Reserve,
    List,
    Get,
    Commit,
    Release,
    Extend,
    Balances,
    Event,
    ActionKinds,
    ActionKind,
    Evidence,
    KeySet,
}

impl Route {
    /// The operation at a method and path, with any prefix before `/v1`.
    fn of(method: &Method, path: &str) -> Option<Self> {
        let path = &path[path.find("/v1/")? + 3..];
        let segments: Vec<_> = path.split('/').skip(1).collect();
        Some(match (method.as_str(), &*segments) {
            ("POST", ["decide"]) => Self::Decide,
            ("POST", ["reservations"]) => Self::Reserve,
            ("GET", ["reservations"]) => Self::List,
            ("GET", ["reservations", _]) => Self::Get,
            ("POST", ["reservations", _, "commit"]) => Self::Commit,
            ("POST", ["reservations", _, "release"]) => Self::Release,
            ("POST", ["reservations", _, "extend"]) => Self::Extend,
            ("GET", ["balances"]) => Self::Balances,
            ("POST", ["events"]) => Self::Event,
            ("GET", ["action-kinds"]) => Self::ActionKinds,
            ("GET", ["action-kinds", _]) => Self::ActionKind,
            ("GET", ["evidence", _]) => Self::Evidence,
            ("GET", [".well-known", "cycles-jwks.json"]) => Self::KeySet,
            _ => return None,
        })
    }
}

/// A request, and when it was sent.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) route: Route,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Sent {
    pub(crate) fn new(request: &http::Request<Bytes>) -> Self {
        let (method, path) = (request.method(), request.uri().path());
        Self {
            at: Instant::now(),
            route: Route::of(method, path).unwrap_or_else(|| panic!("{method} {path} is no operation of the protocol")),
            method: method.clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body: request.body().clone(),
        }
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{self:?} is not JSON: {error}"))
    }

    /// The idempotency key in the body.
    pub(crate) fn key(&self) -> String {
        self.json()["idempotency_key"].as_str().unwrap_or_else(|| panic!("{self:?} has no key")).to_owned()
    }

    /// The reservation in the path, as it is encoded there.
    pub(crate) fn reservation(&self) -> &str {
        self.uri.path().split('/').nth(3).unwrap_or_default()
    }

    /// Path and query.
    pub(crate) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("", |target| target.as_str())
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method, self.target(), String::from_utf8_lossy(&self.body))
    }
}
