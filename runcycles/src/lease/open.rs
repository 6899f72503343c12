//! How a lease is opened.

use std::sync::Arc;
use std::time::Duration;

use super::Lease;
use super::pool::Pool;
use crate::client::CyclesClient;
use crate::error::Error;
use crate::protocol::{Action, Amount, CommitOveragePolicy, Reserve, Subject, ValidationError};

/// How long a chunk is taken from at most, unless the application says otherwise.
const SETTLE_EVERY: Duration = Duration::from_secs(30);

/// How long that may be.
const SETTLE_EVERY_RANGE: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(3_600);

/// The shortest time to live of a chunk.
const SHORTEST_TTL: Duration = Duration::from_secs(60);

/// Sets up a [`Lease`]; [`CyclesClient::lease`] starts it.
#[derive(Debug)]
#[must_use = "a lease is opened by `open`"]
pub struct OpenLease {
    client: CyclesClient,
    reserve: Reserve<Action, Amount>,
    settle_every: Duration,
}

impl CyclesClient {
    /// Starts a lease: one reservation of a chunk of budget, which many calls take small parts of without asking the authority.
    /// [`Lease`] says what that is good for, and what it costs.
    ///
    /// What the scope leaves out is filled from this view's scope, the ambient scope and the client's defaults, where the lease is
    /// opened.
    ///
    /// ```
    /// # async fn example(client: runcycles::CyclesClient) -> Result<(), runcycles::Error> {
    /// use runcycles::{Scope, usd};
    ///
    /// let lease = client
    ///     .lease(Scope::tenant("acme").agent("crawler"), usd!(0.50))
    ///     .action("llm.completion", "gpt-4o-mini")
    ///     .open()
    ///     .await?;
    /// let sub = lease.take(usd!(0.0004)).await?;
    /// sub.commit(usd!(0.0003))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lease(&self, scope: impl Into<Subject>, chunk: Amount) -> OpenLease {
        let reserve = Reserve::new("budget.lease", "lease").estimate(chunk).subject(scope);
        OpenLease { client: self.clone(), reserve, settle_every: SETTLE_EVERY }
    }
}

impl OpenLease {
    /// What its calls do, unless they say otherwise: a kind such as `llm.completion`, and a name such as the model's. Chunks are
    /// reserved for it; `budget.lease` and `lease` by default. Calls of another kind reserve by themselves.
    pub fn action(mut self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        self.reserve = self.reserve.action(Action::new(kind, name));
        self
    }

    /// How long a chunk is taken from before what was spent of it is committed and another takes its place: 1 second to 1 hour; 30
    /// seconds by default. Reports of the authority lag behind by as much. A chunk that nobody has taken from is returned
    /// then, and another one reserved when somebody does.
    pub fn settle_every(mut self, time: Duration) -> Self {
        self.settle_every = time;
        self
    }

    /// What happens where more was spent than a chunk is and no other was granted; the tenant's setting by default. By
    /// [`Reject`](CommitOveragePolicy::Reject) the spend of the whole chunk is in no ledger then.
    pub fn overage_policy(mut self, policy: CommitOveragePolicy) -> Self {
        self.reserve = self.reserve.overage_policy(policy);
        self
    }

    /// Reserves the first chunk.
    ///
    /// Where the budget has too little for a chunk, or the authority cannot be reached, the lease is open all the same, and its
    /// calls reserve by themselves until a chunk is granted.
    ///
    /// # Errors
    ///
    /// What [`reserve`](CyclesClient::reserve) says otherwise, and [`Error::Validation`] for a chunk of nothing or a time out of range.
    ///
    /// # Cancel safety
    ///
    /// As that of [`reserve`](CyclesClient::reserve).
    pub async fn open(self) -> Result<Lease, Error> {
        let Self { client, reserve, settle_every } = self;
        if !SETTLE_EVERY_RANGE.contains(&settle_every) {
            let found = format!("{settle_every:?}");
            return Err(ValidationError::new("settle_every", found, "1 second to 1 hour").into());
        }
        let mut request = reserve.ttl(settle_every.saturating_mul(2).max(SHORTEST_TTL)).build();
        if request.estimate.is_zero() {
            return Err(ValidationError::new("chunk", "nothing", "an amount that calls can take parts of").into());
        }
        client.fill_subject(&mut request.subject);
        request.metadata.insert("lease".to_owned(), "chunk".into());
        let action = Arc::new(request.action.clone());
        let pool = Pool::new(client, request, settle_every);
        if let Err(error) = pool.reserve_chunk().await {
            if !error.is_budget_exceeded() && !error.is_unavailable() {
                return Err(error);
            }
        }
        pool.start();
        Ok(Lease::new(pool, action))
    }
}
