//! Tests of what spends: what an agent asked for and what it was told, decisions on demand, streams and prices that stand still.
//!
//! The methods are on [`Authority`](crate::Authority): [`calls`](crate::Authority::calls) and what asserts on them, and
//! [`rule`](crate::Authority::rule) beside [`inject`](crate::Authority::inject). The guide has a page on how they go together.

mod assertions;
mod call_table;
mod frozen_prices;
mod recorded_call;
mod recorded_calls;
mod ruling;
mod rulings;
mod scripted_stream;
mod tokio_clock;

/// The status of an answer, as [`Fault::Status`](crate::Fault::Status) takes it and records have it.
pub use http::StatusCode;

pub use self::frozen_prices::{FrozenPrices, FrozenPricesError};
pub use self::recorded_call::RecordedCall;
pub use self::recorded_calls::RecordedCalls;
pub(crate) use self::ruling::Effect;
pub use self::ruling::Ruling;
pub(crate) use self::rulings::Rulings;
pub use self::scripted_stream::{ScriptedStream, StreamWatch, collect};
pub use self::tokio_clock::TokioClock;
