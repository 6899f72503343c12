#![doc = include_str!("../README.md")]

mod chat;
mod error;
mod limit;
mod stream;
mod tally;

pub use cycles_tariff::{Tariff, TariffError};

pub use self::chat::GovernedChat;
pub use self::error::ChatError;
pub use self::stream::ChatStream;
