//! A budget for each attempt.

use std::fmt;

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Body, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{Error, Middleware, Next, Result};
use runcycles::models::Amount;
use runcycles::{CyclesClient, WithCyclesConfig, current_client};

use crate::body::GuardedBody;
use crate::not_sent::NotSent;

/// Makes each request a guarded call: what it may cost is reserved before it is sent, and settled when its answer has been read.
///
/// Add it to a client after a retry middleware, so that it is below: each attempt is reserved then, and failed ones cost nothing
/// unless the call's `UnknownSpend` policy says so. A denial is [`NotSent`], which retry middleware does not repeat;
/// [`runcycles::denial`] finds it in the client's error.
pub struct BudgetMiddleware {
    ask: Box<Ask>,
    read: Option<Box<MakeRead>>,
    client: Option<CyclesClient>,
}

type Ask = dyn Fn(&Request) -> Option<WithCyclesConfig> + Send + Sync;
type MakeRead = dyn Fn() -> Read + Send + Sync;

/// Reads an answer part by part, and `None` at its end; what it returns is what the request has cost, all in all, as far as it
/// can tell by then.
pub type Read = Box<dyn FnMut(Option<&[u8]>) -> Option<Amount> + Send + Sync>;

impl BudgetMiddleware {
    /// Asks for a request what a function says; `None` lets it pass without budget.
    pub fn new(ask: impl Fn(&Request) -> Option<WithCyclesConfig> + Send + Sync + 'static) -> Self {
        Self { ask: Box::new(ask), read: None, client: None }
    }

    /// The client that asks; the one of the place that makes the request by default.
    pub fn client(mut self, client: CyclesClient) -> Self {
        self.client = Some(client);
        self
    }

    /// Reads what a request cost in its answer. By default it cost what middleware below told its context, or else the estimate.
    pub fn read<F>(mut self, read: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: FnMut(Option<&[u8]>) -> Option<Amount> + Send + Sync + 'static,
    {
        self.read = Some(Box::new(move || Box::new(read())));
        self
    }
}

#[async_trait]
impl Middleware for BudgetMiddleware {
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let Some(config) = (self.ask)(&request) else { return next.run(request, extensions).await };
        let client = match &self.client {
            Some(client) => client.clone(),
            None => current_client().map_err(NotSent::because)?,
        };
        let guard = client.begin(config).await.map_err(NotSent::because)?;
        // Where it fails, the guard is dropped and settles by the policy for unknown spend.
        let response = guard.run(next.run(request, extensions)).await?;
        if response.status().is_client_error() || response.status().is_server_error() {
            return Ok(response);
        }
        let url = response.url().clone();
        let (head, body) = http::Response::<Body>::from(response).into_parts();
        let read = self.read.as_ref().map(|read| read());
        let body = Body::wrap(GuardedBody::new(body, guard, read));
        // The address is kept in an extension that only a builder can set.
        let mut kept = http::Response::builder().url(url).body(()).map_err(Error::middleware)?;
        let mut response = http::Response::from_parts(head, body);
        response.extensions_mut().extend(std::mem::take(kept.extensions_mut()));
        Ok(Response::from(response))
    }
}

impl fmt::Debug for BudgetMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetMiddleware").field("client", &self.client).finish_non_exhaustive()
    }
}
