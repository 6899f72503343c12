//! What every answer carries.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use runcycles::models::ErrorResponse;
use serde::Serialize;
use uuid::Uuid;

use super::names::{RATE_REMAINING, RATE_RESET, REQUEST_ID, TENANT, TRACE_ID};
use super::piece::cut;
use super::problem::Problem;
use super::trace::TraceId;
use crate::ids::IdSource;
use crate::webhooks::Origin;

/// A request on its way to an answer: its ids, and whose it is once that is known.
#[derive(Debug)]
pub(super) struct Exchange {
    request_id: Uuid,
    trace_id: TraceId,
    tenant: Option<HeaderValue>,
}

impl Exchange {
    pub(super) fn new(headers: &HeaderMap, ids: &IdSource) -> Self {
        let request_id = ids.next();
        // A request that belongs to no trace yet begins its own.
        Self { request_id, trace_id: TraceId::of(headers, || request_id.as_u128()), tenant: None }
    }

    /// Every later answer, errors included, names the tenant.
    pub(super) fn authenticated(&mut self, tenant: &str) {
        self.tenant = header_value(tenant);
    }

    /// What is told of what this request causes.
    pub(super) fn origin(&self, is_operator: bool) -> Origin {
        Origin { request_id: self.request_id, trace_id: self.trace_id.digits(), is_operator }
    }

    /// A success.
    pub(super) fn success(self, reply: Reply) -> Response<Bytes> {
        let mut response = self.respond(reply.status, reply.media_type, reply.body);
        if let Some((name, value)) = reply.header {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// A refusal.
    pub(super) fn problem(self, problem: Problem) -> Response<Bytes> {
        let mut buffer = Uuid::encode_buffer();
        let request_id = self.request_id.hyphenated().encode_lower(&mut buffer).to_owned();
        let mut body = ErrorResponse::new(problem.code, problem.message.into_owned(), request_id);
        body.trace_id = Some(self.trace_id.as_str().to_owned());
        body.details = problem.details;
        let mut response = self.respond(problem.status, JSON, to_json(&body).unwrap_or_default());
        if let Some(allow) = problem.allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        response
    }

    fn respond(self, status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Bytes> {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        *headers = HEADERS.clone();
        if media_type != JSON {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        let mut buffer = Uuid::encode_buffer();
        let request_id = header_value(self.request_id.hyphenated().encode_lower(&mut buffer));
        let trace_id = header_value(self.trace_id.as_str());
        for (name, value) in [(REQUEST_ID, request_id), (TRACE_ID, trace_id), (TENANT, self.tenant)] {
            match (headers.get_mut(&name), value) {
                (Some(place), Some(value)) => *place = value,
                _ => drop(headers.remove(name)),
            }
        }
        response
    }
}

const NOTHING: HeaderValue = HeaderValue::from_static("");

/// The headers that answers have, without the values that are of one answer: copying them is less work than adding each.
static HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(JSON)),
        (RATE_REMAINING, HeaderValue::from_static("-1")),
        (RATE_RESET, HeaderValue::from_static("0")),
        (REQUEST_ID, NOTHING),
        (TRACE_ID, NOTHING),
        (TENANT, NOTHING),
    ])
});

/// A success before it has its headers.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    media_type: &'static str,
    body: Bytes,
    /// A header that few answers have.
    header: Option<(HeaderName, HeaderValue)>,
}

/// A text as a header has it; none where it has characters that no header may have, which hexadecimal digits never are.
fn header_value(text: &str) -> Option<HeaderValue> {
    text.is_ascii().then(|| HeaderValue::from_maybe_shared(cut(text.as_bytes())).ok())?
}

const JSON: &str = "application/json";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Reply {
    pub(super) fn ok(body: Bytes) -> Self {
        Self { status: StatusCode::OK, media_type: JSON, body, header: None }
    }

    pub(super) fn created(body: Bytes) -> Self {
        Self { status: StatusCode::CREATED, media_type: JSON, body, header: None }
    }

    /// What the client has still holds.
    pub(super) fn not_modified() -> Self {
        Self { status: StatusCode::NOT_MODIFIED, media_type: JSON, body: Bytes::new(), header: None }
    }

    /// The same with one more header.
    pub(super) fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    /// What was asked for is on its way.
    pub(super) fn accepted(body: Bytes) -> Self {
        Self { status: StatusCode::ACCEPTED, media_type: JSON, body, header: None }
    }

    /// Nothing to say.
    pub(super) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, media_type: JSON, body: Bytes::new(), header: None }
    }

    /// Counters, as Prometheus reads them.
    pub(super) fn metrics(body: Bytes) -> Self {
        Self { status: StatusCode::OK, media_type: METRICS, body, header: None }
    }

    /// A body that writes itself.
    pub(super) fn json(body: &impl Serialize) -> Result<Self, Problem> {
        to_json(body).map(Self::ok)
    }
}

fn to_json(body: &impl Serialize) -> Result<Bytes, Problem> {
    match serde_json::to_vec(body) {
        Ok(json) => Ok(json.into()),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            Err(Problem::internal())
        }
    }
}
