//! How a layer governs requests.

use super::ask::Ask;
use crate::client::{CallPolicies, CyclesClient, current_client};
use crate::error::Error;
use crate::lifecycle::{Context, Terms, WithCyclesConfig};
use crate::protocol::{CyclesMetrics, ReservationCreateRequest};

/// How a layer governs requests.
#[derive(Clone)]
pub(super) struct Policy<A, R, C, N, B> {
    /// What is asked.
    pub(super) ask: A,
    /// What becomes of a request that is refused.
    pub(super) refuse: R,
    /// What a response cost.
    pub(super) cost: C,
    /// What the decision changes of the request.
    pub(super) narrow: N,
    /// Until when a request lasts.
    pub(super) until: B,
    /// Who asks; the client of the place that makes the request where there is none.
    pub(super) client: Option<CyclesClient>,
}

/// A request's reservation, before it is made.
pub(super) struct Asked {
    pub(super) client: CyclesClient,
    pub(super) request: ReservationCreateRequest,
    pub(super) policies: CallPolicies,
    pub(super) terms: Terms,
    pub(super) metrics: Option<Box<CyclesMetrics>>,
}

impl<A, R, C, N, B> Policy<A, R, C, N, B> {
    /// What is asked for a request, with the ambient client and scope of the place that makes it; `None` where nothing is.
    pub(super) fn open<Req, K>(&self, request: &Req) -> Result<Option<Asked>, Error>
    where
        A: Fn(&Req) -> K,
        K: Into<Ask>,
    {
        let Ask { call, client } = (self.ask)(request).into();
        call?
            .map(|call: WithCyclesConfig| {
                let client = match client.or_else(|| self.client.clone()) {
                    Some(client) => client,
                    None => current_client()?,
                };
                let (request, policies, terms, metrics) = call.into_parts(&client);
                Ok(Asked { client, request, policies, terms, metrics })
            })
            .transpose()
    }
}

/// Changes a request by the decision that allows it. Closures do.
pub trait NarrowRequest<Req> {
    /// Changes the request, such as its limit of tokens by the caps of the decision.
    fn narrow(&self, request: &mut Req, context: &Context);
}

/// Leaves the request as it is.
#[derive(Clone, Copy, Debug)]
pub struct AsItIs;

impl<Req> NarrowRequest<Req> for AsItIs {
    fn narrow(&self, _request: &mut Req, _context: &Context) {}
}

impl<Req, F: Fn(&mut Req, &Context)> NarrowRequest<Req> for F {
    fn narrow(&self, request: &mut Req, context: &Context) {
        self(request, context);
    }
}
