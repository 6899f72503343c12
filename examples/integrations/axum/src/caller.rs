//! Who makes a request.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use runcycles::CyclesClient;
use runcycles::models::Subject;

use crate::body::CallersBody;
use crate::refused::problem;

/// Who makes a request: the client of their tenant, and the scope that their calls belong to.
#[derive(Clone, Debug)]
pub struct Caller {
    client: CyclesClient,
    scope: Subject,
}

impl Caller {
    /// A caller of a tenant, such as `Scope::tenant(tenant).agent(user)`.
    ///
    /// Take the tenant from what authenticates the request, never from a header that a caller can write.
    pub fn new(client: CyclesClient, scope: impl Into<Subject>) -> Self {
        Self { client, scope: scope.into() }
    }
}

/// How callers are identified.
#[derive(Clone)]
pub struct Callers(Arc<Identify>);

type Identify = dyn Fn(&Parts) -> Option<Caller> + Send + Sync;

impl Callers {
    /// Callers that a function identifies by the head of their request; `None` is nobody, who gets a 401.
    pub fn new(identify: impl Fn(&Parts) -> Option<Caller> + Send + Sync + 'static) -> Self {
        Self(Arc::new(identify))
    }
}

impl fmt::Debug for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callers")
    }
}

/// Runs what is inside as its caller, until the answer has been read: route budgets and functions with `#[cycles]` use the caller's
/// client and scope.
///
/// ```
/// use axum::{Router, middleware};
/// use runcycles_with_axum::{Callers, as_caller};
///
/// # fn example(callers: Callers) -> Router {
/// Router::new().layer(middleware::from_fn_with_state(callers, as_caller))
/// # }
/// ```
pub async fn as_caller(State(callers): State<Callers>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let Some(caller) = (callers.0)(&head) else {
        return problem(StatusCode::UNAUTHORIZED, "unknown-caller", "Nobody is known by these credentials", None);
    };
    head.extensions.insert(caller.clone());
    let client = caller.client.scoped(caller.scope);
    let response = client.run(next.run(Request::from_parts(head, body))).await;
    response.map(|body| Body::new(CallersBody::new(body, client)))
}

/// The tenant of the request's caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant(pub String);

/// The scope of the request's caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeOf(pub Subject);

impl<S: Sync> FromRequestParts<S> for Tenant {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, _state: &S) -> Result<Self, Response> {
        caller(head)
            .ok_or_else(|| unwired(NO_CALLER))?
            .scope
            .tenant
            .clone()
            .map(Self)
            .ok_or_else(|| unwired("the caller's scope names no tenant"))
    }
}

impl<S: Sync> FromRequestParts<S> for ScopeOf {
    type Rejection = Response;

    async fn from_request_parts(head: &mut Parts, _state: &S) -> Result<Self, Response> {
        caller(head).map(|caller| Self(caller.scope.clone())).ok_or_else(|| unwired(NO_CALLER))
    }
}

fn caller(head: &Parts) -> Option<&Caller> {
    head.extensions.get()
}

/// What says that a route has no caller.
const NO_CALLER: &str = "no caller is known here; put as_caller around the route";

/// A mistake in the server itself.
fn unwired(problem_is: &str) -> Response {
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "misconfigured",
        "The server is misconfigured",
        Some(problem_is.to_owned()),
    )
    .into_response()
}
