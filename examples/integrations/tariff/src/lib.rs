#![doc = include_str!("../README.md")]

mod count;
mod guess;
mod tariff;

pub use self::count::Count;
pub use self::guess::guess_tokens;
pub use self::tariff::{Tariff, TariffError};
