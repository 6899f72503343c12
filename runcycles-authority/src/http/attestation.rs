//! Evidence on the way out: references on answers, and the envelopes and keys that they lead to.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use runcycles::models::ErrorCode;

use super::exchange::Reply;
use super::names::{TENANT, TRACE_ID};
use super::path::Route;
use super::problem::Problem;
use crate::clock::Millis;
use crate::notary::{Attested, Notary, Outgoing};

const EVIDENCE: &str = "/v1/evidence/";
const KEY_SET: &str = "/v1/.well-known/cycles-jwks.json";

/// An answer with a reference to its evidence, where it is one that evidence attests.
///
/// Strangers, who have no key, are attested nothing: they could fill the memory for the asking.
pub(super) fn attest(
    notary: &Notary,
    request: &Request<Bytes>,
    answer: Response<Bytes>,
    at: Millis,
) -> Response<Bytes> {
    if request.method() != Method::POST || !answer.headers().contains_key(TENANT) {
        return answer;
    }
    let route = Route::of(request.uri().path());
    let operation = match &route {
        Some(Route::Decide) => Attested::Decide,
        Some(Route::Reservations) => Attested::Reserve,
        Some(Route::Commit(id)) => Attested::Commit(id),
        Some(Route::Release(id)) => Attested::Release(id),
        _ => return answer,
    };
    let outgoing = Outgoing {
        request: request.body(),
        status: answer.status().as_u16(),
        answer: answer.body(),
        trace_id: answer.headers().get(TRACE_ID).and_then(|trace| trace.to_str().ok()),
        at,
    };
    match notary.attest(operation, &outgoing) {
        Some(attested) => answer.map(|_| attested),
        None => answer,
    }
}

/// The answer on a path of evidence, which needs no key; nothing on other paths.
pub(super) fn answer(notary: &Notary, path: &str) -> Option<Result<Reply, Problem>> {
    if path == KEY_SET {
        return Some(Ok(Reply::ok(notary.key_set())));
    }
    let id = path.strip_prefix(EVIDENCE)?;
    let missing = || Problem::new(StatusCode::NOT_FOUND, ErrorCode::NotFound, "No such evidence, or none any more");
    Some(notary.envelope(id).map(Reply::ok).ok_or_else(missing))
}
