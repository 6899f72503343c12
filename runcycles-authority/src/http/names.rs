//! Headers of the protocol. Names that are made once need not be parsed for every request.

use http::HeaderName;

pub(super) const ADMIN_KEY: HeaderName = HeaderName::from_static("x-admin-api-key");
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-cycles-api-key");
pub(super) const DEPRECATED_KIND: HeaderName = HeaderName::from_static("x-cycles-deprecated-kind");
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("x-idempotency-key");
pub(super) const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
pub(super) const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const TENANT: HeaderName = HeaderName::from_static("x-cycles-tenant");
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-cycles-trace-id");
pub(super) const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
