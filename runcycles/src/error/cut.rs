//! The end of a stream that may deliver no more.

use super::Error;
use crate::protocol::Amount;
use crate::settlement::Settlement;

/// A stream was cut before it delivered more than was authorised. This is its last item; the stream itself has been dropped.
///
/// The [`source`](std::error::Error::source) is why no more was authorised: a denial, or an authority that gave no clear answer.
#[derive(Debug, thiserror::Error)]
#[error("stream cut after {delivered}, before an item of {withheld}: no more than {authorised} was authorised")]
#[non_exhaustive]
pub struct StreamCut {
    /// What was delivered, all in all: at most what was authorised.
    pub delivered: Amount,
    /// What was authorised, all in all.
    pub authorised: Amount,
    /// The size of the item that was not delivered.
    pub withheld: Amount,
    /// How the last part of what was delivered was settled; everything before it was handed to settlement when it was used up.
    pub settlement: Result<Settlement, Error>,
    /// Why no more was authorised.
    #[source]
    pub cause: Error,
}
