#![doc = include_str!("../README.md")]

mod budget;
mod client;
mod refusal;
mod server;

pub use self::budget::ToolBudget;
pub use self::server::{GuardTools, Guarded};
