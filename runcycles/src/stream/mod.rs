//! Streams that are counted as they flow and cut before they deliver more than was authorised.

mod governed;
mod meter;
mod metered;
mod slices;

pub use self::metered::{Metered, metered};
