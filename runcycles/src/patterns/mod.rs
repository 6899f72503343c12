//! Ways to spend within budgets, out of guarded calls.

mod degraded;
mod ladder;

pub use self::degraded::{Degraded, SkippedRung};
pub use self::ladder::{Ladder, rung_name};
