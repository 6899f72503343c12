//! What the client tells of guarded calls while it runs: spans and events by [`tracing`], with the names below.
//!
//! They stay as they are within a major version. Without a subscriber that is interested they cost a comparison each, and nothing is
//! formatted or allocated. None of them carries a prompt, a key, a body, or the text of an error of the application's.
//!
//! | name | what | level | fields |
//! |---|---|---|---|
//! | [`CALL`] | span: from the reservation to the settlement, with the action in between | info | `action.kind`, `action.name`, `scope`, `estimate`, `unit`, `decision`, `reason`, `reservation.id`, `trace.id`, `actual`, `charged`, `settlement`, and those of [`gen_ai`] |
//! | [`DECISION`] | event: what the authority said of a reservation | debug; info where it said no | `reservation.id`, `decision`, `reason`, `action.kind`, `scope`, `estimate`, `unit`, `trace.id` |
//! | [`SETTLEMENT`] | event: a step of a settlement, in a call or in the background | debug | `reservation.id`, `settlement`, `spend`, `charged`, `unit`, `error.code` |
//! | [`HEARTBEAT`] | event: how the lease of a reservation goes on | debug | `reservation.id`, `state`, `error.code` |
//!
//! All have the target [`TARGET`]. Amounts are whole numbers of `unit`. `scope` is the subject, such as `tenant:acme/agent:bot`.
//! `decision` is `ALLOW`, `ALLOW_WITH_CAPS`, `DENY`, or `NONE` where nobody said anything usable; `reason` is the code of a denial,
//! or the kind of an error. `settlement` is `committed`, `recorded_by_event`, `recovered_by_event`, `released`,
//! `already_finalized`, `rejected`, `lapsed`, `detached`, `parked`, `held`, `not_confirmed`, `not_kept`, `taken_up` or `observed`.
//! `state` is `extended`, `retrying` or `stopped`.
//!
//! A call whose own conditions deny what the authority allowed (a level that must have a budget and has none, a tier's floor) has two
//! decisions: the authority's, and a `DENY` for the same reservation, which is returned.
//!
//! A call that takes of a [lease](crate::Lease) has neither span nor decision of its own, and its end is told as a settlement that is
//! `observed`, with the id of the lease's reservation: decisions, settlements and metrics of amounts are those of the lease's chunks.
//!
//! A span ends when its settlement has an answer, goes on in the background, or is given up: what happens in the background is told by
//! events with the same `reservation.id`. An action that is a future runs inside of its span.
//!
//! Beside these, the client writes messages for operators, at the levels warn and error where something needs them; their words may
//! change. With the feature `metrics`, the same is counted: see [`metrics`](self#metrics).
//!
//! # Metrics
//!
//! With the feature `metrics`, by the `metrics` facade:
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `cycles.decisions` | counter | `decision`, `action_kind` | reservations that were asked for |
//! | `cycles.denials` | counter | `scope`, `reason` | those that were denied, by the authority or by the call's own conditions |
//! | `cycles.estimated` | counter | `unit` | what was reserved; nothing where nothing is held |
//! | `cycles.actual` | counter | `unit` | what was committed |
//! | `cycles.commit.ratio` | histogram | `unit` | what was committed, as a part of what was reserved |
//! | `cycles.settlements` | counter | `settlement` | steps of settlements |
//! | `cycles.settlements.pending` | gauge | | settlements in the background |
//! | `cycles.heartbeats` | counter | `state` | extensions, and what became of them |
//! | `cycles.leases` | gauge | | reservations that are kept alive |
//!
//! Labels have few values: `action_kind` is `other` for kinds that are not [registered](crate::kinds), and `scope` names the scope
//! that said no down to the level `app` unless the client is [told otherwise](crate::CyclesClientBuilder::metric_scopes): workflows
//! and agents can be without number.

mod call_span;
mod decision;
pub mod gen_ai;
mod heartbeat;
#[cfg(feature = "metrics")]
mod meters;
mod settlement;
mod trace_context;

pub(crate) use self::call_span::CallSpan;
pub(crate) use self::decision::{Asked, TurnedDown, allowed, denied, turned_down};
pub(crate) use self::heartbeat::{LeaseStep, lease};
#[cfg(feature = "metrics")]
pub(crate) use self::meters::{LiveLease, PendingSettlement, committed, held};
pub(crate) use self::settlement::{Step, settlement};
pub(crate) use self::trace_context::{ambient, carry_trace};

pub use self::trace_context::TraceContext;

/// The target of the spans and events of this module.
pub const TARGET: &str = "runcycles";

/// The span of a guarded call.
pub const CALL: &str = "cycles.call";

/// The event of a decision.
pub const DECISION: &str = "cycles.decision";

/// The event of a step of a settlement.
pub const SETTLEMENT: &str = "cycles.settlement";

/// The event of a lease.
pub const HEARTBEAT: &str = "cycles.heartbeat";
