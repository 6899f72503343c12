//! From a request to its answer.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use runcycles::__direct::DirectAnswer;
use runcycles::models::ErrorCode;

use super::admin::{self, Admin};
use super::decode::{CommitBody, ReserveBody, parse};
use super::exchange::{Exchange, Reply};
use super::gate::{Gate, Principal};
use super::metrics::Metrics;
use super::path::Route;
use super::problem::Problem;
use super::query::Query;
use super::registry::Registry;
use super::webhooks::{WebhookRoute, Webhooks};
use super::writes::Write;
use super::{answer, json, reads, ruled};
use crate::engine::{Caller, Committed, CountRows, Engine, Reserved, SetStatus};
use crate::faults::Call;
use crate::ids::IdSource;
#[cfg(feature = "evidence")]
use crate::notary::Notary;
use crate::state::{LedgerStatus, Permission};
use crate::store::Unwritten;
use crate::testing::Effect;

/// Answers every request, whichever way it came: in process or over a socket.
#[derive(Debug)]
pub(crate) struct Router {
    engine: Arc<Engine>,
    gate: Gate,
    ids: IdSource,
    /// The extensions of protocol v0.1.26, where the authority speaks them.
    registry: Option<Registry>,
    metrics: Metrics,
    #[cfg(feature = "evidence")]
    notary: Option<Notary>,
}

impl Router {
    pub(crate) fn new(engine: Arc<Engine>, gate: Gate, registry: Option<Registry>) -> Self {
        Self {
            engine,
            gate,
            ids: IdSource::new(),
            registry,
            metrics: Metrics::default(),
            #[cfg(feature = "evidence")]
            notary: None,
        }
    }

    #[cfg(feature = "evidence")]
    pub(crate) fn with_notary(self, notary: Option<Notary>) -> Self {
        Self { notary, ..self }
    }

    /// Answers a request. Never waits, except for its turn at the state. The answer may not leave while there is something
    /// [`unwritten`](Self::unwritten).
    pub(crate) fn handle(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let start = Instant::now();
        let mut exchange = Exchange::new(request.headers(), &self.ids);
        let route = Route::of(request.uri().path());
        let call = route.as_ref().and_then(|route| route.call(request.method()));
        let response = match self.route(route, request, &mut exchange) {
            Ok(reply) => exchange.success(reply),
            Err(problem) => exchange.problem(problem),
        };
        #[cfg(feature = "evidence")]
        let response = match &self.notary {
            Some(notary) => super::attestation::attest(notary, request, response, self.engine.clock_ms()),
            None => response,
        };
        self.metrics.count(call, request.uri().path(), response.status(), start.elapsed());
        response
    }

    /// Answers a request as a test ruled.
    pub(crate) fn rule(&self, request: &Request<Bytes>, effect: Effect) -> Response<Bytes> {
        match effect {
            Effect::Deny => ruled::deny(request, &self.ids).unwrap_or_else(|| self.handle(request)),
            Effect::Caps(caps) => ruled::limit(self.handle(request), &caps),
            Effect::Freeze(scope) => {
                // A budget that is frozen already is what the ruling asks for.
                let _ = self.engine.execute(SetStatus { scope: &scope, status: LedgerStatus::Frozen });
                self.handle(request)
            }
        }
    }

    pub(crate) fn expose(&self) {
        self.engine.desk().expose();
    }

    /// Whether an answer is the engine's outcome and nothing more: it waits for nothing, and nobody attests it or is told.
    pub(crate) fn answers_plainly(&self) -> bool {
        #[cfg(feature = "evidence")]
        if self.notary.is_some() {
            return false;
        }
        self.registry.is_none() && !self.engine.keeps_state() && !self.engine.desk().is_listened_to()
    }

    /// What answers must wait for before they may leave.
    pub(crate) fn unwritten(&self) -> Option<Unwritten> {
        self.engine.unwritten()
    }

