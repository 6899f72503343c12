//! What a client has seen of calls that are not held to what the authority says: numbers, and no requests.

mod book;
mod report;
mod row;

pub(crate) use self::book::{ShadowBook, Verdict};
pub use self::report::{ShadowCaller, ShadowDenial, ShadowOverage, ShadowReport, ShadowSpend};
