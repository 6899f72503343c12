//! Plain HTTP: requests of any shape, and what came back.

mod answer;
mod call;
mod endpoint;
mod verdict;

pub(super) use self::answer::Answer;
pub(super) use self::call::{Call, join_all};
pub use self::endpoint::{ConnectError, Endpoint};
pub use self::verdict::Failure;
pub(super) use self::verdict::{Stop, Verdict};
