//! Why an action was denied, in detail.

use super::string_enum::string_enum;
use super::wire_object::{Extra, wire_object};
use super::{ReasonCode, RiskClass};

string_enum! {
    /// The time that a quota of actions counts over (protocol v0.1.26: `ActionQuotaWindow`). Calendar windows are those of UTC.
    pub enum QuotaWindow {
        /// A run, by `subject.dimensions.run_id`.
        PerRun = "per_run",
        /// A minute of the clock.
        PerMinute = "per_minute_tumbling",
        /// An hour of the clock.
        PerHour = "per_hour_tumbling",
        /// A day of the calendar.
        PerDay = "per_day_tumbling",
        /// A day of the calendar, over all scopes of the tenant.
        PerTenantPerDay = "per_tenant_per_day",
    }
}

wire_object! {
    /// The quota of actions that was used up (protocol v0.1.26: `ActionQuotaViolation`).
    pub struct QuotaViolation {
        required {
            /// The kind of action that was asked for.
            action_kind: String,
            /// The time that the quota counts over.
            window: QuotaWindow,
            /// How many there were.
            used: u64,
            /// How many there may be.
            limit: u64,
            /// Where it is counted.
            scope: String,
        }
        optional {
            /// Which of its windows is full, such as the id of the run or the hour in UTC.
            window_key: String,
            /// The policy that sets the quota.
            policy_id: String,
            /// The class that is counted, where the quota is for all kinds of one.
            risk_class: RiskClass,
        }
        list {}
    }
}

wire_object! {
    /// Why an action was denied, and what would change that (protocol v0.1.26: `DenyDetail`).
    pub struct DenyDetail {
        required {
            /// Why, an open vocabulary.
            reason_code: ReasonCode,
        }
        optional {
            /// The quota that was used up, where that is the reason.
            quota_violation: QuotaViolation,
            /// The innermost scope that said no.
            blocked_by_scope: String,
            /// The name or id of the policy that said no.
            blocked_by_policy: String,
            /// What an operator can do, in the server's words.
            suggested_fix: String,
            /// What is left at the scope, in the unit of the request; negative in overdraft.
            budget_remaining: i64,
        }
        list {}
    }
}

impl DenyDetail {
    /// The name of the member that carries it.
    const MEMBER: &'static str = "deny_detail";

    /// The detail among other members, if there is one that fits the protocol.
    ///
    /// Implementation rationale: a denial is one whatever its detail looks like, so what does not fit is left where it is.
    pub(crate) fn among(members: &Extra) -> Option<Self> {
        serde::Deserialize::deserialize(members.get(Self::MEMBER)?).ok()
    }

    /// The reason alone, of which less can be wrong.
    pub(crate) fn reason_among(members: &Extra) -> Option<ReasonCode> {
        members.get(Self::MEMBER)?.get("reason_code")?.as_str().map(ReasonCode::from)
    }
}
