//! Keeping live reservations alive: one task for all of a client's.

mod extension;
mod schedule;
mod scheduler;

pub(crate) use self::scheduler::{Beat, Heartbeat, LeaseRef};
