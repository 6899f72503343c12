//! The desk, as its users are promised that it behaves.

mod decisions;
mod limits;
mod prices;
mod trouble;
mod world;
