//! What a guarded call was asked to do: the arguments of `#[cycles]`, collected, and the values they may hold.

mod amount;
mod amounts;
mod attempt;
mod builder;
mod duration;
mod guard;
mod guarded;
mod metadata;
mod opened;
mod report;
mod scope_value;
mod uncapped_run;

pub use self::amount::IntoAmount;
pub use self::amounts::{Amounts, IntoAmounts};
pub use self::builder::{Call, CallBuilder};
pub use self::duration::Lasting;
pub use self::guard::{Fallible, Guard, GuardedResult, guard};
pub use self::metadata::IntoMetadata;
pub use self::scope_value::{Encoded, ScopeValue};
