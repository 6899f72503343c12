//! The state of a budget.

use super::wire_object::wire_object;
use super::{Amount, SignedAmount};

wire_object! {
    /// One budget's ledger (protocol: `Balance`). `remaining = allocated − spent − reserved − debt`.
    pub struct Balance {
        required {
            /// The last segment of the path, such as `agent:bot`.
            scope: String,
            /// The whole path, such as `tenant:acme/agent:bot`.
            scope_path: String,
            /// What is left; negative in overdraft.
            remaining: SignedAmount,
        }
        optional {
            /// What live reservations hold.
            reserved: Amount,
            /// What was committed.
            spent: Amount,
            /// What the budget was given.
            allocated: Amount,
            /// What was spent beyond the allocation; absent means none.
            debt: Amount,
            /// How much debt is allowed; absent means none.
            overdraft_limit: Amount,
            /// Whether every new reservation is refused until the budget is funded; absent means no.
            is_over_limit: bool,
        }
        list {}
    }
}

wire_object! {
    /// A page of balances (protocol: `BalanceResponse`).
    pub struct BalanceResponse {
        required {
            /// The balances, in the server's order.
            balances: Vec<Balance>,
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
