//! Who is told what becomes of settlements.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::claim::Claim;
use super::counters::Tally;
use super::event::{SettlementEvent, SettlementStep};
use crate::protocol::Amount;
use crate::telemetry::{self, CallSpan};

/// What an application does when it is told.
pub(crate) type Hook = Arc<dyn Fn(&SettlementEvent<'_>) + Send + Sync>;

/// The counters of a client, and its hook.
pub(crate) struct Observer {
    pub(super) tally: Tally,
    hook: Option<Hook>,
}

impl Observer {
    pub(crate) fn new(hook: Option<Hook>) -> Self {
        Self { tally: Tally::default(), hook }
    }

    /// Whether anybody is told.
    pub(crate) fn is_heard(&self) -> bool {
        self.hook.is_some()
    }

    /// Tells of a step of a claim. No lock is held, and whatever the hook does, the settlement goes on.
    pub(super) fn tell(&self, claim: &Claim, step: SettlementStep<'_>) {
        let spend = claim.spend().and_then(|spend| spend.actual.as_ref());
        self.tell_of(claim.name(), spend, step, &claim.span);
    }

    /// Tells of a step of a settlement that is no claim.
    pub(super) fn tell_of(&self, reservation: &str, spend: Option<&Amount>, step: SettlementStep<'_>, span: &CallSpan) {
        self.tally.count(&step);
        telemetry::settlement(span, step.told(reservation, spend));
        let Some(hook) = &self.hook else { return };
        let event = SettlementEvent { reservation, spend, step };
        if catch_unwind(AssertUnwindSafe(|| hook(&event))).is_err() {
            tracing::error!(reservation, "the settlement hook panicked; the settlement goes on");
        }
    }
}
