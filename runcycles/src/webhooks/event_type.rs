//! What can happen.

use crate::protocol::string_enum::string_enum;

string_enum! {
    /// What happened (Cycles governance protocol: `EventType`, with the four types of v0.1.26). Types of newer servers and
    /// `custom.*` ones are kept as they are.
    pub enum EventType {
        /// A budget was made.
        BudgetCreated = "budget.created",
        /// A budget's options changed.
        BudgetUpdated = "budget.updated",
        /// A budget was given more.
        BudgetFunded = "budget.funded",
        /// A budget was taken from.
        BudgetDebited = "budget.debited",
        /// A budget's ceiling was set anew.
        BudgetReset = "budget.reset",
        /// A budget's period started anew.
        BudgetResetSpent = "budget.reset_spent",
        /// A budget's debt was repaid.
        BudgetDebtRepaid = "budget.debt_repaid",
        /// A budget was frozen.
        BudgetFrozen = "budget.frozen",
        /// A budget was unfrozen.
        BudgetUnfrozen = "budget.unfrozen",
        /// A budget was closed.
        BudgetClosed = "budget.closed",
        /// A budget was closed with its tenant.
        BudgetClosedViaTenantCascade = "budget.closed_via_tenant_cascade",
        /// A budget's use crossed a threshold.
        BudgetThresholdCrossed = "budget.threshold_crossed",
        /// A budget has nothing left.
        BudgetExhausted = "budget.exhausted",
        /// A budget takes no more reservations until it is funded.
        BudgetOverLimitEntered = "budget.over_limit_entered",
        /// A budget takes reservations again.
        BudgetOverLimitExited = "budget.over_limit_exited",
        /// A budget went into debt.
        BudgetDebtIncurred = "budget.debt_incurred",
        /// A budget is spent much faster than it was.
        BudgetBurnRateAnomaly = "budget.burn_rate_anomaly",
        /// An action was denied.
        ReservationDenied = "reservation.denied",
        /// Many actions are denied.
        ReservationDenialRateSpike = "reservation.denial_rate_spike",
        /// A reservation lapsed without being settled.
        ReservationExpired = "reservation.expired",
        /// Many reservations lapse.
        ReservationExpiryRateSpike = "reservation.expiry_rate_spike",
        /// An action cost more than was reserved.
        ReservationCommitOverage = "reservation.commit_overage",
        /// What a budget held was returned as its tenant was closed.
        ReservationReleasedViaTenantCascade = "reservation.released_via_tenant_cascade",
        /// A tenant was made.
        TenantCreated = "tenant.created",
        /// A tenant changed.
        TenantUpdated = "tenant.updated",
        /// A tenant was suspended.
        TenantSuspended = "tenant.suspended",
        /// A tenant was reactivated.
        TenantReactivated = "tenant.reactivated",
        /// A tenant was closed.
        TenantClosed = "tenant.closed",
        /// A tenant's settings changed.
        TenantSettingsChanged = "tenant.settings_changed",
        /// A subscription was made.
        WebhookCreated = "webhook.created",
        /// A subscription changed.
        WebhookUpdated = "webhook.updated",
        /// A subscription was paused.
        WebhookPaused = "webhook.paused",
        /// A subscription is delivered to again.
        WebhookResumed = "webhook.resumed",
        /// A subscription was disabled after too many failures.
        WebhookDisabled = "webhook.disabled",
        /// A subscription was deleted.
        WebhookDeleted = "webhook.deleted",
        /// A subscription was disabled as its tenant was closed.
        WebhookDisabledViaTenantCascade = "webhook.disabled_via_tenant_cascade",
        /// An API key was made.
        ApiKeyCreated = "api_key.created",
        /// An API key was revoked.
        ApiKeyRevoked = "api_key.revoked",
        /// An API key was revoked as its tenant was closed.
        ApiKeyRevokedViaTenantCascade = "api_key.revoked_via_tenant_cascade",
        /// An API key's time ran out.
        ApiKeyExpired = "api_key.expired",
        /// An API key may do other things than before.
        ApiKeyPermissionsChanged = "api_key.permissions_changed",
        /// A request was refused for its key.
        ApiKeyAuthFailed = "api_key.auth_failed",
        /// Many requests are refused for their key.
        ApiKeyAuthFailureRateSpike = "api_key.auth_failure_rate_spike",
        /// A policy was made.
        PolicyCreated = "policy.created",
        /// A policy changed.
        PolicyUpdated = "policy.updated",
        /// A policy was deleted.
        PolicyDeleted = "policy.deleted",
        /// The authority lost its store.
        SystemStoreConnectionLost = "system.store_connection_lost",
        /// The authority has its store again.
        SystemStoreConnectionRestored = "system.store_connection_restored",
        /// The authority is slow.
        SystemHighLatency = "system.high_latency",
        /// A delivery was given up.
        SystemWebhookDeliveryFailed = "system.webhook_delivery_failed",
        /// A delivery that was asked for to see whether it arrives.
        SystemWebhookTest = "system.webhook_test",
        /// An action would have been denied, were its tenant not observed only (v0.1.26).
        ReservationObservedDenied = "reservation.observed_denied",
        /// An action of a tenant that is observed only would have been allowed (v0.1.26).
        ReservationObservedAllowed = "reservation.observed_allowed",
        /// A quota of actions is nearly used up (v0.1.26).
        QuotaThresholdApproaching = "quota.threshold_approaching",
        /// A quota of actions was counted anew (v0.1.26).
        QuotaCounterReset = "quota.counter_reset",
    }
}

string_enum! {
    /// A group of types of events (Cycles governance protocol: `EventCategory`). The types of quotas have none of their own.
    pub enum EventCategory {
        /// Budgets.
        Budget = "budget",
        /// Reservations.
        Reservation = "reservation",
        /// Tenants.
        Tenant = "tenant",
        /// API keys.
        ApiKey = "api_key",
        /// Policies.
        Policy = "policy",
        /// Subscriptions.
        Webhook = "webhook",
        /// The authority itself.
        System = "system",
    }
}
