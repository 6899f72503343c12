//! What programs on a terminal have in common: this one, and the examples.

mod chain;
mod screen;
mod text;

pub use self::chain::chain;
pub use self::screen::{Screen, size};
pub use self::text::bar;
pub(crate) use self::text::{columns, cut};
