//! What was measured, as a table, as JSON, and beside what was recorded before.

mod bars;
mod conclusion;
mod figure;
mod machine;
mod options;
mod record;
mod spread;
mod table;

pub(crate) use self::conclusion::conclude;
pub(crate) use self::figure::{Better, Figure, Unit};
pub(crate) use self::options::Options;
pub(crate) use self::spread::Spread;
