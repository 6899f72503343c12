//! A client of a model provider.

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use runcycles::models::Amount;
use runcycles::tower::{BudgetBody, BudgetLayer, TripwireLayer, by_status};
use runcycles::{Tripwire, WithCyclesConfig};
use serde_json::Value;
use tower::util::BoxCloneService;
use tower::{BoxError, ServiceBuilder};
use tower_http::set_header::SetRequestHeaderLayer;

use crate::attempts::Attempts;
use crate::usage::usage_in_json;

/// What a request may cost.
pub type Ask = fn(&Request<Full<Bytes>>) -> WithCyclesConfig;

/// An answer, which is settled when it has been read.
pub type ModelAnswer = Response<BudgetBody<Incoming>>;

/// A client that sends requests to a model provider.
pub type ModelClient = BoxCloneService<Request<Full<Bytes>>, ModelAnswer, BoxError>;

/// A client whose attempts are reserved one by one, with what `ask` says, and cost what `cost` makes of the `usage` in their
/// answer. Requests that pass without a budget trip the tripwire.
pub fn model_client(
    attempts: Attempts,
    ask: Ask,
    cost: impl Fn(&Value) -> Option<Amount> + Clone + Send + Sync + 'static,
    tripwire: Tripwire,
) -> ModelClient {
    let agent = HeaderValue::from_static(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
    let client = ServiceBuilder::new()
        .retry(attempts)
        // Below the retry, so that each attempt has a reservation of its own.
        .layer(BudgetLayer::new(ask).actual(by_status::<Incoming>).read_body(usage_in_json(cost)))
        .layer(SetRequestHeaderLayer::if_not_present(USER_AGENT, agent))
        // Next to what sends, so that nothing passes by it.
        .layer(TripwireLayer::new(tripwire))
        .map_err(BoxError::from)
        .service(Client::builder(TokioExecutor::new()).build_http());
    BoxCloneService::new(client)
}
