//! The guarded call: reserve, run, settle.

mod admission;
mod begin;
mod carry;
mod context;
mod govern;
mod nesting;
mod pinned;
mod priority;
mod told;
mod unheld;
mod with_cycles;

pub(crate) use self::admission::{Terms, admit};
pub use self::carry::{carry, spawn_in_context};
pub use self::context::{Context, context};
pub(crate) use self::govern::{Outcome, govern, tell};
pub use self::pinned::PinnedBody;
pub use self::priority::Priority;
pub(crate) use self::told::ToldPlaces;
pub use self::with_cycles::{WithCyclesConfig, with_cycles};
