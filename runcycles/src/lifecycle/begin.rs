//! The guarded call whose action runs elsewhere.

use super::admission::admit;
use super::context::context;
use super::govern::warn_of_a_long_plan;
use super::nesting::warn_of_double_counting;
use super::with_cycles::WithCyclesConfig;
use crate::client::CyclesClient;
use crate::error::Error;
use crate::guard::{DropReason, ReservationGuard};

impl CyclesClient {
    /// Begins a guarded call whose action runs elsewhere: between two callbacks of a framework, or as a stream that is handed to
    /// [`metered`](crate::metered). Where the action is a future, [`execute`](Self::execute) does the rest too.
    ///
    /// Unlike [`reserve`](Self::reserve), this holds to what a guarded call says of itself: its [`Mode`](crate::Mode) and the
    /// client's, the levels that it requires, its priority, and the [`Allowance`](crate::Allowance) for times without the
    /// authority. In any mode but [`Enforce`](crate::Mode::Enforce) the guard holds nothing, and is settled the same way.
    ///
    /// Whoever ends the action settles the guard. One that is dropped is settled in the background by what it was told, and
    /// otherwise by the call's [`UnknownSpend`](crate::UnknownSpend) policy, with the reason `guarded_method_cancelled`. Measurements
    /// of the configuration go with such a commit alone, and its policies for lost reservations and unconfirmed settlements have
    /// nothing to return an error from here: [`lease`](ReservationGuard::lease) and
    /// [`commit`](ReservationGuard::commit) tell of both.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use std::sync::Mutex;
    ///
    /// use runcycles::{CyclesClient, Error, ReservationGuard, WithCyclesConfig, usd};
    ///
    /// struct Hook {
    ///     client: CyclesClient,
    ///     running: Mutex<HashMap<u64, ReservationGuard>>,
    /// }
    ///
    /// impl Hook {
    ///     async fn before(&self, call: u64) -> Result<(), Error> {
    ///         let config = WithCyclesConfig::new(usd!(0.02)).action("llm.completion", "gpt-4o");
    ///         let guard = self.client.begin(config).await?;
    ///         self.running.lock().unwrap().insert(call, guard);
    ///         Ok(())
    ///     }
    ///
    ///     async fn after(&self, call: u64) {
    ///         let guard = self.running.lock().unwrap().remove(&call);
    ///         if let Some(guard) = guard {
    ///             drop(guard.commit(usd!(0.013)).await);
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// What [`reserve`](Self::reserve) says, [`Error::UnbudgetedScope`], and [`Error::AllowanceExhausted`]: the action must not run.
    ///
    /// # Cancel safety
    ///
    /// As [`reserve`](Self::reserve).
    pub async fn begin(&self, config: WithCyclesConfig) -> Result<ReservationGuard, Error> {
        let (request, policies, terms, metrics) = config.into_parts(self);
        let mut guard = admit(self, request, &terms).await?.guard;
        guard.dropped_means(DropReason::Cancelled);
        guard.set_unknown_spend(policies.unknown_spend(self.config()));
        guard.reservation().report().metrics = metrics;
        if let (Some(outer), Some(site)) = (context(), terms.site) {
            warn_of_double_counting(&outer, &guard, site);
        }
        if let Some(planned) = policies.planned {
            warn_of_a_long_plan(&guard, planned);
        }
        Ok(guard)
    }
}
