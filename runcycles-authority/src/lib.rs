//! The Cycles authority, embedded: hard limits on spend and actions, in the process that spends.
//!
//! An [`Authority`] answers the same protocol as a Cycles server: the runtime plane, and with an admin key the admin plane too.
//! Clients in the same process reach it without a socket, others over HTTP. What it keeps is in memory and ends with it, or in a
//! directory that survives a kill.
//!
//! ```
//! use runcycles::usd;
//! use runcycles_authority::Authority;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let authority = Authority::builder().budget("tenant:acme", usd!(5)).start().await?;
//! let client = authority.client("acme");
//! assert_eq!(authority.ledger("tenant:acme").map(|ledger| ledger.remaining.to_string()), Some("$5.00".to_owned()));
//! # drop(client);
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod authority;
mod budget;
mod builder;
mod clock;
#[cfg(feature = "conformance")]
#[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
pub mod conformance;
mod engine;
mod faults;
mod fingerprint;
mod front;
mod http;
mod ids;
mod ledger;
#[cfg(feature = "evidence")]
mod notary;
mod pattern;
mod policy;
mod probe;
mod scope;
mod start_error;
mod state;
mod store;
mod tenant;
pub mod testing;
mod transport;
mod unit;
mod webhooks;

pub use self::authority::{Authority, KeyError};
pub use self::budget::{Budget, InvalidBudget};
pub use self::builder::AuthorityBuilder;
pub use self::clock::{Clock, ManualClock, SystemClock};
pub use self::engine::{BudgetError, Funding, InvalidTenant};
pub use self::faults::{Call, Fault, RecordedRequest};
pub use self::http::{BindError, Server, ServerLimits};
pub use self::ledger::{Ledger, LedgerStatus};
pub use self::policy::Policy;
pub use self::scope::InvalidScope;
pub use self::start_error::StartError;
pub use self::store::{Durability, StoreError};
pub use self::tenant::Tenant;
pub use self::transport::InProcess;

#[doc(hidden)]
pub mod __private {
    //! What benchmarks measure. Not public API.
    pub use crate::probe::EngineProbe;
}

/// The README's examples, which must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
