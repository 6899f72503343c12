//! Enumerations: what is known, and what becomes of what is not.

use std::fmt::Debug;

use runcycles::models::{
    CommitOveragePolicy, CommitStatus, Decision, ErrorCode, EventStatus, ExtendStatus, ReasonCode, ReleaseStatus,
    ReservationStatus, Unit,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn check<T: DeserializeOwned + Serialize + Debug + Clone + for<'a> From<&'a str> + PartialEq>(known: &[&str]) {
    for wire in known.iter().copied().chain(["", "SOMETHING_NEW", "allow", "ünknown"]) {
        let json = format!("\"{wire}\"");
        let value: T = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), json, "what arrives is kept");
        assert_eq!(value, T::from(wire));
        assert_eq!(format!("{value:?}").starts_with("Unknown"), !known.contains(&wire), "{value:?}");
    }
    for wrong in ["1", "null", "[]", r#"{"ALLOW":null}"#] {
        assert!(serde_json::from_str::<T>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_vocabulary_of_the_specification_is_known_and_the_rest_is_kept() {
    check::<Decision>(&["ALLOW", "ALLOW_WITH_CAPS", "DENY"]);
    check::<Unit>(&["USD_MICROCENTS", "TOKENS", "CREDITS", "RISK_POINTS"]);
    check::<CommitOveragePolicy>(&["REJECT", "ALLOW_IF_AVAILABLE", "ALLOW_WITH_OVERDRAFT"]);
    check::<ReservationStatus>(&["ACTIVE", "COMMITTED", "RELEASED", "EXPIRED"]);
    check::<CommitStatus>(&["COMMITTED"]);
    check::<ReleaseStatus>(&["RELEASED"]);
    check::<ExtendStatus>(&["ACTIVE"]);
    check::<EventStatus>(&["APPLIED"]);
}

#[test]
fn seventeen_error_codes_and_the_three_to_come_are_known() {
    check::<ErrorCode>(&[
        "INVALID_REQUEST",
        "UNAUTHORIZED",
        "FORBIDDEN",
        "NOT_FOUND",
        "BUDGET_EXCEEDED",
        "BUDGET_FROZEN",
        "BUDGET_CLOSED",
        "RESERVATION_EXPIRED",
        "RESERVATION_FINALIZED",
        "IDEMPOTENCY_MISMATCH",
        "UNIT_MISMATCH",
        "OVERDRAFT_LIMIT_EXCEEDED",
        "DEBT_OUTSTANDING",
        "MAX_EXTENSIONS_EXCEEDED",
        "LIMIT_EXCEEDED",
        "TENANT_CLOSED",
        "INTERNAL_ERROR",
        "ACTION_QUOTA_EXCEEDED",
        "ACTION_KIND_NOT_ALLOWED",
        "ACTION_KIND_DENIED",
    ]);
}

#[test]
fn the_codes_of_the_admin_plane_are_known() {
    check::<ErrorCode>(&[
        "TENANT_NOT_FOUND",
        "TENANT_SUSPENDED",
        "BUDGET_NOT_FOUND",
        "POLICY_VIOLATION",
        "INSUFFICIENT_PERMISSIONS",
        "KEY_REVOKED",
        "KEY_EXPIRED",
        "DUPLICATE_RESOURCE",
    ]);
}

#[test]
fn seven_reasons_of_a_denial_and_the_three_to_come_are_known() {
    check::<ReasonCode>(&[
        "BUDGET_EXCEEDED",
        "BUDGET_FROZEN",
        "BUDGET_CLOSED",
        "BUDGET_NOT_FOUND",
        "OVERDRAFT_LIMIT_EXCEEDED",
        "DEBT_OUTSTANDING",
        "TENANT_CLOSED",
        "ACTION_QUOTA_EXCEEDED",
        "ACTION_KIND_DENIED",
        "ACTION_KIND_NOT_ALLOWED",
    ]);
}

#[test]
fn only_the_two_allowances_allow() {
    let allowing: Vec<_> = ["ALLOW", "ALLOW_WITH_CAPS", "DENY", "ALLOW_LATER", "allow", ""]
        .into_iter()
        .filter(|wire| Decision::from(*wire).is_allowed())
        .collect();
    assert_eq!(allowing, ["ALLOW", "ALLOW_WITH_CAPS"]);
}
