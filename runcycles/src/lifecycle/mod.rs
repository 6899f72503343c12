//! The guarded call: reserve, run, settle.

mod context;
mod govern;
mod pinned;
mod with_cycles;

pub use self::context::{Context, context};
pub(crate) use self::govern::{Outcome, govern, tell};
pub use self::pinned::PinnedBody;
pub use self::with_cycles::{WithCyclesConfig, with_cycles};
