//! Filters of the admin plane's lists.

use super::{ApiKeyStatus, BudgetStatus, PolicyStatus, TenantStatus};
use crate::protocol::validation::{check_chars, check_range};
use crate::protocol::{QueryPairs, QuotaWindow, Unit, ValidationError};

/// Declares a filter: its pairs of the query string, the size of a page and where it starts.
macro_rules! list_filter {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $( $(#[$pair_meta:meta])* $pair:ident($value:ty), )* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[must_use = "a filter lists nothing until it is asked for"]
        pub struct $name {
            pairs: QueryPairs,
            limit: Option<u32>,
            cursor: Option<String>,
        }

        impl $name {
            /// No filter: all there is.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                $(#[$pair_meta])*
                pub fn $pair(self, $pair: impl Into<$value>) -> Self {
                    self.pair(stringify!($pair), $pair.into())
                }
            )*

            /// The size of a page: 1 to 100; 50 by default.
            pub fn limit(mut self, limit: u32) -> Self {
                self.limit = Some(limit);
                self
            }

            /// Where the page starts: the `next_cursor` of the one before, with the same filters.
            pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
                self.cursor = Some(cursor.into());
                self
            }

            fn pair(mut self, name: &'static str, value: impl ToString) -> Self {
                self.pairs.push((name, value.to_string()));
                self
            }

            /// The query string's pairs.
            pub(crate) fn to_pairs(&self) -> Result<QueryPairs, ValidationError> {
                let mut pairs = self.pairs.clone();
                if let Some((_, text)) = pairs.iter().find(|(name, _)| *name == "search") {
                    check_chars("search", text, 0..=128)?;
                }
                if let Some(limit) = self.limit {
                    check_range("limit", u64::from(limit), 1..=100)?;
                    pairs.push(("limit", limit.to_string()));
                }
                if let Some(cursor) = &self.cursor {
                    pairs.push(("cursor", cursor.clone()));
                }
                Ok(pairs)
            }
        }
    };
}

list_filter! {
    /// Which tenants to list. Filters combine with *and*.
    pub struct ListTenants {
        /// Those in a state.
        status(TenantStatus),
        /// Those below a tenant.
        parent_tenant_id(String),
        /// Those whose id or name has a text of at most 128 characters.
        search(String),
    }
}

list_filter! {
    /// Which API keys to list. Filters combine with *and*.
    pub struct ListApiKeys {
        /// Those of a tenant.
        tenant_id(String),
        /// Those in a state.
        status(ApiKeyStatus),
        /// Those whose id or name has a text of at most 128 characters.
        search(String),
    }
}

list_filter! {
    /// Which budgets to list. Filters combine with *and*.
    ///
    /// ```
    /// use runcycles::{admin::ListBudgets, models::Unit};
    ///
    /// let nearly_used_up = ListBudgets::new().tenant_id("acme").unit(Unit::UsdMicrocents).used_at_least(80);
    /// ```
    pub struct ListBudgets {
        /// Those of a tenant.
        tenant_id(String),
        /// Those whose path starts with a text.
        scope_prefix(String),
        /// Those in a unit.
        unit(Unit),
        /// Those in a state.
        status(BudgetStatus),
        /// Those over their limit, or the others.
        over_limit(bool),
        /// Those with debt, or the others.
        has_debt(bool),
        /// Those whose path has a text of at most 128 characters.
        search(String),
    }
}

impl ListBudgets {
    /// Those of which at least so many per cent are used: 0 to 100.
    pub fn used_at_least(self, percent: u8) -> Self {
        self.pair("utilization_min", part(percent))
    }

    /// Those of which at most so many per cent are used: 0 to 100.
    pub fn used_at_most(self, percent: u8) -> Self {
        self.pair("utilization_max", part(percent))
    }
}

/// Per cent as a part of one.
fn part(percent: u8) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

list_filter! {
    /// Which policies to list. Filters combine with *and*. Servers want to know whose with an admin key.
    pub struct ListPolicies {
        /// Those of a tenant.
        tenant_id(String),
        /// Those for a pattern.
        scope_pattern(String),
        /// Those in a state.
        status(PolicyStatus),
    }
}

list_filter! {
    /// Which counters of quotas of actions to list (protocol v0.1.26). Filters combine with *and*. Servers want to know whose with an
    /// admin key.
    pub struct ListQuotaCounters {
        /// Those of a tenant.
        tenant_id(String),
        /// Those whose scope starts with a text.
        scope(String),
        /// Those of a kind of action.
        action_kind(String),
        /// Those over a time.
        window(QuotaWindow),
        /// Those of a run.
        run_id(String),
        /// Those at zero too.
        include_zero(bool),
    }
}
