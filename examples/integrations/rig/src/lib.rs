#![doc = include_str!("../README.md")]

mod completion;
mod holds;
mod hook;
mod refusal;
mod settle;
mod tool;

pub use cycles_tariff::{Tariff, TariffError};

pub use self::hook::BudgetHook;
