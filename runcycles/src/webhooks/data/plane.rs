//! What is told of tenants, keys, policies, subscriptions and the authority.

use crate::protocol::Extra;
use crate::protocol::wire_object::wire_object;

wire_object! {
    /// A tenant was made or changed (`EventDataTenantLifecycle`).
    pub struct TenantLifecycle {
        required {}
        optional {
            /// The tenant.
            tenant_id: String,
            /// Its state before.
            previous_status: String,
            /// Its state after.
            new_status: String,
        }
        list {
            /// What changed.
            changed_fields: String,
        }
    }
}

wire_object! {
    /// A subscription was made or changed (`EventDataWebhookLifecycle`).
    pub struct WebhookLifecycle {
        required {}
        optional {
            /// The subscription.
            subscription_id: String,
            /// Whose it is; `__system__` for operators.
            tenant_id: String,
            /// Its state before.
            previous_status: String,
            /// Its state after.
            new_status: String,
            /// Why it was disabled.
            disable_reason: String,
        }
        list {
            /// What changed.
            changed_fields: String,
        }
    }
}

wire_object! {
    /// An API key was made, changed or refused (`EventDataApiKey`).
    pub struct ApiKeyData {
        required {}
        optional {
            /// The key's id; never the key.
            key_id: String,
            /// Its name.
            key_name: String,
            /// Its state before.
            previous_status: String,
            /// Its state after.
            new_status: String,
            /// Why a request was refused.
            failure_reason: String,
            /// Where that request came from.
            source_ip: String,
        }
        list {
            /// What the key may do.
            permissions: String,
        }
    }
}

wire_object! {
    /// A policy was made or changed (`EventDataPolicy`).
    pub struct PolicyData {
        required {}
        optional {
            /// The policy.
            policy_id: String,
            /// Its name.
            name: String,
            /// The scopes it is for.
            scope_pattern: String,
        }
        list {
            /// What changed.
            changed_fields: String,
        }
    }
}

wire_object! {
    /// What the authority says of itself (`EventDataSystem`).
    pub struct SystemData {
        required {}
        optional {
            /// The part it is about.
            component: String,
            /// What happened, in words.
            message: String,
            /// `info`, `warning` or `critical`.
            severity: String,
            /// What helps to find out why.
            details: Extra,
        }
        list {}
    }
}
