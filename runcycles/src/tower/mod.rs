//! Services whose requests are governed, and outgoing calls that are not.
//!
//! [`BudgetLayer`] governs any [`Service`](tower_service::Service): an axum route, a tonic client, an HTTP client below an SDK's
//! retries. Each request is a guarded call: what it may cost is reserved before the inner service is called, and settled by
//! what its response says it cost. A denied request never reaches the inner service.
//!
//! ```
//! use http::{Request, Response};
//! use runcycles::tower::{BudgetLayer, Cost};
//! use runcycles::{Scope, WithCyclesConfig, tokens};
//!
//! let layer = BudgetLayer::new(|request: &Request<String>| {
//!     let agent = request.headers().get("x-agent").and_then(|agent| agent.to_str().ok()).unwrap_or("nobody");
//!     WithCyclesConfig::new(tokens(1_000)).action("llm.completion", request.uri().path()).subject(Scope::agent(agent))
//! })
//! .actual(|response: &Response<String>| Cost::from(tokens(response.body().len() as u64 / 4)));
//! # drop(layer);
//! ```
//!
//! [`TripwireLayer`] reports or refuses requests to model providers that are made outside of any guarded call.
//!
//! # Back-pressure and cancellation
//!
//! The inner service is ready before a request is taken, and the instance that is ready is the one that gets it: a permit or a
//! place in a queue is held while the reservation is made, and given back if it is denied. A response future that is dropped
//! settles as any guarded call does that is dropped: what the inner service recorded is committed, and otherwise the
//! [`UnknownSpend`](crate::UnknownSpend) policy holds.

mod ask;
mod body;
mod cost;
mod governed;
mod layer;
mod passage;
mod policy;
mod refuse;
mod service;
mod tripwire;
mod whole_body;

pub use self::ask::Ask;
pub use self::body::BudgetBody;
pub use self::cost::{AsTold, Cost, JudgeResponse, by_status};
pub use self::layer::BudgetLayer;
pub use self::policy::{AsItIs, NarrowRequest};
pub use self::refuse::{IntoServiceError, MapToError, MapToResponse, RefuseRequest};
pub use self::service::{AtResponse, BudgetService};
pub use self::tripwire::{FindHost, HostBy, HostOfUri, TripwireLayer, TripwireService};
pub use self::whole_body::{ReadBody, Unread, WholeBody};
