//! One reservation for many small calls.

mod actions;
mod admit;
mod chunk;
mod chunks;
mod counter;
mod handle;
mod keeper;
mod open;
mod part;
mod pool;
mod refill;
mod sub_reservation;
mod totals;

pub use self::handle::Lease;
pub use self::open::OpenLease;
pub use self::sub_reservation::SubReservation;
pub use self::totals::LeaseStats;
