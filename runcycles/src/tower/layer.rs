//! The layer, and what it is told.

use std::fmt;
use std::sync::Arc;

use http::response::Parts;
use http_body::Frame;
use tower_layer::Layer;

use super::ask::Ask;
use super::cost::{AsTold, Cost};
use super::policy::{AsItIs, Policy};
use super::refuse::{IntoServiceError, MapToError, MapToResponse};
use super::service::{AtResponse, BudgetService};
use super::whole_body::{Unread, WholeBody};
use crate::client::CyclesClient;
use crate::error::Error;
use crate::lifecycle::Context;
use crate::protocol::Amount;

/// Governs the requests of a service: each is a guarded call.
///
/// What a request asks for is a closure's, and so is what its response cost. A refusal is converted into the service's error,
/// such as `tower::BoxError`, unless it is [made a response](Self::refused_as) or [another error](Self::refused_with). While the inner service
/// works on a request, [`context()`](crate::context()) is the context of its reservation.
///
/// ```
/// use std::convert::Infallible;
///
/// use http::{Request, Response};
/// use runcycles::tower::{BudgetLayer, by_status};
/// use runcycles::{Context, Scope, WithCyclesConfig, usd};
///
/// let layer = BudgetLayer::new(|request: &Request<String>| {
///     WithCyclesConfig::new(usd!(0.02)).action("http.request", request.uri().path()).subject(Scope::app("chat"))
/// })
/// .narrow(|request: &mut Request<String>, context: &Context| {
///     if let Some(most) = context.caps().and_then(|caps| caps.max_tokens) {
///         request.headers_mut().insert("x-max-tokens", most.into());
///     }
/// })
/// .actual(by_status::<String>)
/// .refused_as(|error| Response::builder().status(402).body(error.to_string()).expect("a valid response"));
///
/// # use tower_layer::Layer as _;
/// # #[derive(Clone)] struct Model;
/// let service = layer.layer(Model);
/// # drop(service);
/// ```
///
/// The inner service is cloned for every request, as is common where a service is called later than it is asked to be: wrap a
/// costly one in a buffer. The layer finds the ambient client and scope where the request is handed over, so it belongs outside
/// of buffers, and [below retries](#retries) where every attempt costs.
///
/// # Retries
///
/// Below a layer that repeats requests, each attempt is reserved and settled by itself, and failed ones cost nothing unless
/// they are known to. A denial is final, so the layer above must not repeat it:
/// [`denial`](crate::denial()) finds it in the service's error.
#[derive(Clone)]
#[must_use = "a layer governs the services that it is put around"]
pub struct BudgetLayer<A, R = IntoServiceError, C = AsTold, N = AsItIs, B = AtResponse> {
    policy: Policy<A, R, C, N, B>,
}

impl<A> BudgetLayer<A> {
    /// A layer that asks for a request what a closure says: a [`WithCyclesConfig`](crate::WithCyclesConfig), or any [`Ask`].
    ///
    /// The client is the one that the place has that makes the request: the ambient client, or the default of the process.
    pub fn new<Req, K>(ask: A) -> Self
    where
        A: Fn(&Req) -> K,
        K: Into<Ask>,
    {
        let policy =
            Policy { ask, refuse: IntoServiceError, cost: AsTold, narrow: AsItIs, until: AtResponse, client: None };
        Self { policy }
    }
}

impl<A, R, C, N, B> BudgetLayer<A, R, C, N, B> {
    /// The client that asks, unless an [`Ask`] names another.
    pub fn client(mut self, client: CyclesClient) -> Self {
        self.policy.client = Some(client);
        self
    }

    /// What a request turned out to cost: an [`Amount`], an `Option` of one, or a [`Cost`]. What the inner service told its
    /// context holds otherwise, or else the estimate; so also for responses that say they failed, unless [`by_status`](super::by_status)
    /// or another closure judges them.
    pub fn actual<Res, F, K>(self, cost: F) -> BudgetLayer<A, R, F, N, B>
    where
        F: Fn(&Res) -> K,
        K: Into<Cost>,
    {
        let Policy { ask, refuse, narrow, until, client, .. } = self.policy;
        BudgetLayer { policy: Policy { ask, refuse, cost, narrow, until, client } }
    }

