//! What is asked of the authority for a request.

use crate::client::CyclesClient;
use crate::error::Error;
use crate::lifecycle::WithCyclesConfig;

/// What is asked of the authority for a request: a reservation, nothing, or a refusal without asking.
///
/// A [`WithCyclesConfig`] is one, and so is an `Option` of it, where `None` lets the request pass without budget, and a `Result`,
/// where an error refuses the request.
///
/// ```
/// use http::Request;
/// use runcycles::tower::{Ask, BudgetLayer};
/// use runcycles::{Scope, WithCyclesConfig, usd};
///
/// let layer = BudgetLayer::new(|request: &Request<String>| match request.uri().path() {
///     "/health" => Ask::nothing(),
///     path => WithCyclesConfig::new(usd!(0.02)).action("http.request", path).subject(Scope::app("chat")).into(),
/// });
/// # drop(layer);
/// ```
#[derive(Debug)]
#[must_use = "it asks nothing by itself"]
pub struct Ask {
    pub(super) call: Result<Option<WithCyclesConfig>, Error>,
    pub(super) client: Option<CyclesClient>,
}

impl Ask {
    /// The request passes without a reservation, and outside of any guarded call.
    pub fn nothing() -> Self {
        Self { call: Ok(None), client: None }
    }

    /// The request is refused as if the authority had denied it.
    pub fn refuse(error: impl Into<Error>) -> Self {
        Self { call: Err(error.into()), client: None }
    }

    /// Asks through a client, such as the one of the request's tenant, in place of the layer's.
    pub fn through(mut self, client: CyclesClient) -> Self {
        self.client = Some(client);
        self
    }
}

impl From<WithCyclesConfig> for Ask {
    fn from(call: WithCyclesConfig) -> Self {
        Self { call: Ok(Some(call)), client: None }
    }
}

impl From<Option<WithCyclesConfig>> for Ask {
    fn from(call: Option<WithCyclesConfig>) -> Self {
        Self { call: Ok(call), client: None }
    }
}

impl<E: Into<Error>> From<Result<WithCyclesConfig, E>> for Ask {
    fn from(call: Result<WithCyclesConfig, E>) -> Self {
        Self { call: call.map(Some).map_err(Into::into), client: None }
    }
}
