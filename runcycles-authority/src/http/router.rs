//! From a request to its answer.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};

use super::exchange::{Exchange, Reply};
use super::path::Route;
use super::problem::Problem;
use super::query::Query;
use super::{reads, writes};
use crate::engine::{Authenticate, Caller, Engine, Unauthorized};
use crate::ids::IdSource;

/// Answers every request, whichever way it came: in process or over a socket.
#[derive(Debug)]
pub(crate) struct Router {
    engine: Arc<Engine>,
    ids: IdSource,
}

impl Router {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, ids: IdSource::new() }
    }

    /// Answers a request. Never waits, except for its turn at the state.
    pub(crate) fn handle(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut exchange = Exchange::new(request.headers(), &self.ids);
        match self.route(request, &mut exchange) {
            Ok(reply) => exchange.success(reply),
            Err(problem) => exchange.problem(problem),
        }
    }

    /// The answer to a request whose body was refused before it was read to its end.
    pub(crate) fn refuse_body(&self, headers: &HeaderMap, status: StatusCode, message: String) -> Response<Bytes> {
        let code = runcycles::models::ErrorCode::InvalidRequest;
        Exchange::new(headers, &self.ids).problem(Problem::new(status, code, message))
    }

    fn route(&self, request: &Request<Bytes>, exchange: &mut Exchange) -> Result<Reply, Problem> {
        let caller = self.authenticate(request.headers())?;
        exchange.authenticated(&caller.tenant_name);
        let route = Route::of(request.uri().path()).ok_or_else(Problem::no_route)?;
        if !route.allows(request.method()) {
            return Err(Problem::method_not_allowed(route.allow()));
        }
        if request.method() == Method::POST {
            check_media_type(request.headers())?;
            return self.write(&route, &caller, request);
        }
        let query = Query::parse(request.uri().query());
        match route {
            Route::Balances => reads::list_balances(&self.engine, &caller, &query),
            Route::Reservation(id) => check_id(&id).and_then(|()| reads::get_reservation(&self.engine, &caller, &id)),
            _ => reads::list_reservations(&self.engine, &caller, &query),
        }
    }

    fn write(&self, route: &Route<'_>, caller: &Caller, request: &Request<Bytes>) -> Result<Reply, Problem> {
        let write = writes::Write { engine: &self.engine, ids: &self.ids, caller, request };
        match route {
            Route::Decide => write.decide(),
            Route::Events => write.record_event(),
            Route::Commit(id) => check_id(id).and_then(|()| write.commit(id)),
            Route::Release(id) => check_id(id).and_then(|()| write.release(id)),
            Route::Extend(id) => check_id(id).and_then(|()| write.extend(id)),
            _ => write.reserve(),
        }
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let key = headers.get("x-cycles-api-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
        let caller = self.engine.execute(Authenticate { key });
        caller.map_err(|reason: Unauthorized| Problem::unauthorized(reason.message()))
    }
}

/// Bodies are JSON; parameters such as a charset are ignored.
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Problem::media_type()) }
}

fn check_id(id: &str) -> Result<(), Problem> {
    match id.chars().count() {
        1..=128 => Ok(()),
        chars => Err(Problem::invalid(format!(
            "Validation failed: reservation_id: must have 1 to 128 characters, found {chars}"
        ))),
    }
}
