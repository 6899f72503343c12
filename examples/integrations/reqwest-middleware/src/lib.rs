#![doc = include_str!("../README.md")]

mod body;
mod budget;
mod not_sent;
mod tripwire;

pub use self::budget::{BudgetMiddleware, Read};
pub use self::not_sent::NotSent;
pub use self::tripwire::{TripwireMiddleware, TripwireResolver};
