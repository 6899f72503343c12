//! What is told of reservations and quotas.

use crate::protocol::wire_object::wire_object;
use crate::protocol::{CommitOveragePolicy, Decision, Extra, ReasonCode, Unit};

wire_object! {
    /// An action was denied (`EventDataReservationDenied`).
    pub struct ReservationDenied {
        required {}
        optional {
            /// The scope that said no, or the innermost one asked about.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// Why.
            reason_code: ReasonCode,
            /// What was asked for.
            requested_amount: i64,
            /// What was left; negative in overdraft.
            remaining: i64,
            /// The action, as it was asked about.
            action: Extra,
            /// Who was to act, as it was asked.
            subject: Extra,
            /// The policy that said no.
            policy_id: String,
            /// More about the denial, by extension.
            deny_detail: Extra,
        }
        list {}
    }
}

wire_object! {
    /// A reservation lapsed (`EventDataReservationExpired`).
    pub struct ReservationExpired {
        required {}
        optional {
            /// The reservation.
            reservation_id: String,
            /// Its innermost scope.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// What it held.
            estimated_amount: i64,
            /// When it was made, in ISO 8601.
            created_at: String,
            /// When it lapsed, in ISO 8601.
            expired_at: String,
            /// How long it lived at first, in milliseconds.
            ttl_ms: i64,
            /// How often it was extended.
            extensions_used: i64,
        }
        list {}
    }
}

wire_object! {
    /// An action cost more than was reserved (`EventDataCommitOverage`).
    pub struct CommitOverage {
        required {}
        optional {
            /// The reservation.
            reservation_id: String,
            /// Its innermost scope.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// What was reserved.
            estimated_amount: i64,
            /// What it cost.
            actual_amount: i64,
            /// How much more that is.
            overage: i64,
            /// What the policy was.
            overage_policy: CommitOveragePolicy,
            /// How much of it became debt.
            debt_incurred: i64,
        }
        list {}
    }
}

wire_object! {
    /// Something happens too often (`EventDataRateSpike`).
    pub struct RateSpike {
        required {}
        optional {
            /// What, such as `denial_rate`.
            metric: String,
            /// How often it happens.
            current_rate: f64,
            /// How often it may.
            threshold_rate: f64,
            /// How long was looked at.
            window_seconds: i64,
            /// How many were seen.
            sample_count: i64,
        }
        list {}
    }
}

wire_object! {
    /// An action that ran would have been denied (`EventDataObservedDenied`).
    pub struct ObservedDenied {
        required {}
        optional {
            /// The scope asked about.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// What was asked for.
            estimated_amount: i64,
            /// Always `OBSERVE`.
            observe_mode: String,
            /// The scope that would have said no.
            would_have_blocked_at: String,
            /// Why.
            deny_detail: Extra,
            /// The action.
            action: Extra,
            /// Who acted.
            subject: Extra,
        }
        list {}
    }
}

wire_object! {
    /// An action that ran would have been allowed (`EventDataObservedAllowed`).
    pub struct ObservedAllowed {
        required {}
        optional {
            /// The scope asked about.
            scope: String,
            /// The unit of every amount here.
            unit: Unit,
            /// What was asked for.
            estimated_amount: i64,
            /// Always `OBSERVE`.
            observe_mode: String,
            /// What the answer would have been.
            decision: Decision,
            /// The limits that would have come with it.
            caps_applied: Extra,
            /// The share of such actions that are reported; absent means all.
            sample_rate: f64,
            /// The action.
            action: Extra,
            /// Who acted.
            subject: Extra,
        }
        list {}
    }
}

wire_object! {
    /// A quota of actions is nearly used up (`EventDataQuotaThresholdApproaching`).
    pub struct QuotaThreshold {
        required {}
        optional {
            /// The tenant.
            tenant_id: String,
            /// The scope counted at.
            scope: String,
            /// The kind that is counted, or `__risk__`.
            action_kind: String,
            /// The class of risk that is counted.
            risk_class: String,
            /// What is counted over.
            window: String,
            /// Which one of them.
            window_key: String,
            /// How many there were.
            used: i64,
            /// How many there may be.
            limit: i64,
            /// The share that was crossed.
            threshold_pct: f64,
            /// The policy.
            policy_id: String,
        }
        list {}
    }
}

wire_object! {
    /// A quota of actions is counted anew (`EventDataQuotaCounterReset`).
    pub struct QuotaCounterReset {
        required {}
        optional {
            /// The tenant.
            tenant_id: String,
            /// The scope counted at.
            scope: String,
            /// The kind that is counted, or `__risk__`.
            action_kind: String,
            /// The class of risk that is counted.
            risk_class: String,
            /// What is counted over.
            window: String,
            /// Which one of them.
            window_key: String,
            /// How many there had been.
            previous_used: i64,
            /// How many there may be.
            limit: i64,
            /// The policy.
            policy_id: String,
            /// Who did it.
            actor_id: String,
            /// Why.
            reason: String,
        }
        list {}
    }
}
