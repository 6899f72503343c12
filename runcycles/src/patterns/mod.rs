//! Ways to spend within budgets, out of guarded calls.

mod degraded;
mod ladder;
#[cfg(feature = "admin")]
mod mandate;
#[cfg(feature = "admin")]
mod place;
#[cfg(feature = "admin")]
mod run;
mod tenant_clients;
#[cfg(feature = "admin")]
mod workflow_caps;

pub use self::degraded::{Degraded, SkippedRung};
pub use self::ladder::{Ladder, rung_name};
#[cfg(feature = "admin")]
pub use self::mandate::{IssueMandate, Mandate};
#[cfg(feature = "admin")]
pub use self::run::{Run, StartRun};
pub use self::tenant_clients::TenantClients;
#[cfg(feature = "admin")]
pub use self::workflow_caps::WorkflowCaps;
