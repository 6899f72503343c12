//! How the lease of a reservation stands, as its owner sees it.

use std::time::Duration;

/// How the lease of a reservation stands.
///
/// ```
/// use runcycles::LeaseState;
///
/// # fn example() -> Option<()> {
/// let lease = runcycles::context()?.lease();
/// if lease.state == LeaseState::Stopped && lease.left.as_secs() < 10 {
///     println!("wrapping up: {}", lease.stopped_because.unwrap_or_default());
/// }
/// # Some(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseStatus {
    /// How long the reservation lives at least, by what the authority has said, unless it is extended.
    pub left: Duration,
    /// What the heartbeat does about it.
    pub state: LeaseState,
    /// Why the reservation is no longer extended, where that is so.
    pub stopped_because: Option<String>,
}

/// What the heartbeat does about a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaseState {
    /// It extends the reservation as needed.
    Kept,
    /// The latest extension failed, and will be repeated.
    Retrying,
    /// It has ended; the reservation runs out unless its action ends first.
    Stopped,
    /// It has ended, and the reservation has run out or is gone, as far as is known. Spend is settled all the same, by an event
    /// if need be.
    Lost,
    /// There is nothing to extend: the reservation is being settled, or the authority only observes.
    Ended,
}

impl LeaseStatus {
    /// The status where there is nothing to extend.
    pub(crate) fn ended() -> Self {
        Self { left: Duration::ZERO, state: LeaseState::Ended, stopped_because: None }
    }

    /// Whether the reservation was lost while its action ran.
    pub(crate) fn is_lost(&self) -> bool {
        self.state == LeaseState::Lost
    }
}
