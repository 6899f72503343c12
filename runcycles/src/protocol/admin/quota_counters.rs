//! Counters of quotas of actions.

use serde::Serialize;

use crate::protocol::wire_object::wire_object;
use crate::protocol::{QuotaWindow, RiskClass};

wire_object! {
    /// How much of a quota of actions is used (protocol v0.1.26: `ActionQuotaState`).
    pub struct QuotaCounter {
        required {
            /// The kind that is counted; `__risk__` where a risk class is.
            action_kind: String,
            /// Where it is counted.
            scope: String,
            /// The time that is counted over.
            window: QuotaWindow,
            /// How many there were.
            used: u64,
            /// How many there may be.
            limit: u64,
        }
        optional {
            /// The class that is counted, where one is.
            risk_class: RiskClass,
            /// The scope once more.
            scope_path: String,
            /// Which window it is: the id of the run, or the minute, hour or day in UTC.
            window_key: String,
            /// How many are left.
            remaining: u64,
            /// The policy that sets the quota.
            policy_id: String,
            /// When the window ends, as the server writes it (ISO 8601).
            expires_at: String,
            /// When it last counted.
            last_incremented_at: String,
        }
        list {}
    }
}

wire_object! {
    /// A page of counters.
    pub struct QuotaCounterPage {
        required {
            /// The counters.
            counters: Vec<QuotaCounter>,
        }
        optional {
            /// Where the next page starts.
            next_cursor: String,
            /// Whether there is a next page.
            has_more: bool,
        }
        list {}
    }
}

wire_object! {
    /// A counter that was set to zero (protocol v0.1.26: `ActionQuotaCounterResetResponse`).
    pub struct QuotaCounterReset {
        required {
            /// The counter, at zero.
            counter: QuotaCounter,
            /// What it was before.
            previous_used: u64,
        }
        optional {}
        list {}
    }
}

/// The counter to set to zero (protocol v0.1.26: `ActionQuotaCounterResetRequest`).
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ResetQuotaCounter<'a> {
    pub(crate) tenant_id: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) action_kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) risk_class: Option<&'a RiskClass>,
    pub(crate) window: &'a QuotaWindow,
    pub(crate) window_key: &'a str,
    pub(crate) reason: &'a str,
}
