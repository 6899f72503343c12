//! The lease as its users hold it.

use std::fmt;
use std::sync::Arc;

use super::part::Part;
use super::pool::Pool;
use super::sub_reservation::SubReservation;
use super::totals::LeaseStats;
use crate::client::CyclesClient;
use crate::error::Error;
use crate::guard::ReservationGuard;
use crate::protocol::{Action, Amount, IdempotencyKey, ReservationCreateRequest, Subject};

#[doc = include_str!("../../docs/lease.md")]
#[derive(Clone)]
pub struct Lease {
    pool: Arc<Pool>,
    action: Arc<Action>,
    /// Where chunks count its calls; nowhere, where they are of another kind than the chunks. Small, since every call has room for it.
    row: Option<u32>,
}

impl Lease {
    pub(super) fn new(pool: Arc<Pool>, action: Arc<Action>) -> Self {
        let row = pool.is_of_its_kind(&action).then(|| pool.actions.row(&action.kind, &action.name));
        let row = row.and_then(|row| u32::try_from(row).ok());
        Self { pool, action, row }
    }

    /// The same lease, whose calls do something else: commits break down by names what was spent, 16 of them and the rest in one.
    /// Keep it where it is used often.
    ///
    /// Where the kind is another one than the lease was opened for, its calls reserve by themselves: the authority may deny kinds of
    /// actions, and has judged that of the chunk.
    pub fn for_action(&self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(Arc::clone(&self.pool), Arc::new(Action::new(kind, name)))
    }

    /// Takes an estimate of the lease. Where the lease has it, this is done at once, without a request, a lock that anybody waits
    /// for, or an allocation. Where it does not, this waits for the chunk that is being asked for.
    ///
    /// What the lease cannot give is reserved by itself, exactly as by [`reserve`](CyclesClient::reserve): where no chunk is granted,
    /// where the estimate is larger than a chunk or in another unit, where the action is of [another kind](Self::for_action), and
    /// where the lease is closed.
    ///
    /// # Errors
    ///
    /// Those of [`reserve`](CyclesClient::reserve), which a call that reserves by itself meets: a denial says what the budget has
    /// against this estimate, not against a chunk. [`Error::Validation`] where the call is made inside of a run or a mandate
    /// that the lease is outside of.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing of the lease; otherwise as that of [`reserve`](CyclesClient::reserve).
    pub async fn take(&self, estimate: Amount) -> Result<SubReservation, Error> {
        self.check_place()?;
        if let Some(part) = self.part(&estimate) {
            return Ok(SubReservation::part(part));
        }
        // What waits is kept out of the future of what does not.
        Box::pin(self.take_slowly(estimate)).await
    }

    async fn take_slowly(&self, estimate: Amount) -> Result<SubReservation, Error> {
        if let Some(part) = self.part_or_wait(&estimate).await {
            return Ok(SubReservation::part(part));
        }
        let mut request = self.pool.request.clone();
        request.action = Action::clone(&self.action);
        request.estimate = estimate;
        request.ttl_ms = None;
        request.metadata.clear();
        self.count_plain();
        self.by_itself(request, |request| self.client().reserve_as_it_is(request)).await.map(SubReservation::plain)
    }

    /// Reserves what the lease could not give. Where the budget has too little, what is left of the chunks is returned, and asked
    /// for once more: a lease that keeps budget from its own calls would deny what there is.
    pub(crate) async fn by_itself<F: Future<Output = Result<ReservationGuard, Error>>>(
        &self,
        mut request: ReservationCreateRequest,
        reserve: impl Fn(ReservationCreateRequest) -> F,
    ) -> Result<ReservationGuard, Error> {
        request.idempotency_key = IdempotencyKey::random();
        let denied = match reserve(request.clone()).await {
            Err(error) if error.is_budget_exceeded() => error,
            reserved => return reserved,
        };
        if !self.pool.return_rest().await {
            return Err(denied);
        }
        request.idempotency_key = IdempotencyKey::random();
        reserve(request).await
    }

    /// Takes an estimate of the lease if it has it now, without waiting for anything. It may be called outside of a runtime.
    ///
    /// `None` where it has too little, and another chunk is asked for in the background then; and where the estimate is in another
    /// unit, the action is of [another kind](Self::for_action), or the place of the call has limits that the lease is outside of.
    /// [`take`](Self::take) says which.
    pub fn try_take(&self, estimate: Amount) -> Option<SubReservation> {
        self.check_place().ok()?;
        self.part(&estimate).map(SubReservation::part)
    }

    /// What has become of it so far.
    pub fn stats(&self) -> LeaseStats {
        self.pool.stats()
    }

    /// Who its calls act for, after the ambient scope and the client's defaults were filled in.
    pub fn subject(&self) -> &Subject {
        &self.pool.request.subject
    }

    /// What its calls do, unless they say otherwise.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// How much it holds at a time, apart from what is left when it asks for more.
    pub fn chunk(&self) -> &Amount {
        self.pool.chunk()
    }

    /// Ends it: commits what was spent and returns the rest. What is taken of it still is settled when its owners settle or drop
    /// it. Those that take from a clone of it from now on reserve by themselves.
    ///
    /// A lease that is dropped ends in the same way, in the background; so it is with [`flush`](CyclesClient::flush), after which it
    /// goes on, and with [`shutdown`](CyclesClient::shutdown).
    ///
    /// # Errors
    ///
    /// The authority's final refusal of a commit, after which the spend is in no ledger. A commit without a clear answer goes on in
    /// the background.
    ///
    /// # Cancel safety
    ///
    /// Ending begins when this is polled first. Dropping the future leaves the rest to the background.
    pub async fn close(self) -> Result<LeaseStats, Error> {
        self.pool.close();
        Pool::settle(self.pool.retire(|_| true)).await?;
        Ok(self.stats())
    }

    pub(super) fn check_place(&self) -> Result<(), Error> {
        let request = &self.pool.request;
        Ok(self.client().check_bounds(&request.subject, request.estimate.unit())?)
    }

    /// A part of what is here.
    fn part(&self, estimate: &Amount) -> Option<Part> {
        self.pool.take(self.countable(estimate)?, self.row? as usize)
    }

    async fn part_or_wait(&self, estimate: &Amount) -> Option<Part> {
        self.pool.take_or_wait(self.countable(estimate)?, self.row? as usize).await
    }

    /// The value of an amount in the unit of the lease.
    pub(super) fn countable(&self, estimate: &Amount) -> Option<i64> {
        let value = i64::try_from(estimate.value()).ok()?;
        (estimate.unit() == self.pool.chunk().unit()).then_some(value)
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    pub(super) fn count_plain(&self) {
        self.pool.totals.count_plain();
    }

    pub(crate) fn client(&self) -> &CyclesClient {
        &self.pool.client
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("subject", self.subject())
            .field("chunk", self.chunk())
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}
