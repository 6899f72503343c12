//! What an authority answers when it refuses.

use super::EvidenceRef;
use super::string_enum::string_enum;
use super::wire_object::{Extra, wire_object};

string_enum! {
    /// The code of an error response (protocol: `ErrorCode`, three codes of v0.1.26, and those of the admin plane).
    pub enum ErrorCode {
        /// The request is malformed or out of range.
        InvalidRequest = "INVALID_REQUEST",
        /// The API key is missing or not valid.
        Unauthorized = "UNAUTHORIZED",
        /// The API key's tenant may not do this.
        Forbidden = "FORBIDDEN",
        /// No such reservation, or no budget on any level of the subject.
        NotFound = "NOT_FOUND",
        /// Too little remains.
        BudgetExceeded = "BUDGET_EXCEEDED",
        /// An operator froze the budget.
        BudgetFrozen = "BUDGET_FROZEN",
        /// The budget is closed.
        BudgetClosed = "BUDGET_CLOSED",
        /// The reservation lapsed before the request arrived.
        ReservationExpired = "RESERVATION_EXPIRED",
        /// The reservation was already committed or released.
        ReservationFinalized = "RESERVATION_FINALIZED",
        /// The idempotency key was used for another request.
        IdempotencyMismatch = "IDEMPOTENCY_MISMATCH",
        /// Budgets exist, but in another unit.
        UnitMismatch = "UNIT_MISMATCH",
        /// The budget is over its limit, or an overdraft would exceed it.
        OverdraftLimitExceeded = "OVERDRAFT_LIMIT_EXCEEDED",
        /// Debt must be repaid first.
        DebtOutstanding = "DEBT_OUTSTANDING",
        /// The reservation cannot be extended again.
        MaxExtensionsExceeded = "MAX_EXTENSIONS_EXCEEDED",
        /// Too many requests; `Retry-After` says when to come back.
        LimitExceeded = "LIMIT_EXCEEDED",
        /// The tenant is closed.
        TenantClosed = "TENANT_CLOSED",
        /// The authority failed.
        InternalError = "INTERNAL_ERROR",
        /// No such tenant (admin plane, as those below).
        TenantNotFound = "TENANT_NOT_FOUND",
        /// The tenant is suspended.
        TenantSuspended = "TENANT_SUSPENDED",
        /// No budget in the unit at the scope.
        BudgetNotFound = "BUDGET_NOT_FOUND",
        /// A policy forbids it.
        PolicyViolation = "POLICY_VIOLATION",
        /// The API key lacks a permission.
        InsufficientPermissions = "INSUFFICIENT_PERMISSIONS",
        /// The API key is revoked.
        KeyRevoked = "KEY_REVOKED",
        /// The API key's time has passed.
        KeyExpired = "KEY_EXPIRED",
        /// One is there already.
        DuplicateResource = "DUPLICATE_RESOURCE",
        /// A quota of actions is used up (protocol v0.1.26).
        ActionQuotaExceeded = "ACTION_QUOTA_EXCEEDED",
        /// The kind of action is not on the allow list (protocol v0.1.26).
        ActionKindNotAllowed = "ACTION_KIND_NOT_ALLOWED",
        /// The kind of action is on a deny list (protocol v0.1.26).
        ActionKindDenied = "ACTION_KIND_DENIED",
    }
}

wire_object! {
    /// The body of every refusal (protocol: `ErrorResponse`).
    pub struct ErrorResponse {
        required {
            /// The code to act on.
            error: ErrorCode,
            /// The server's words.
            message: String,
            /// The request's id in the server's logs.
            request_id: String,
        }
        optional {
            /// The trace this request belongs to: 32 lower-case hexadecimal digits.
            trace_id: String,
            /// More about the refusal, by code.
            details: Extra,
            /// Signed evidence of the refusal.
            cycles_evidence: EvidenceRef,
        }
        list {}
    }
}
