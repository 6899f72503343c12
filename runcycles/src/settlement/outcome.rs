//! How a settlement ended, as its caller sees it.

use std::fmt;

use crate::protocol::{Amount, Balance, CommitResponse, EventCreateResponse, EventId};
use crate::transport::{DirectBalance, DirectCommit};

/// How a settlement ended, or where it stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Settlement {
    /// The spend is in the ledger.
    #[non_exhaustive]
    Committed {
        /// What was charged.
        charged: Amount,
        /// What was returned of the hold; absent means nothing.
        released: Option<Amount>,
        /// What the overage policy left uncharged of the actual amount; absent means nothing.
        uncovered: Option<Amount>,
        /// The budgets after the commit.
        balances: Vec<Balance>,
    },
    /// The hold was returned.
    #[non_exhaustive]
    Released {
        /// How much it was; absent where the reservation had lapsed or was settled before.
        released: Option<Amount>,
    },
    /// The reservation had lapsed, and the spend was put into the ledger by an event.
    #[non_exhaustive]
    RecoveredByEvent {
        /// The event.
        event_id: EventId,
        /// What the overage policy left uncharged of the actual amount; absent means nothing.
        uncovered: Option<Amount>,
    },
    /// Nothing was held, since the call ran in a shadow [`Mode`](crate::Mode) or by the [`Allowance`](crate::Allowance) for times
    /// without the authority, and the spend was put into the ledger by an event.
    #[non_exhaustive]
    RecordedByEvent {
        /// The event.
        event_id: EventId,
        /// What the overage policy left uncharged of the actual amount; absent means nothing.
        uncovered: Option<Amount>,
        /// The budgets after the event.
        balances: Vec<Balance>,
    },
    /// The reservation was settled before, by another commit or a release.
    AlreadyFinalized,
    /// No clear answer yet; the settlement goes on in the background with the same key and bytes.
    Pending,
    /// The authority only observes this tenant; there was nothing to settle.
    Observed,
}

impl Settlement {
    /// Whether nothing is left to do.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Pending)
    }

    /// How it ended, in one word that telemetry can show.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Committed { .. } => "committed",
            Self::Released { .. } => "released",
            Self::RecoveredByEvent { .. } => "recovered_by_event",
            Self::RecordedByEvent { .. } => "recorded_by_event",
            Self::AlreadyFinalized => "already_finalized",
            Self::Pending => "pending",
            Self::Observed => "observed",
        }
    }

    /// What was charged, where the answer says.
    pub(super) fn charged(&self) -> Option<&Amount> {
        if let Self::Committed { charged, .. } = self { Some(charged) } else { None }
    }

    pub(super) fn committed(answer: CommitResponse, actual: Option<&Amount>) -> Self {
        let uncovered = uncovered(actual, Some(&answer.charged));
        Self::Committed { charged: answer.charged, released: answer.released, uncovered, balances: answer.balances }
    }

    pub(super) fn committed_directly(done: DirectCommit, actual: &Amount, is_unseen: bool) -> Self {
        let amount = |value| Amount::new(actual.unit().clone(), value);
        let charged = amount(done.charged);
        Self::Committed {
            uncovered: uncovered(Some(actual), Some(&charged)),
            charged,
            released: (done.released > 0).then(|| amount(done.released)),
            balances: if is_unseen { Vec::new() } else { done.lines.iter().map(DirectBalance::to_balance).collect() },
        }
    }

    pub(super) fn recorded(answer: EventCreateResponse, actual: Option<&Amount>) -> Self {
        let uncovered = uncovered(actual, answer.charged.as_ref());
        Self::RecordedByEvent { event_id: answer.event_id, uncovered, balances: answer.balances }
    }

    pub(super) fn recovered(answer: EventCreateResponse, actual: Option<&Amount>) -> Self {
        let uncovered = uncovered(actual, answer.charged.as_ref());
        Self::RecoveredByEvent { event_id: answer.event_id, uncovered }
    }
}

impl fmt::Display for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uncovered = match self {
            Self::Committed { charged, released, uncovered, .. } => {
                write!(f, "{charged} committed")?;
                if let Some(released) = released {
                    write!(f, ", {released} returned")?;
                }
                uncovered
            }
            Self::RecoveredByEvent { event_id, uncovered } => {
                write!(f, "recorded by event {event_id} after the reservation lapsed")?;
                uncovered
            }
            Self::RecordedByEvent { event_id, uncovered, .. } => {
                write!(f, "recorded by event {event_id}")?;
                uncovered
            }
            Self::Released { released: Some(released) } => return write!(f, "{released} returned"),
            Self::Released { released: None } => return f.write_str("nothing was held any more"),
            Self::AlreadyFinalized => return f.write_str("settled before"),
            Self::Pending => return f.write_str("not confirmed yet; settling goes on in the background"),
            Self::Observed => return f.write_str("observed only; nothing to settle"),
        };
        match uncovered {
            Some(uncovered) => write!(f, ", {uncovered} not covered by the budget"),
            None => Ok(()),
        }
    }
}

/// What was not charged of an amount; a charge that is not mentioned is the whole amount.
fn uncovered(actual: Option<&Amount>, charged: Option<&Amount>) -> Option<Amount> {
    actual?.checked_sub(charged?).ok().filter(|rest| !rest.is_zero())
}
