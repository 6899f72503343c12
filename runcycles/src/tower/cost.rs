//! What a request turned out to cost.

use http::Response;

use crate::protocol::Amount;

/// What a request turned out to cost, as far as the head of its response tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cost {
    /// What the inner service told its [context](crate::context()), or else the estimate. Where the layer
    /// [follows bodies](super::BudgetLayer::until_body_ends), this is known when the body has ended.
    Told,
    /// This much, all in all. It is settled at once.
    Exactly(Amount),
    /// The request failed: what the inner service told its context is committed, and otherwise the call's
    /// [`UnknownSpend`](crate::UnknownSpend) policy holds. It is settled at once.
    Failed,
}

impl From<Amount> for Cost {
    fn from(amount: Amount) -> Self {
        Self::Exactly(amount)
    }
}

impl From<Option<Amount>> for Cost {
    /// `None` is what was told.
    fn from(amount: Option<Amount>) -> Self {
        amount.map_or(Self::Told, Self::Exactly)
    }
}

/// Judges an HTTP response by its status: one of 400 or more has failed, and any other cost what was told.
///
/// ```
/// use runcycles::tower::{Cost, by_status};
///
/// let response = http::Response::builder().status(502).body(()).unwrap();
/// assert_eq!(by_status(&response), Cost::Failed);
/// ```
pub fn by_status<B>(response: &Response<B>) -> Cost {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() { Cost::Failed } else { Cost::Told }
}

/// Says what a request cost by its response. Closures do.
pub trait JudgeResponse<Res> {
    /// What the request cost.
    fn judge(&self, response: &Res) -> Cost;
}

/// Leaves it to what the inner service told its context.
#[derive(Clone, Copy, Debug)]
pub struct AsTold;

impl<Res> JudgeResponse<Res> for AsTold {
    fn judge(&self, _response: &Res) -> Cost {
        Cost::Told
    }
}

impl<Res, F, K> JudgeResponse<Res> for F
where
    F: Fn(&Res) -> K,
    K: Into<Cost>,
{
    fn judge(&self, response: &Res) -> Cost {
        self(response).into()
    }
}