    /// What the decision changes of a request before it is made, such as its limit of tokens by the caps.
    pub fn narrow<Req, F>(self, narrow: F) -> BudgetLayer<A, R, C, F, B>
    where
        F: Fn(&mut Req, &Context),
    {
        let Policy { ask, refuse, cost, until, client, .. } = self.policy;
        BudgetLayer { policy: Policy { ask, refuse, cost, narrow, until, client } }
    }

    /// The response to a request that was refused. The inner service has not been called then, unless the error is one that a
    /// policy of the call puts in place of its response ([`Error::LeaseLost`], [`Error::Unsettled`]).
    pub fn refused_as<Res, F>(self, refuse: F) -> BudgetLayer<A, MapToResponse<F>, C, N, B>
    where
        F: Fn(Error) -> Res,
    {
        self.refused(MapToResponse(refuse))
    }

    /// The service's error for a request that was refused.
    pub fn refused_with<E, F>(self, refuse: F) -> BudgetLayer<A, MapToError<F>, C, N, B>
    where
        F: Fn(Error) -> E,
    {
        self.refused(MapToError(refuse))
    }

    fn refused<T>(self, refuse: T) -> BudgetLayer<A, T, C, N, B> {
        let Policy { ask, cost, narrow, until, client, .. } = self.policy;
        BudgetLayer { policy: Policy { ask, refuse, cost, narrow, until, client } }
    }

    /// A request lasts until the body of its response has ended, for services with HTTP responses: the context is set while the
    /// body is made, the heartbeat keeps the reservation alive, and the settlement is made at the end of the body.
    ///
    /// A body that ends with an error has failed, and one that is dropped before its end settles as a guarded call does that is
    /// cancelled. A body is complete too when it has delivered its whole length, after which servers drop it. One of known length
    /// that is at its end after its first frame, as of a page that is made in one piece, is settled before its head is handed over.
    pub fn until_body_ends(self) -> BudgetLayer<A, R, C, N, WholeBody<Unread>> {
        self.until(WholeBody(Unread))
    }

    /// The same, with a reader for each response whose cost is in its body, such as the usage that a model reports at the end.
    ///
    /// A reader sees each frame as it passes, and `None` at the end. What it returns is what the response has cost, all in all,
    /// as far as it can tell by then; it is committed even if nobody reads the body to its end.
    ///
    /// ```
    /// use http::{Request, Response, response};
    /// use http_body::Frame;
    /// use runcycles::tower::BudgetLayer;
    /// use runcycles::{Amount, Scope, WithCyclesConfig, tokens};
    ///
    /// let layer = BudgetLayer::new(|_: &Request<String>| {
    ///     WithCyclesConfig::new(tokens(1_000)).action("llm.completion", "gpt-4o").subject(Scope::app("chat"))
    /// })
    /// .read_body(|_: &response::Parts| {
    ///     let mut bytes = 0;
    ///     move |frame: Option<&Frame<bytes::Bytes>>| {
    ///         bytes += frame.and_then(Frame::data_ref).map_or(0, |data| data.len() as u64);
    ///         Some(tokens(bytes / 4))
    ///     }
    /// });
    /// # drop(layer);
    /// ```
    pub fn read_body<D, F, G>(self, read: F) -> BudgetLayer<A, R, C, N, WholeBody<F>>
    where
        F: Fn(&Parts) -> G,
        G: FnMut(Option<&Frame<D>>) -> Option<Amount> + Send + 'static,
    {
        self.until(WholeBody(read))
    }

    fn until<T>(self, until: T) -> BudgetLayer<A, R, C, N, T> {
        let Policy { ask, refuse, cost, narrow, client, .. } = self.policy;
        BudgetLayer { policy: Policy { ask, refuse, cost, narrow, until, client } }
    }
}

impl<S, A, R, C, N, B> Layer<S> for BudgetLayer<A, R, C, N, B>
where
    Policy<A, R, C, N, B>: Clone,
{
    type Service = BudgetService<S, A, R, C, N, B>;

    fn layer(&self, inner: S) -> Self::Service {
        BudgetService::new(inner, Arc::new(self.policy.clone()))
    }
}

impl<A, R, C, N, B> fmt::Debug for BudgetLayer<A, R, C, N, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetLayer").field("client", &self.policy.client).finish_non_exhaustive()
    }
}
