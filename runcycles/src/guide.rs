//! The guide: what to write, what happens, and what to do when it goes wrong.
//!
//! | page | what it answers |
//! |---|---|
//! | [getting started](getting_started) | the first budget in five minutes, then the same against a server |
//! | [budgets] | which level to limit, and what to write for each way of limiting |
//! | [streaming] | answers that arrive in pieces, and are cut before they cost too much |
//! | [failure and recovery](failure_and_recovery) | every error and what to do about it; what a crash costs |
//! | [testing] | tests of an agent: what it asked for, decisions on demand, faults, streams, prices, time |
//! | [observability] | what to look at while it runs, and what to be woken for |
//! | [production checklist](production_checklist) | what to decide before agents run on it |
//! | [configuration] | every variable and setting |
//! | [integrations] | model clients, tools and servers, each with the lines to add |
//! | [features] | what each feature adds, and what it costs in dependencies |
//! | [migrating] | from the client published as 0.3.2 |
//! | [comparison] | what else there is, and what was measured |

#[doc = include_str!("../docs/getting-started.md")]
pub mod getting_started {}

#[doc = include_str!("../docs/budgets.md")]
pub mod budgets {}

#[doc = include_str!("../docs/streaming.md")]
pub mod streaming {}

#[doc = include_str!("../docs/failure-and-recovery.md")]
pub mod failure_and_recovery {}

#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/observability.md")]
pub mod observability {}

#[doc = include_str!("../docs/production-checklist.md")]
pub mod production_checklist {}

#[doc = include_str!("../docs/configuration.md")]
pub mod configuration {}

#[doc = include_str!("../docs/integrations.md")]
pub mod integrations {}

#[doc = include_str!("../docs/features.md")]
pub mod features {}

#[doc = include_str!("../docs/migrating.md")]
pub mod migrating {}

#[doc = include_str!("../docs/comparison.md")]
pub mod comparison {}
