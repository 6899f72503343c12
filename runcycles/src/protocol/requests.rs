//! Requests, and how they are built.

use std::time::Duration;

use serde::Serialize;

use super::string_enum::string_enum;
use super::validation::{ValidationError, check_chars, check_range};
use super::wire_object::Extra;
use super::{Action, Amount, CyclesMetrics, IdempotencyKey, MAX_AMOUNT, ObserveMode, PolicyKeys, Subject};

/// Free data that travels with a request: a JSON object.
pub type Metadata = Extra;

string_enum! {
    /// What happens when the actual amount is larger than the reserved one (protocol: `CommitOveragePolicy`).
    ///
    /// A request that names none follows the tenant's setting.
    pub enum CommitOveragePolicy {
        /// The commit is refused. The work has been done by then: reserve with a buffer.
        Reject = "REJECT",
        /// The excess is charged as far as the budgets have it, and a budget that has not is over its limit until it is funded.
        AllowIfAvailable = "ALLOW_IF_AVAILABLE",
        /// The excess becomes debt, up to the budget's overdraft limit.
        AllowWithOverdraft = "ALLOW_WITH_OVERDRAFT",
    }
}

/// Stands for a required member that has not been given yet.
#[derive(Clone, Copy, Debug)]
pub struct Missing;

