//! A support desk that answers tickets, and is tested: `cargo test -p agent-with-tests`.
//!
//! Its tests are what to read, in `tests/desk/`. They run against an authority in the same process, each with its own.

mod desk;
mod error;
mod model;

pub use self::desk::{Answer, Desk, LARGE, SMALL, Ticket};
pub use self::error::AgentError;
pub use self::model::{Completion, Model, Words};
