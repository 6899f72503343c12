//! Keeping live reservations alive: one task for all of a client's.

mod attempt;
mod extension;
mod lease_ref;
mod live;
mod schedule;
mod scheduler;
mod status;

pub(crate) use self::lease_ref::LeaseRef;
pub(crate) use self::scheduler::{Beat, Heartbeat};

pub use self::status::{LeaseState, LeaseStatus};
