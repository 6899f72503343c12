#![cfg_attr(docsrs, feature(doc_cfg))]
// The first definition of a link counts: here to the guide's modules and to the repository, on a git host to files beside the README.
//! [getting started]: crate::guide::getting_started
//! [budgets]: crate::guide::budgets
//! [streaming]: crate::guide::streaming
//! [failure and recovery]: crate::guide::failure_and_recovery
//! [testing]: crate::guide::testing
//! [observability]: crate::guide::observability
//! [production checklist]: crate::guide::production_checklist
//! [configuration]: crate::guide::configuration
//! [integrations]: crate::guide::integrations
//! [features]: crate::guide::features
//! [migrating]: crate::guide::migrating
//! [comparison]: crate::guide::comparison
//! [examples/README.md]: https://github.com/runcycles/runcycles-rust/blob/main/examples/README.md
//! [examples/integrations/README.md]: https://github.com/runcycles/runcycles-rust/blob/main/examples/integrations/README.md
//! [runcycles-authority/README.md]: https://github.com/runcycles/runcycles-rust/blob/main/runcycles-authority/README.md
//! [tests/README.md]: https://github.com/runcycles/runcycles-rust/blob/main/tests/README.md
//!
#![doc = include_str!("../README.md")]

#[cfg(feature = "admin")]
pub mod admin;
mod audit;
#[cfg(feature = "blocking")]
pub mod blocking;
mod budget;
#[cfg(feature = "budgets-file")]
pub mod budgets_file;
mod call;
mod client;
mod error;
#[cfg(feature = "evidence")]
pub mod evidence;
mod guard;
pub mod guide;
mod heartbeat;
#[cfg(feature = "journal")]
mod journal;
pub mod kinds;
mod lease;
mod lifecycle;
mod patterns;
mod planted;
mod price;
mod protocol;
mod reservation;
mod scope;
mod settlement;
mod shadow;
mod sites;
mod stream;
pub mod telemetry;
#[cfg(feature = "tower")]
pub mod tower;
mod transport;
mod tripwire;
#[cfg(feature = "webhooks")]
pub mod webhooks;

pub mod models {
    //! The protocol's requests, answers and values.
    pub use crate::protocol::*;
}

pub use self::audit::{Audit, AuditFinding, AuditedFunction, AuditedScope};
pub use self::budget::{Budget, Headroom};
pub use self::call::{Encoded, IntoAmount, ScopeValue};
pub use self::client::{
    ActionKinds, Allowance, Answer, CyclesClient, CyclesClientBuilder, CyclesConfig, Durability, HeartbeatPolicy,
    JournalConfig, Mode, ObservedDenial, OnUnavailable, OnUnsettled, Operation, Pages, Response, ResponseMetadata,
    RetryConfig, UnknownSpend, current_client, set_default_client,
};
pub use self::error::{ConfigError, Error, Refusal, StreamCut, TransportError, TransportErrorKind, denial};
pub use self::guard::{ReservationGuard, ShutdownReport};
pub use self::heartbeat::{LeaseState, LeaseStatus};
pub use self::lease::{Lease, LeaseStats, OpenLease, SubReservation};
pub use self::lifecycle::{Context, Priority, WithCyclesConfig, carry, context, spawn_in_context, with_cycles};
pub use self::patterns::{Degraded, SkippedRung, TenantClients};
#[cfg(feature = "admin")]
pub use self::patterns::{IssueMandate, Mandate, Run, StartRun, WorkflowCaps};
pub use self::price::{Price, PriceError, PriceTable, Usage};
pub use self::protocol::{Amount, Reserve, credits, risk_points, tokens};
pub use self::scope::Scope;
pub use self::settlement::{FlushReport, Settlement, SettlementCounters, SettlementEvent, SettlementStep};
pub use self::shadow::{ShadowCaller, ShadowDenial, ShadowOverage, ShadowReport, ShadowSpend};
pub use self::stream::{Metered, metered};
pub use self::telemetry::TraceContext;
#[cfg(feature = "hyper")]
pub use self::transport::HyperTransport;
#[cfg(feature = "reqwest")]
pub use self::transport::ReqwestTransport;
pub use self::transport::{BoxFuture, Transport};
pub use self::tripwire::{HostCalls, Tripwire, TripwireReport, UnguardedCall};

/// Guards an async function: its body runs only after its budget has been reserved.
///
/// ```
/// use runcycles::{Error, cycles, tokens};
///
/// #[derive(Debug)]
/// enum AgentError {
///     Cycles(Error),
///     Model(String),
/// }
///
/// impl From<Error> for AgentError {
///     fn from(error: Error) -> Self {
///         Self::Cycles(error)
///     }
/// }
///
/// struct Reply {
///     text: String,
///     tokens: u64,
/// }
///
/// #[cycles(tokens(1_000), "llm.completion", action_name = model, agent = user_id, actual = |reply| tokens(reply.tokens))]
/// async fn chat(user_id: &str, model: &str, prompt: &str) -> Result<Reply, AgentError> {
///     if prompt.is_empty() {
///         return Err(AgentError::Model("nothing to answer".to_owned()));
///     }
///     Ok(Reply { text: format!("{user_id} said {prompt}"), tokens: 12 })
/// }
/// ```
///
#[cfg(feature = "macros")]
pub use runcycles_macros::cycles;

/// Implements [`ScopeValue`] for an enum or for a struct with one field.
///
/// ```
/// use runcycles::ScopeValue;
///
/// #[derive(ScopeValue)]
/// enum Team {
///     Engineering,
///     #[scope_value("helpdesk")]
///     Support,
/// }
///
/// #[derive(ScopeValue)]
/// struct UserId(u64);
///
/// assert_eq!(Team::Engineering.scope_value().as_deref(), Some("engineering"));
/// assert_eq!(Team::Support.scope_value().as_deref(), Some("helpdesk"));
/// assert_eq!(UserId(7).scope_value().as_deref(), Some("7"));
/// ```
///
#[cfg(feature = "macros")]
pub use runcycles_macros::ScopeValue;

#[doc(hidden)]
pub mod __direct {
    //! What the embedded authority answers to a client in the same process. Not public API.
    pub use crate::transport::{Direct, DirectAnswer, DirectBalance, DirectBudgets, DirectCommit, DirectHold};
}

#[doc(hidden)]
pub mod __private {
    //! Names that macros expand to. Not public API.
    pub use crate::call::{
        Amounts, Call, CallBuilder, Fallible, Guard, GuardedResult, IntoAmounts, IntoMetadata, Lasting, guard,
    };
    pub use crate::client::{HeartbeatPolicy, Mode, OnUnsettled, UnknownSpend};
    pub use crate::lifecycle::{PinnedBody, Priority};
    pub use crate::patterns::{Ladder, rung_name};
    pub use crate::protocol::{CommitOveragePolicy, Level, Unit, usd_literal};
}

#[doc(hidden)]
#[cfg(feature = "__simulation")]
pub mod __simulation {
    //! What a simulation puts in the place of this crate's own: a disk, a clock, bugs. Not public API.
    pub use crate::journal::{Entry, Host, HostDisk as Disk, Hosted, OpenFile, Work};
    pub use crate::planted::{Bug, Planted, plant};
}