    /// Holds an answer back until everything it says is kept. Where it may not be, the answer is that.
    pub(crate) async fn hold_back(
        &self,
        answer: Response<Bytes>,
        headers: &HeaderMap,
        unwritten: Unwritten,
    ) -> Response<Bytes> {
        match unwritten.written().await {
            Ok(()) => answer,
            Err(_) => Exchange::new(headers, &self.ids).problem(Problem::not_kept()),
        }
    }

    /// A refusal of a request that is not routed.
    pub(crate) fn refuse(
        &self,
        headers: &HeaderMap,
        status: StatusCode,
        code: ErrorCode,
        message: String,
    ) -> Response<Bytes> {
        Exchange::new(headers, &self.ids).problem(Problem::new(status, code, message))
    }

    fn route(
        &self,
        route: Option<Route<'_>>,
        request: &Request<Bytes>,
        exchange: &mut Exchange,
    ) -> Result<Reply, Problem> {
        let path = request.uri().path();
        if let Some(reply) = self.answer_anybody(request.method(), path) {
            return reply;
        }
        if let Some(registry) = &self.registry {
            let reply = registry.answer(request.method(), path, request.uri().query(), request.headers());
            if let Some(reply) = reply {
                return reply;
            }
        }
        // Only where somebody is told of it.
        let _origin = self.engine.desk().is_listened_to().then(|| {
            let is_operator = self.gate.is_operator(request.headers()).unwrap_or(false);
            exchange.origin(is_operator).enter()
        });
        if let Some(route) = WebhookRoute::of(request.method(), path) {
            let Self { engine, gate, ids, .. } = self;
            return Webhooks { engine, gate, ids, request }.answer(&route, exchange);
        }
        if admin::is_admin_path(path) {
            let speaks_extensions = self.registry.is_some();
            let (engine, gate, ids) = (&self.engine, &self.gate, &self.ids);
            return Admin { engine, gate, ids, speaks_extensions, request }.answer(exchange);
        }
        let open_to_operators = route.as_ref().is_some_and(|route| route.is_open_to_operators(request.method()));
        if open_to_operators && self.gate.is_operator(request.headers())? {
            return self.dispatch(route, &Principal::Operator, request);
        }
        let caller = self.gate.tenant(request.headers())?;
        exchange.authenticated(&caller.tenant_name);
        self.dispatch(route, &Principal::Tenant(caller), request)
    }

    /// The answer on a path that needs no key; nothing on other paths.
    fn answer_anybody(&self, method: &Method, path: &str) -> Option<Result<Reply, Problem>> {
        let answer = || match path {
            "/actuator/health" | "/actuator/health/liveness" | "/actuator/health/readiness" => {
                Some(Reply::ok(json::object(|answer| answer.plain("status", "UP"))))
            }
            "/metrics" | "/actuator/prometheus" => {
                Some(Reply::metrics(self.metrics.write(self.engine.execute(CountRows))))
            }
            _ => None,
        };
        #[cfg(feature = "evidence")]
        if let Some(notary) = &self.notary
            && let Some(reply) = super::attestation::answer(notary, path)
        {
            return Some(if method == Method::GET { reply } else { Err(Problem::method_not_allowed("GET")) });
        }
        let reply = answer()?;
        Some(if method == Method::GET { Ok(reply) } else { Err(Problem::method_not_allowed("GET")) })
    }

    fn dispatch(
        &self,
        route: Option<Route<'_>>,
        principal: &Principal,
        request: &Request<Bytes>,
    ) -> Result<Reply, Problem> {
        let route = route.ok_or_else(Problem::no_route)?;
        if !route.allows(request.method()) {
            return Err(Problem::method_not_allowed(route.allow()));
        }
        if let Principal::Tenant(caller) = principal {
            self.gate.check_runtime(caller, route.permission(request.method()))?;
        }
        if request.method() == Method::POST {
            check_media_type(request.headers())?;
            return self.write(&route, principal, request);
        }
        let query = Query::parse(request.uri().query());
        match (route, principal) {
            (Route::Balances, Principal::Tenant(caller)) => reads::list_balances(&self.engine, caller, &query),
            (Route::Reservation(id), _) => {
                check_id(&id).and_then(|()| reads::get_reservation(&self.engine, principal, &id))
            }
            _ => reads::list_reservations(&self.engine, principal, &query),
        }
    }

