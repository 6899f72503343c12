//! The vocabulary of the admin plane: tenants, keys, budgets, policies. No I/O.

mod api_keys;
mod budgets;
mod funding;
mod introspection;
mod lists;
mod policies;
mod quota_counters;
mod request;
mod scope_path;
mod tenants;

pub use self::api_keys::{ApiKeyInfo, ApiKeyPage, ApiKeyStatus, CreatedApiKey, KeySecret, NewApiKey};
pub use self::budgets::{BudgetChanges, BudgetLedger, BudgetPage, BudgetStatus, NewBudget, RolloverPolicy};
pub(crate) use self::funding::FundRequest;
pub use self::funding::{FundingOperation, FundingResult};
pub use self::introspection::Introspection;
pub use self::lists::{ListApiKeys, ListBudgets, ListPolicies, ListQuotaCounters, ListTenants};
pub use self::policies::{
    NewPolicy, Policy, PolicyChanges, PolicyPage, PolicyStatus, RateLimits, ReservationTtlOverride,
};
pub(crate) use self::quota_counters::ResetQuotaCounter;
pub use self::quota_counters::{QuotaCounter, QuotaCounterPage, QuotaCounterReset};
pub use self::scope_path::ScopePath;
#[cfg(feature = "budgets-file")]
pub(crate) use self::tenants::validate_tenant_id;
pub use self::tenants::{NewTenant, Tenant, TenantChanges, TenantPage, TenantStatus};
