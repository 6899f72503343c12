//! The client for code that is not async: the same names in the same order, and the whole lifecycle behind them.
//!
//! A thread of the process, started by the first call, sends requests, extends reservations and settles in the background for all
//! blocking clients. Calls wait for it where they are made, inside a tokio runtime too; there they keep the thread from other
//! tasks, so an async program uses the async client. A client that is used here should be made for it, since connections belong
//! to the runtime that opened them.
//!
//! ```no_run
//! use runcycles::blocking::CyclesClient;
//! use runcycles::{Error, Reserve, usd};
//!
//! fn main() -> Result<(), Error> {
//!     let client = CyclesClient::from_env()?;
//!     let guard = client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(usd!(0.02)))?;
//!     // … call the model …
//!     guard.commit(usd!(0.013))?;
//!     Ok(())
//! }
//! ```
//!
//! `#[cycles]` guards plain functions with this feature.

mod client;
mod guard;
mod pages;
mod wait;

pub use self::client::{CyclesClient, set_default_client, with_cycles};
pub use self::guard::ReservationGuard;
pub use self::pages::Pages;
