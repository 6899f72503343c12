//! What becomes of settlements, as it is told to the hook of a client.

use std::error::Error as StdError;

use super::Settlement;
use crate::error::Error;
use crate::protocol::Amount;
use crate::telemetry::Step;

/// Something that became of a settlement, as [`CyclesClientBuilder::on_settlement`](crate::CyclesClientBuilder::on_settlement)
/// is told.
#[derive(Debug)]
#[non_exhaustive]
pub struct SettlementEvent<'a> {
    /// The reservation; where its id was lost with an answer, the key that it was asked for with.
    pub reservation: &'a str,
    /// The known spend at stake. Absent where a hold is returned, and where another client's record does not say it in a known
    /// way.
    pub spend: Option<&'a Amount>,
    /// What happened.
    pub step: SettlementStep<'a>,
}

/// What happened to a settlement.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum SettlementStep<'a> {
    /// An earlier process left it in the journal; it goes on here.
    TakenUp,
    /// An attempt got no final answer. The settlement stays, with its key and bytes; where the error is one of
    /// [authentication](Error::is_auth) it needs another key.
    NotConfirmed(&'a Error),
    /// The reservation had lapsed before its commit arrived; the spend is recorded by an event from now on.
    Lapsed,
    /// It goes on in the background: its future was dropped, or has waited long enough.
    Detached,
    /// It is not tried again by itself: it waits for [`flush`](crate::CyclesClient::flush), or for the next process where there
    /// is a journal.
    Parked,
    /// The journal failed to keep it; it is settled all the same, and is lost if the process ends before.
    NotKept(&'a (dyn StdError + 'static)),
    /// It ended well. Dry runs and tenants in observe mode have nothing to settle and are not told of.
    Settled(&'a Settlement),
    /// It was refused for good: known spend is in no ledger, and a hold lapses.
    Rejected(&'a Error),
    /// A hold at an unknown cost is left to lapse, as the [`UnknownSpend`](crate::UnknownSpend) policy says.
    Held,
}

impl<'a> SettlementStep<'a> {
    /// The step as telemetry tells it.
    pub(super) fn told(self, reservation: &'a str, spend: Option<&'a Amount>) -> Step<'a> {
        let (word, ends_call) = match self {
            Self::TakenUp => ("taken_up", false),
            Self::NotConfirmed(_) => ("not_confirmed", false),
            Self::Lapsed => ("lapsed", false),
            Self::Detached => ("detached", true),
            Self::Parked => ("parked", true),
            Self::NotKept(_) => ("not_kept", false),
            Self::Settled(settlement) => (settlement.word(), true),
            Self::Rejected(_) => ("rejected", true),
            Self::Held => ("held", true),
        };
        let charged = if let Self::Settled(settlement) = self { settlement.charged() } else { None };
        let error = if let Self::NotConfirmed(error) | Self::Rejected(error) = self { Some(error) } else { None };
        Step { reservation, word, spend, charged, error, ends_call }
    }
}
