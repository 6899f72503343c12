//! What events say beyond their envelope.

mod budgets;
mod plane;
mod reservations;

use serde::de::DeserializeOwned;

use super::EventType;
use crate::protocol::Extra;

pub use self::budgets::{
    BudgetDebtIncurred, BudgetLifecycle, BudgetOverLimit, BudgetState, BudgetThreshold, BurnRateAnomaly, TenantCascade,
};
pub use self::plane::{ApiKeyData, PolicyData, SystemData, TenantLifecycle, WebhookLifecycle};
pub use self::reservations::{
    CommitOverage, ObservedAllowed, ObservedDenied, QuotaCounterReset, QuotaThreshold, RateSpike, ReservationDenied,
    ReservationExpired,
};

/// What an event says beyond its envelope, in the shape that its type has (Cycles governance protocol: `EventData*`).
///
/// Every member of every shape may be absent, and members that are not known are kept.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventData {
    /// A budget was made or changed.
    BudgetLifecycle(BudgetLifecycle),
    /// A budget crossed a threshold, or has nothing left.
    BudgetThreshold(BudgetThreshold),
    /// A budget went over its limit or came back.
    BudgetOverLimit(BudgetOverLimit),
    /// A budget went into debt.
    BudgetDebtIncurred(BudgetDebtIncurred),
    /// A budget is spent faster than it was.
    BurnRateAnomaly(BurnRateAnomaly),
    /// Something ended with its tenant.
    TenantCascade(TenantCascade),
    /// An action was denied.
    ReservationDenied(ReservationDenied),
    /// A reservation lapsed.
    ReservationExpired(ReservationExpired),
    /// An action cost more than was reserved.
    CommitOverage(CommitOverage),
    /// Something happens too often.
    RateSpike(RateSpike),
    /// An action that ran would have been denied.
    ObservedDenied(ObservedDenied),
    /// An action that ran would have been allowed.
    ObservedAllowed(ObservedAllowed),
    /// A quota of actions is nearly used up.
    QuotaThreshold(QuotaThreshold),
    /// A quota of actions is counted anew.
    QuotaCounterReset(QuotaCounterReset),
    /// A tenant was made or changed.
    TenantLifecycle(TenantLifecycle),
    /// A subscription was made or changed.
    WebhookLifecycle(WebhookLifecycle),
    /// An API key was made, changed or refused.
    ApiKey(ApiKeyData),
    /// A policy was made or changed.
    Policy(PolicyData),
    /// What the authority says of itself.
    System(SystemData),
    /// What this version of the crate knows no shape for, as it was received.
    Other(Extra),
}

impl EventData {
    /// Reads data in the shape that a type has.
    pub(super) fn of(event_type: &EventType, data: Extra) -> Self {
        match event_type {
            EventType::BudgetCreated
            | EventType::BudgetUpdated
            | EventType::BudgetFunded
            | EventType::BudgetDebited
            | EventType::BudgetReset
            | EventType::BudgetResetSpent
            | EventType::BudgetDebtRepaid
            | EventType::BudgetFrozen
            | EventType::BudgetUnfrozen
            | EventType::BudgetClosed => read(data, Self::BudgetLifecycle),
            EventType::BudgetThresholdCrossed | EventType::BudgetExhausted => read(data, Self::BudgetThreshold),
            EventType::BudgetOverLimitEntered | EventType::BudgetOverLimitExited => read(data, Self::BudgetOverLimit),
            EventType::BudgetDebtIncurred => read(data, Self::BudgetDebtIncurred),
            EventType::BudgetBurnRateAnomaly => read(data, Self::BurnRateAnomaly),
            EventType::BudgetClosedViaTenantCascade
            | EventType::ReservationReleasedViaTenantCascade
            | EventType::WebhookDisabledViaTenantCascade
            | EventType::ApiKeyRevokedViaTenantCascade => read(data, Self::TenantCascade),
            EventType::ReservationDenied => read(data, Self::ReservationDenied),
            EventType::ReservationExpired => read(data, Self::ReservationExpired),
            EventType::ReservationCommitOverage => read(data, Self::CommitOverage),
            EventType::ReservationDenialRateSpike
            | EventType::ReservationExpiryRateSpike
            | EventType::ApiKeyAuthFailureRateSpike => read(data, Self::RateSpike),
            EventType::ReservationObservedDenied => read(data, Self::ObservedDenied),
            EventType::ReservationObservedAllowed => read(data, Self::ObservedAllowed),
            EventType::QuotaThresholdApproaching => read(data, Self::QuotaThreshold),
            EventType::QuotaCounterReset => read(data, Self::QuotaCounterReset),
            EventType::TenantCreated
            | EventType::TenantUpdated
            | EventType::TenantSuspended
            | EventType::TenantReactivated
            | EventType::TenantClosed
            | EventType::TenantSettingsChanged => read(data, Self::TenantLifecycle),
            EventType::WebhookCreated
            | EventType::WebhookUpdated
            | EventType::WebhookPaused
            | EventType::WebhookResumed
            | EventType::WebhookDisabled
            | EventType::WebhookDeleted => read(data, Self::WebhookLifecycle),
            EventType::ApiKeyCreated
            | EventType::ApiKeyRevoked
            | EventType::ApiKeyExpired
            | EventType::ApiKeyPermissionsChanged
            | EventType::ApiKeyAuthFailed => read(data, Self::ApiKey),
            EventType::PolicyCreated | EventType::PolicyUpdated | EventType::PolicyDeleted => read(data, Self::Policy),
            EventType::SystemStoreConnectionLost
            | EventType::SystemStoreConnectionRestored
            | EventType::SystemHighLatency
            | EventType::SystemWebhookDeliveryFailed
            | EventType::SystemWebhookTest => read(data, Self::System),
            EventType::Unknown(_) => Self::Other(data),
        }
    }
}

/// Data of another shape than its type has is kept rather than refused: the event itself is sound.
fn read<T: DeserializeOwned>(data: Extra, known: fn(T) -> EventData) -> EventData {
    match T::deserialize(&data) {
        Ok(typed) => known(typed),
        Err(_) => EventData::Other(data),
    }
}
