//! What the authority decides: commands on the state, as functions of it and of the time.

mod action_rules;
pub(crate) mod admin;
mod admission;
mod authentication;
mod balances;
mod charge;
mod commit;
mod decide;
mod deny_detail;
mod event;
mod expiry;
mod extend;
mod funding;
mod get;
mod hold;
mod inspect;
mod list;
mod policy;
mod provision;
mod quota_notice;
mod refusal;
mod release;
mod reserve;
mod telling;

use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, Millis};
use crate::state::{KeyDigest, State};
use crate::store::{Store, StoreError, Unwritten};
use crate::webhooks::Desk;

pub(crate) use self::action_rules::{ActionFacts, QuotaHit, Rule};
pub(crate) use self::authentication::{Caller, Unauthorized};
pub(crate) use self::balances::{BalanceFilter, ListBalances};
pub(crate) use self::commit::{Commit, Committed};
pub(crate) use self::decide::{Decide, Decided};
pub(crate) use self::event::{Applied, RecordEvent};
pub(crate) use self::extend::{Extend, Extended};
pub use self::funding::{BudgetError, Funding};
pub(crate) use self::funding::{Fund, SetStatus};
pub(crate) use self::get::GetReservation;
pub(crate) use self::hold::BalanceLine;
pub(crate) use self::inspect::{CountRows, DescribeHolds, ReadAllLedgers, ReadLedgers, ResolveTenant, RowCounts};
pub(crate) use self::list::{ListReservations, ReservationFilter, SortBy, SortValue, Sorting, Status};
pub use self::provision::InvalidTenant;
pub(crate) use self::provision::{AddApiKey, ensure_tenant};
pub(crate) use self::refusal::{Denial, Reason, Refusal};
pub(crate) use self::release::{Release, Released};
pub(crate) use self::reserve::{RUN_ID, Reserve, Reserved, SubjectPath};

/// Something the authority can be asked to do. It happens completely or, where the outcome is a refusal, not at all.
pub(crate) trait Command {
    /// What came of it.
    type Outcome;

    /// Does it at a time.
    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome;
}

/// The state, and the one way to it.
#[derive(Debug)]
pub(crate) struct Engine {
    /// One lock over everything: a reservation touches ledgers of several scopes, and nobody may see it half done. Commands
    /// take a few microseconds and never wait, so waiters spin briefly at worst.
    state: Mutex<State>,
    clock: SharedClock,
    store: Option<Store>,
    desk: Desk,
}

impl Engine {
    pub(crate) fn new(state: State, clock: Arc<dyn Clock>, store: Option<Store>) -> Self {
        let desk = Desk::default();
        desk.notice(&state);
        Self { state: Mutex::new(state), clock: SharedClock(clock), store, desk }
    }

    /// Does a command now, after everything whose time has come. Nobody outside may learn of the outcome while
    /// [`unwritten`](Self::unwritten) returns something.
    pub(crate) fn execute<C: Command>(&self, command: C) -> C::Outcome {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = state.reach(self.clock.0.now_ms());
        expiry::expire_due(&mut state, now);
        let outcome = command.apply(&mut state, now);
        let notices = state.take_notices();
        if state.is_listened_to() {
            for notice in &notices {
                telling::tell_of_quota(&mut state, notice);
            }
        }
        if state.has_news() {
            let news = state.take_news();
            self.desk.tell(&state, news, now);
        }
        if let Some(store) = &self.store {
            store.put(&mut state);
        }
        drop(state);
        notices.iter().for_each(quota_notice::tell);
        outcome
    }

    /// Finds the tenant of an API key. What is due changes no key and no tenant, so it is left to the command that follows.
    pub(crate) fn authenticate(&self, key: &str) -> Result<Caller, Unauthorized> {
        let digest = KeyDigest::of(key);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        authentication::authenticate(&state, key, &digest, || state.now().max(self.clock.0.now_ms()))
    }

    /// What tells those who subscribed.
    pub(crate) fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The time by the authority's clock.
    pub(crate) fn clock_ms(&self) -> Millis {
        self.clock.0.now_ms()
    }

    /// Whether a store keeps what commands change.
    pub(crate) fn keeps_state(&self) -> bool {
        self.store.is_some()
    }

    /// What commands have changed up to now and no store has kept yet. Without a store there is nothing to wait for.
    pub(crate) fn unwritten(&self) -> Option<Unwritten> {
        self.store.as_ref()?.unwritten()
    }

    /// Waits on this thread until everything that commands have changed is kept.
    pub(crate) fn wait_written(&self) -> Result<(), StoreError> {
        self.unwritten().map_or(Ok(()), Unwritten::wait)
    }

    /// Gives the store back. What commands change later is not kept.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        match &self.store {
            Some(store) => store.close().await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
impl Engine {
    /// Looks at the state.
    pub(crate) fn inspect<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }
}

struct SharedClock(Arc<dyn Clock>);

impl std::fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
