//! What became of a client's settlements, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Settlement;
use super::event::SettlementStep;
use crate::client::CyclesClient;

/// Declares the counters and their snapshot.
macro_rules! counters {
    ($( $(#[$doc:meta])+ $name:ident; )*) => {
        /// What became of a client's settlements since it was made.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct SettlementCounters {
            $( $(#[$doc])+ pub $name: u64, )*
        }

        /// The counters themselves. Each is right by itself; a snapshot may catch them between two steps.
        #[derive(Debug, Default)]
        pub(super) struct Tally {
            $( $name: AtomicU64, )*
        }

        impl Tally {
            fn snapshot(&self) -> SettlementCounters {
                SettlementCounters { $( $name: self.$name.load(Ordering::Relaxed), )* }
            }
        }
    };
}

counters! {
    /// Spend that is in the ledger by its commit, or by its event where nothing was held.
    committed;
    /// Spend that is in the ledger by an event, since its reservation had lapsed.
    recovered_by_event;
    /// Holds that were returned, or were found to be gone.
    released;
    /// Settlements that found their reservation settled before.
    already_finalized;
    /// Settlements that were refused for good: known spend among them is in no ledger.
    rejected;
    /// Attempts that repeated an earlier one.
    retried;
    /// Commits whose reservation had lapsed, and which became events.
    lapsed;
    /// Attempts that failed for want of a valid key, after which the settlement was kept.
    auth_kept;
    /// Settlements that went on in the background: their future was dropped, or had waited long enough.
    detached;
    /// Settlements that ran out of attempts and waited for a flush; each time counts.
    parked;
    /// Holds at an unknown cost that were left to lapse.
    held;
    /// Records of earlier processes that were taken up.
    taken_up;
    /// Writes of the journal that failed, or that took too long to be waited for.
    journal_failures;
}

impl SettlementCounters {
    /// Settlements that ended well.
    pub fn settled(&self) -> u64 {
        self.committed + self.recovered_by_event + self.released + self.already_finalized
    }
}

impl Tally {
    /// Counts a step.
    pub(super) fn count(&self, step: &SettlementStep<'_>) {
        let counter = match step {
            SettlementStep::TakenUp => &self.taken_up,
            SettlementStep::NotConfirmed(error) if error.is_auth() => &self.auth_kept,
            SettlementStep::Lapsed => &self.lapsed,
            SettlementStep::Detached => &self.detached,
            SettlementStep::Parked => &self.parked,
            SettlementStep::NotKept(_) => &self.journal_failures,
            SettlementStep::Settled(Settlement::Committed { .. } | Settlement::RecordedByEvent { .. }) => {
                &self.committed
            }
            SettlementStep::Settled(Settlement::RecoveredByEvent { .. }) => &self.recovered_by_event,
            SettlementStep::Settled(Settlement::Released { .. }) => &self.released,
            SettlementStep::Settled(Settlement::AlreadyFinalized) => &self.already_finalized,
            SettlementStep::Rejected(_) => &self.rejected,
            SettlementStep::Held => &self.held,
            SettlementStep::NotConfirmed(_) | SettlementStep::Settled(Settlement::Pending | Settlement::Observed) => {
                return;
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an attempt that repeats one.
    pub(super) fn count_repetition(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }
}

impl CyclesClient {
    /// What became of this client's settlements since it was made, whichever view of it made them.
    pub fn settlement_counters(&self) -> SettlementCounters {
        self.shared.observer.tally.snapshot()
    }
}