/// Declares a request about an action and an amount, and its builder.
///
/// Input: the request, its builder, the name of the amount, the optional members with plain setters, and those whose
/// setters are written by hand. Output: both types. `build` exists only once action and amount have been given.
macro_rules! action_request {
    (
        $(#[$meta:meta])*
        pub struct $request:ident;
        $(#[$builder_meta:meta])*
        builder $builder:ident;
        $(#[$amount_meta:meta])*
        amount $amount:ident;
        optional { $( $(#[$set_meta:meta])* $set:ident : $set_ty:ty, )* }
        by_hand { $( $(#[$hand_meta:meta])* $hand:ident : $hand_ty:ty, )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[non_exhaustive]
        pub struct $request {
            /// Makes a retry take effect once.
            pub idempotency_key: IdempotencyKey,
            /// Who acts; levels left out are filled from the ambient scope and the client's defaults.
            pub subject: Subject,
            /// What is done.
            pub action: Action,
            $(#[$amount_meta])*
            pub $amount: Amount,
            $( $(#[$set_meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $set: Option<$set_ty>, )*
            $( $(#[$hand_meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $hand: Option<$hand_ty>, )*
            /// Free data kept with the record.
            #[serde(skip_serializing_if = "Metadata::is_empty")]
            pub metadata: Metadata,
        }

        impl $request {
            /// Starts a request; it can be built once it has an action and an amount.
            pub fn builder() -> $builder<Missing, Missing> {
                $builder {
                    action: Missing,
                    $amount: Missing,
                    idempotency_key: None,
                    subject: Subject::default(),
                    $( $set: None, )*
                    $( $hand: None, )*
                    metadata: Metadata::new(),
                }
            }
        }

        $(#[$builder_meta])*
        #[derive(Clone, Debug)]
        #[must_use = "a builder sends nothing"]
        pub struct $builder<A, N> {
            action: A,
            $amount: N,
            idempotency_key: Option<IdempotencyKey>,
            subject: Subject,
            $( $set: Option<$set_ty>, )*
            $( $hand: Option<$hand_ty>, )*
            metadata: Metadata,
        }

        impl $builder<Action, Missing> {
            /// Starts a request for an action of a kind, with a name.
            pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
                $request::builder().action(Action::new(kind, name))
            }
        }

        impl<N> $builder<Action, N> {
            /// Gives policies more to look at than the action's kind (protocol v0.1.26). Servers of v0.1.25 may refuse the request.
            pub fn policy_keys(mut self, keys: PolicyKeys) -> Self {
                self.action = self.action.policy_keys(keys);
                self
            }
        }

        impl<A, N> $builder<A, N> {
            /// What is done.
            pub fn action(self, action: Action) -> $builder<Action, N> {
                $builder {
                    action,
                    $amount: self.$amount,
                    idempotency_key: self.idempotency_key,
                    subject: self.subject,
                    $( $set: self.$set, )*
                    $( $hand: self.$hand, )*
                    metadata: self.metadata,
                }
            }

            $(#[$amount_meta])*
            pub fn $amount(self, $amount: Amount) -> $builder<A, Amount> {
                $builder {
                    action: self.action,
                    $amount,
                    idempotency_key: self.idempotency_key,
                    subject: self.subject,
                    $( $set: self.$set, )*
                    $( $hand: self.$hand, )*
                    metadata: self.metadata,
                }
            }

            /// Who acts: a [`Scope`](crate::Scope) or a [`Subject`].
            pub fn subject(mut self, subject: impl Into<Subject>) -> Self {
                self.subject = subject.into();
                self
            }

            /// The key that makes a retry take effect once; a fresh one by default.
            pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
                self.idempotency_key = Some(key);
                self
            }

            /// Free data kept with the record.
            pub fn metadata(mut self, metadata: Metadata) -> Self {
                self.metadata = metadata;
                self
            }

            $( $(#[$set_meta])*
            pub fn $set(mut self, $set: $set_ty) -> Self {
                self.$set = Some($set);
                self
            } )*
        }

        impl $builder<Action, Amount> {
            /// The request.
            pub fn build(self) -> $request {
                $request {
                    idempotency_key: self.idempotency_key.unwrap_or_else(IdempotencyKey::random),
                    subject: self.subject,
                    action: self.action,
                    $amount: self.$amount,
                    $( $set: self.$set, )*
                    $( $hand: self.$hand, )*
                    metadata: self.metadata,
                }
            }
        }

        impl From<$builder<Action, Amount>> for $request {
            fn from(builder: $builder<Action, Amount>) -> Self {
                builder.build()
            }
        }
    };
}

action_request! {
    /// Holds budget for an action (protocol: `ReservationCreateRequest`). [`Reserve`] builds one.
    pub struct ReservationCreateRequest;
    /// Builds a [`ReservationCreateRequest`].
    ///
    /// ```
    /// use runcycles::{Reserve, Scope, usd};
    ///
    /// let request = Reserve::new("llm.completion", "gpt-4o")
    ///     .estimate(usd!(0.02))
    ///     .subject(Scope::tenant("acme").agent("bot"));
    /// ```
    builder Reserve;
    /// What the action may cost.
    amount estimate;
    optional {
        /// What happens when the actual amount is larger; the tenant's setting by default.
        overage_policy: CommitOveragePolicy,
        /// Asks without holding anything.
        dry_run: bool,
    }
    by_hand {
        /// Whether the call is held to the answer (protocol v0.1.26); the tenant's setting if it is absent.
        observe_mode: ObserveMode,
        /// How long the reservation lives unless it is extended: 1,000 to 86,400,000 ms.
        ttl_ms: u64,
        /// How long after that a commit is still accepted: 0 to 60,000 ms.
        grace_period_ms: u64,
    }
}

impl<A, N> Reserve<A, N> {
    /// How long the reservation lives unless it is extended: 1 second to 24 hours; the tenant's setting, commonly one
    /// minute, by default.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl_ms = Some(whole_millis(ttl));
        self
    }

    /// How long after its end a commit is still accepted: at most one minute; 5 seconds by default.
    pub fn grace_period(mut self, grace_period: Duration) -> Self {
        self.grace_period_ms = Some(whole_millis(grace_period));
        self
    }

    /// Whether the call is held to the answer (protocol v0.1.26). [`ObserveMode::Observe`] has everything evaluated and nothing
    /// held, and the call runs whatever the answer is; the server tells its operators what it would have denied.
    ///
    /// `dry_run` goes with it, so that a server which does not know the mode holds nothing either. Servers of v0.1.25 may refuse the
    /// request.
    pub fn observe_mode(mut self, mode: ObserveMode) -> Self {
        self.dry_run = (mode == ObserveMode::Observe).then_some(true);
        self.observe_mode = Some(mode);
        self
    }
}

impl ReservationCreateRequest {
    /// Whether the call runs whatever the answer is.
    pub(crate) fn is_observed(&self) -> bool {
        self.observe_mode == Some(ObserveMode::Observe)
    }

    /// Checks the protocol's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        self.subject.validate()?;
        self.action.validate()?;
        validate_amount("estimate", &self.estimate)?;
        if let Some(ttl_ms) = self.ttl_ms {
            check_range("ttl_ms", ttl_ms, 1_000..=86_400_000)?;
        }
        if let Some(grace_period_ms) = self.grace_period_ms {
            check_range("grace_period_ms", grace_period_ms, 0..=60_000)?;
        }
        if self.is_observed() && self.dry_run != Some(true) {
            let expected = "dry_run with it, which Reserve::observe_mode sets";
            return Err(ValidationError::new("observe_mode", "OBSERVE without dry_run", expected));
        }
        Ok(())
    }
}

action_request! {
    /// Asks whether an action would be allowed, holding nothing (protocol: `DecisionRequest`).
    pub struct DecisionRequest;
    /// Builds a [`DecisionRequest`].
    builder DecisionRequestBuilder;
    /// What the action may cost.
    amount estimate;
    optional {}
    by_hand {}
}

impl DecisionRequest {
    /// Checks the protocol's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        self.subject.validate()?;
        self.action.validate()?;
        validate_amount("estimate", &self.estimate)
    }
}

action_request! {
    /// Records spend that was not reserved (protocol: `EventCreateRequest`).
    pub struct EventCreateRequest;
    /// Builds an [`EventCreateRequest`].
    builder EventCreateRequestBuilder;
    /// What the action cost.
    amount actual;
    optional {
        /// What happens where too little remains; the tenant's setting by default.
        overage_policy: CommitOveragePolicy,
        /// Measurements of the action.
        metrics: CyclesMetrics,
        /// When the client saw it, in milliseconds since 1970; for information only.
        client_time_ms: u64,
    }
    by_hand {}
}

impl EventCreateRequest {
    /// Checks the protocol's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        self.subject.validate()?;
        self.action.validate()?;
        validate_amount("actual", &self.actual)?;
        self.metrics.as_ref().map_or(Ok(()), CyclesMetrics::validate)
    }
}

/// Settles a reservation with what the action cost (protocol: `CommitRequest`).
///
/// An [`Amount`] becomes one: `guard.commit(usd!(0.013))`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CommitRequest {
    /// Makes a retry take effect once.
    pub idempotency_key: IdempotencyKey,
    /// What the action cost, in the reservation's unit.
    pub actual: Amount,
    /// Measurements of the action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<CyclesMetrics>,
    /// Free data kept with the reservation.
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

impl CommitRequest {
    /// A commit of an amount.
    pub fn new(actual: Amount) -> Self {
        Self { idempotency_key: IdempotencyKey::random(), actual, metrics: None, metadata: Metadata::new() }
    }

    /// Starts a commit; it can be built once it has an amount.
    pub fn builder() -> CommitRequestBuilder<Missing> {
        CommitRequestBuilder { actual: Missing, idempotency_key: None, metrics: None, metadata: Metadata::new() }
    }

    /// Checks the protocol's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        Self::check_actual(&self.actual)?;
        self.metrics.as_ref().map_or(Ok(()), CyclesMetrics::validate)
    }

    /// Checks an actual amount by itself.
    pub(crate) fn check_actual(actual: &Amount) -> Result<(), ValidationError> {
        validate_amount("actual", actual)
    }
}

impl From<Amount> for CommitRequest {
    fn from(actual: Amount) -> Self {
        Self::new(actual)
    }
}

/// Builds a [`CommitRequest`].
#[derive(Clone, Debug)]
#[must_use = "a builder sends nothing"]
pub struct CommitRequestBuilder<N> {
    actual: N,
    idempotency_key: Option<IdempotencyKey>,
    metrics: Option<CyclesMetrics>,
    metadata: Metadata,
}

impl<N> CommitRequestBuilder<N> {
    /// What the action cost, in the reservation's unit.
    pub fn actual(self, actual: Amount) -> CommitRequestBuilder<Amount> {
        CommitRequestBuilder {
            actual,
            idempotency_key: self.idempotency_key,
            metrics: self.metrics,
            metadata: self.metadata,
        }
    }

    /// The key that makes a retry take effect once; a fresh one by default.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }

    /// Measurements of the action.
    pub fn metrics(mut self, metrics: CyclesMetrics) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Free data kept with the reservation.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }
}

impl CommitRequestBuilder<Amount> {
    /// The request.
    pub fn build(self) -> CommitRequest {
        CommitRequest {
            idempotency_key: self.idempotency_key.unwrap_or_else(IdempotencyKey::random),
            actual: self.actual,
            metrics: self.metrics,
            metadata: self.metadata,
        }
    }
}

impl From<CommitRequestBuilder<Amount>> for CommitRequest {
    fn from(builder: CommitRequestBuilder<Amount>) -> Self {
        builder.build()
    }
}

/// Returns a reservation's hold (protocol: `ReleaseRequest`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReleaseRequest {
    /// Makes a retry take effect once.
    pub idempotency_key: IdempotencyKey,
    /// Why, for the server's audit log: at most 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ReleaseRequest {
    /// A release for a reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { idempotency_key: IdempotencyKey::random(), reason: Some(reason.into()) }
    }

    /// Checks the protocol's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        self.reason.as_ref().map_or(Ok(()), |reason| check_chars("reason", reason, 0..=256))
    }
}

/// Makes a reservation live longer (protocol: `ReservationExtendRequest`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExtendRequest {
    /// Makes a retry take effect once.
    pub idempotency_key: IdempotencyKey,
    /// By how much, from its current expiry: 1 to 86,400,000 ms.
    pub extend_by_ms: u64,
    /// Free data for audits.
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

impl ExtendRequest {
    /// An extension by a time of 1 millisecond to 24 hours, from the current expiry.
    pub fn new(extend_by: Duration) -> Self {
        Self {
            idempotency_key: IdempotencyKey::random(),
            extend_by_ms: whole_millis(extend_by),
            metadata: Metadata::new(),
        }
    }

    /// Checks the protocol's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        check_range("extend_by_ms", self.extend_by_ms, 1..=86_400_000)
    }
}

/// Checks an amount against the protocol's int64.
pub(super) fn validate_amount(field: &'static str, amount: &Amount) -> Result<(), ValidationError> {
    check_range(field, amount.value(), 0..=MAX_AMOUNT)
}

/// A duration in whole milliseconds; longer than any limit of the protocol stays longer.
pub(super) fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
