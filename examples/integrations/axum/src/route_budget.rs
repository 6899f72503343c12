//! The budget of a route.

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use runcycles::models::Amount;
use runcycles::tower::{AsItIs, BudgetLayer, Cost, MapToResponse, Unread, WholeBody, by_status};
use runcycles::{Error, WithCyclesConfig};

use crate::refused::Problems;

/// The layer that [`route_budget`] makes.
pub type RouteBudget<A, R> = BudgetLayer<A, MapToResponse<R>, fn(&Response) -> Cost, AsItIs, WholeBody<Unread>>;

/// Governs the requests of a route: each may cost an estimate, for an action of a kind whose name is the route's path, such as
/// `/chat/{id}`.
///
/// The client and the scope are those of [`as_caller`](crate::as_caller) around it, or of the process. Inside,
/// `runcycles::context()` is the request's: what the handler or its streaming body records there is what the request cost, and
/// the estimate where it records nothing. Responses of 400 and more cost nothing but what was recorded. A refusal is a
/// [`Refused`](crate::Refused).
///
/// ```
/// use axum::{Router, routing::post};
/// use runcycles::usd;
/// use runcycles_with_axum::route_budget;
///
/// async fn chat() -> &'static str {
///     "an answer"
/// }
///
/// let app: Router = Router::new().route("/chat", post(chat).route_layer(route_budget(usd!(0.02), "http.request")));
/// # drop(app);
/// ```
///
/// What it makes is a [`BudgetLayer`] like any other: `narrow`, `read_body` and the rest change it further.
pub fn route_budget(
    estimate: Amount,
    kind: &'static str,
) -> RouteBudget<
    impl Fn(&Request) -> WithCyclesConfig + Clone + Send + Sync + 'static,
    impl Fn(Error) -> Response + Clone + Send + Sync + 'static,
> {
    route_budget_with(Problems::default(), kind, move |_| WithCyclesConfig::new(estimate.clone()))
}

/// The same with an estimate for each request, and with refusals as a server wants them.
///
/// ```
/// use axum::extract::Request;
/// use runcycles::{Priority, WithCyclesConfig, usd};
/// use runcycles_with_axum::{Exhausted, Problems, route_budget_with};
///
/// let problems = Problems::default().exhausted(Exhausted::TooManyRequests);
/// let layer = route_budget_with(problems, "http.request", |request: &Request| {
///     let is_long = request.headers().contains_key("x-long-answer");
///     WithCyclesConfig::new(if is_long { usd!(0.10) } else { usd!(0.02) })
/// });
/// # drop(layer);
/// ```
pub fn route_budget_with(
    problems: Problems,
    kind: &'static str,
    config: impl Fn(&Request) -> WithCyclesConfig + Clone + Send + Sync + 'static,
) -> RouteBudget<
    impl Fn(&Request) -> WithCyclesConfig + Clone + Send + Sync + 'static,
    impl Fn(Error) -> Response + Clone + Send + Sync + 'static,
> {
    let ask = move |request: &Request| config(request).action(kind, route(request));
    BudgetLayer::new(ask)
        .actual(by_status as fn(&Response) -> Cost)
        .refused_as(move |error: Error| problems.response(&error))
        .until_body_ends()
}

/// The path of the route, with the names of its parameters and not their values, of which there may be any number.
fn route(request: &Request) -> String {
    request
        .extensions()
        .get()
        .map_or_else(|| request.uri().path().to_owned(), |path: &MatchedPath| path.as_str().to_owned())
}
