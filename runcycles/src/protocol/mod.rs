//! The vocabulary of the protocol: requests, answers, amounts, ids. No I/O.
//!
//! Values from newer servers survive: unknown enum values and unknown members are kept. What the protocol requires is
//! required here too, with its type.

mod action;
mod action_kind;
mod action_quota;
#[cfg(feature = "admin")]
pub(crate) mod admin;
mod amount;
mod balance;
mod decision;
mod deny_detail;
mod error_response;
mod evidence;
mod ids;
mod metrics;
mod observe_mode;
mod policy_keys;
mod queries;
mod requests;
mod responses;
mod short_text;
pub(crate) mod string_enum;
mod subject;
mod timestamp;
mod unit;
pub(crate) mod validation;
pub(crate) mod wire_object;

pub(crate) use self::queries::QueryPairs;

pub use self::action::Action;
pub use self::action_kind::{ActionKind, ActionKindPage, ListActionKinds, PolicyKeySpec, RiskClass};
pub use self::action_quota::{ActionQuota, ActionRules, RiskClassQuota};
#[doc(hidden)]
pub use self::amount::usd_literal;
pub use self::amount::{Amount, AmountError, MAX_AMOUNT, SignedAmount, credits, risk_points, tokens};
pub use self::balance::{Balance, BalanceResponse};
pub use self::decision::{Caps, Decision, ReasonCode};
pub use self::deny_detail::{DenyDetail, QuotaViolation, QuotaWindow};
pub use self::error_response::{ErrorCode, ErrorResponse};
pub use self::evidence::{EvidenceRef, ReservationEvidence};
pub use self::ids::{EventId, IdError, IdempotencyKey, ReservationId};
pub use self::metrics::CyclesMetrics;
pub(crate) use self::metrics::MAX_MODEL_VERSION;
pub use self::observe_mode::ObserveMode;
pub use self::policy_keys::PolicyKeys;
pub use self::queries::{BalanceParams, Include, ListReservationsParams, SortDirection, SortKey};
pub use self::requests::{
    CommitOveragePolicy, CommitRequest, CommitRequestBuilder, DecisionRequest, DecisionRequestBuilder,
    EventCreateRequest, EventCreateRequestBuilder, ExtendRequest, Metadata, Missing, ReleaseRequest,
    ReservationCreateRequest, Reserve,
};
pub use self::responses::{
    CommitResponse, CommitStatus, DecisionResponse, EventCreateResponse, EventStatus, ExtendResponse, ExtendStatus,
    ReleaseResponse, ReleaseStatus, ReservationCreateResponse, ReservationDetail, ReservationListResponse,
    ReservationStatus, ReservationSummary,
};
pub use self::string_enum::UnknownValue;
pub use self::subject::{Level, Subject};
pub use self::timestamp::Timestamp;
pub use self::unit::Unit;
pub use self::validation::ValidationError;
pub use self::wire_object::Extra;
