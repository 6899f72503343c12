//! What an authority answers: decisions, reasons, caps.

use super::string_enum::string_enum;
use super::wire_object::wire_object;

string_enum! {
    /// Whether an action may go ahead (protocol: `DecisionEnum`).
    pub enum Decision {
        /// It may.
        Allow = "ALLOW",
        /// It may, within the caps that come with the answer.
        AllowWithCaps = "ALLOW_WITH_CAPS",
        /// It may not.
        Deny = "DENY",
    }
}

impl Decision {
    /// Whether the action may go ahead. A decision this crate does not know is not an allowance.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allow | Self::AllowWithCaps)
    }
}

string_enum! {
    /// Why an action was denied (protocol: `DecisionReasonCode`, an open vocabulary).
    pub enum ReasonCode {
        /// Too little remains.
        BudgetExceeded = "BUDGET_EXCEEDED",
        /// An operator froze the budget.
        BudgetFrozen = "BUDGET_FROZEN",
        /// The budget is closed.
        BudgetClosed = "BUDGET_CLOSED",
        /// No budget exists on any level of the subject.
        BudgetNotFound = "BUDGET_NOT_FOUND",
        /// The budget is over its limit until an operator funds it.
        OverdraftLimitExceeded = "OVERDRAFT_LIMIT_EXCEEDED",
        /// Debt must be repaid first.
        DebtOutstanding = "DEBT_OUTSTANDING",
        /// The tenant is closed.
        TenantClosed = "TENANT_CLOSED",
        /// A quota of actions is used up (protocol v0.1.26).
        ActionQuotaExceeded = "ACTION_QUOTA_EXCEEDED",
        /// The kind of action is on a deny list (protocol v0.1.26).
        ActionKindDenied = "ACTION_KIND_DENIED",
        /// The kind of action is not on the allow list (protocol v0.1.26).
        ActionKindNotAllowed = "ACTION_KIND_NOT_ALLOWED",
        /// The tenant is suspended (protocol v0.1.26).
        TenantSuspended = "TENANT_SUSPENDED",
        /// A policy forbids it (protocol v0.1.26).
        PolicyViolation = "POLICY_VIOLATION",
    }
}

wire_object! {
    /// Limits that come with [`Decision::AllowWithCaps`] (protocol: `Caps`).
    pub struct Caps {
        required {}
        optional {
            /// The most tokens the action may use.
            max_tokens: u64,
            /// How many more steps the run may take.
            max_steps_remaining: u64,
            /// How long to wait before the next action, in milliseconds.
            cooldown_ms: u64,
        }
        list {
            /// If not empty, the only tools that may be used.
            tool_allowlist: String,
            /// Tools that may not be used; ignored where there is an allowlist.
            tool_denylist: String,
        }
    }
}

impl Caps {
    /// Whether a tool may be used. Names compare with case; a non-empty allowlist overrides the denylist.
    pub fn is_tool_allowed(&self, tool: &str) -> bool {
        if self.tool_allowlist.is_empty() {
            !self.tool_denylist.iter().any(|denied| denied == tool)
        } else {
            self.tool_allowlist.iter().any(|allowed| allowed == tool)
        }
    }

    /// `wanted`, or the cap where that is less.
    pub fn clamp_max_tokens(&self, wanted: u64) -> u64 {
        self.max_tokens.map_or(wanted, |cap| cap.min(wanted))
    }
}