    fn write(&self, route: &Route<'_>, principal: &Principal, request: &Request<Bytes>) -> Result<Reply, Problem> {
        let (write, body) = (self.writing(request.headers()), request.body());
        match (route, principal) {
            (Route::Release(id), _) => check_id(id).and_then(|()| write.release(principal, id, body)),
            (_, Principal::Operator) => Err(Problem::no_route()),
            (Route::Decide, Principal::Tenant(caller)) => write.decide(caller, body),
            (Route::Events, Principal::Tenant(caller)) => write.record_event(caller, body),
            (Route::Commit(id), Principal::Tenant(caller)) => {
                let committed = check_id(id).and_then(|()| write.commit(caller, id, parse(body)?));
                Ok(Reply::ok(answer::committed(&committed?)))
            }
            (Route::Extend(id), Principal::Tenant(caller)) => {
                check_id(id).and_then(|()| write.extend(caller, id, body))
            }
            (_, Principal::Tenant(caller)) => write.answer_reservation(caller, parse(body)?),
        }
    }

    fn writing<'a>(&'a self, headers: &'a HeaderMap) -> Write<'a> {
        Write { engine: &self.engine, gate: &self.gate, ids: &self.ids, registry: self.registry.as_ref(), headers }
    }

    /// Reserves for a client in the same process.
    pub(super) fn reserve_directly(&self, headers: &HeaderMap, body: ReserveBody<'_>) -> DirectAnswer<Reserved> {
        self.answer_directly(headers, Call::Reserve, Permission::ReservationsCreate, |caller| {
            self.writing(headers).reserve(caller, body)
        })
    }

    /// Commits for a client in the same process.
    pub(super) fn commit_directly(
        &self,
        headers: &HeaderMap,
        id: &str,
        body: CommitBody<'_>,
    ) -> DirectAnswer<Committed> {
        self.answer_directly(headers, Call::Commit, Permission::ReservationsCommit, |caller| {
            self.writing(headers).commit(caller, id, body)
        })
    }

    /// Does what a client in the same process asks for, as if it had been written down and read again.
    fn answer_directly<T>(
        &self,
        headers: &HeaderMap,
        call: Call,
        permission: Permission,
        answer: impl FnOnce(&Caller) -> Result<T, Problem>,
    ) -> DirectAnswer<T> {
        let start = Instant::now();
        let begin = || Exchange::new(headers, &self.ids);
        let outcome = match self.gate.tenant(headers) {
            Err(problem) => Err(Box::new(begin().problem(problem))),
            Ok(caller) => {
                let answered = self.gate.check_runtime(&caller, permission).and_then(|()| answer(&caller));
                answered.map_err(|problem| {
                    let mut exchange = begin();
                    exchange.authenticated(&caller.tenant_name);
                    Box::new(exchange.problem(problem))
                })
            }
        };
        let status = outcome.as_ref().map_or_else(|response| response.status(), |_| StatusCode::OK);
        self.metrics.count(Some(call), "", status, start.elapsed());
        outcome
    }
}

/// Bodies are JSON; parameters such as a charset are ignored.
pub(super) fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default();
    if essence.trim_ascii().eq_ignore_ascii_case(b"application/json") { Ok(()) } else { Err(Problem::media_type()) }
}

fn check_id(id: &str) -> Result<(), Problem> {
    match id.chars().count() {
        1..=128 => Ok(()),
        chars => Err(Problem::invalid(format!(
            "Validation failed: reservation_id: must have 1 to 128 characters, found {chars}"
        ))),
    }
}
