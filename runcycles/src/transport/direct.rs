//! An authority in the same process, asked without requests being written down and read again.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;

use crate::protocol::{
    Amount, Balance, Caps, CommitRequest, ReservationCreateRequest, ReservationId, SignedAmount, Unit,
};

/// What an authority in the same process answers at once. It does what it would do for the same request over a wire, and the
/// answer says the same; only nothing is serialised on the way. `None` has the request sent by
/// [`Transport::call`](super::Transport::call).
pub trait Direct: Send + Sync {
    /// Holds budget. The headers are those that all requests of the client have.
    fn reserve(
        &self,
        headers: &HeaderMap,
        request: &ReservationCreateRequest,
    ) -> Option<DirectAnswer<(ReservationId, DirectHold)>>;

    /// Settles a reservation.
    fn commit(
        &self,
        headers: &HeaderMap,
        id: &ReservationId,
        request: &CommitRequest,
    ) -> Option<DirectAnswer<DirectCommit>>;
}

/// A success, or the refusal as it goes over a wire.
pub type DirectAnswer<T> = Result<T, Box<http::Response<Bytes>>>;

/// What holds budget for a reservation.
#[derive(Debug)]
pub struct DirectHold {
    /// When it lapses, in milliseconds since 1970 by the authority's clock.
    pub expires_at_ms: u64,
    /// How long it lives, in milliseconds.
    pub remaining_ttl_ms: u64,
    /// Limits on the action.
    pub caps: Option<Arc<Caps>>,
    /// Where it holds budget.
    pub budgets: DirectBudgets,
}

/// What a commit came to.
#[derive(Debug)]
pub struct DirectCommit {
    /// What was charged.
    pub charged: u64,
    /// What was returned of the hold.
    pub released: u64,
    /// The budgets that were charged.
    pub lines: Vec<DirectBalance>,
}

/// A scope, and the budgets on the way to it, outermost first.
#[derive(Debug)]
pub struct DirectBudgets {
    /// The whole path of the innermost scope, with or without a budget.
    pub scope_path: Arc<str>,
    /// The budgets.
    pub lines: Vec<DirectBalance>,
}

/// One budget's ledger.
#[derive(Debug)]
pub struct DirectBalance {
    /// The whole path of its scope.
    pub scope_path: Arc<str>,
    /// What it counts.
    pub unit: Unit,
    /// What is left; negative in overdraft.
    pub remaining: i64,
    /// What live reservations hold.
    pub reserved: u64,
    /// What was committed.
    pub spent: u64,
    /// What it was given.
    pub allocated: u64,
    /// What was spent beyond that.
    pub debt: u64,
    /// How much debt is allowed.
    pub overdraft_limit: u64,
    /// Whether new reservations are refused until it is funded.
    pub is_over_limit: bool,
}

/// A scope and those above it, outermost first, by their paths.
pub(crate) fn scopes_of(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.match_indices('/').map(|(at, _)| at);
    inner.chain(std::iter::once(path.len())).map(|end| &path[..end])
}

/// The last segment of a scope's path.
pub(crate) fn leaf_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl DirectBudgets {
    /// The scope and those above it, outermost first.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &str> {
        scopes_of(&self.scope_path)
    }
}

impl DirectBalance {
    pub(crate) fn to_balance(&self) -> Balance {
        let amount = |value| Amount::new(self.unit.clone(), value);
        let remaining = SignedAmount::new(self.unit.clone(), self.remaining);
        let mut balance = Balance::new(leaf_of(&self.scope_path).to_owned(), (*self.scope_path).to_owned(), remaining);
        balance.reserved = Some(amount(self.reserved));
        balance.spent = Some(amount(self.spent));
        balance.allocated = Some(amount(self.allocated));
        balance.debt = (self.debt > 0).then(|| amount(self.debt));
        balance.overdraft_limit = (self.overdraft_limit > 0).then(|| amount(self.overdraft_limit));
        balance.is_over_limit = self.is_over_limit.then_some(true);
        balance
    }
}
