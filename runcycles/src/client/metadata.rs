//! What an answer says beside its body.

use http::HeaderMap;

/// What an answer says beside its body (protocol: response headers).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseMetadata {
    headers: HeaderMap,
}

impl ResponseMetadata {
    pub(crate) fn new(headers: HeaderMap) -> Self {
        Self { headers }
    }

    /// The request's id in the authority's logs.
    pub fn request_id(&self) -> Option<&str> {
        self.header("x-request-id")
    }

    /// The trace the request belongs to: 32 lower-case hexadecimal digits.
    pub fn trace_id(&self) -> Option<&str> {
        self.header("x-cycles-trace-id")
    }

    /// The tenant the API key belongs to.
    pub fn tenant(&self) -> Option<&str> {
        self.header("x-cycles-tenant")
    }

    /// How many requests are left in the current window; `None` where there is no limit.
    pub fn rate_limit_remaining(&self) -> Option<u64> {
        self.header("x-ratelimit-remaining")?.parse().ok()
    }

    /// When the window ends, in seconds since 1970; `None` where there is no limit.
    pub fn rate_limit_reset(&self) -> Option<u64> {
        self.header("x-ratelimit-reset")?.parse().ok().filter(|reset| *reset > 0)
    }

    /// What the server says of an action's kind that is on its way out (protocol v0.1.26: `X-Cycles-Deprecated-Kind`). Operators are
    /// warned once for each kind.
    pub fn deprecated_kind(&self) -> Option<&str> {
        self.header("x-cycles-deprecated-kind")
    }

    /// What the server says of a permission that will not do much longer (protocol v0.1.26: `X-Cycles-Permission-Deprecated`).
    pub fn deprecated_permission(&self) -> Option<&str> {
        self.header("x-cycles-permission-deprecated")
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Any header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer with what it says beside its body.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Response<T> {
    /// The body.
    pub value: T,
    /// Request id, trace id, tenant, rate limit.
    pub metadata: ResponseMetadata,
}
