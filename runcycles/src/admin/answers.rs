//! What the admin plane answers with.

use http::StatusCode;

use crate::client::{Answer, paged};
use crate::protocol::admin::{
    ApiKeyInfo, ApiKeyPage, BudgetLedger, BudgetPage, CreatedApiKey, FundingResult, Introspection, ListApiKeys,
    ListBudgets, ListPolicies, ListQuotaCounters, ListTenants, Policy, PolicyPage, QuotaCounter, QuotaCounterPage,
    QuotaCounterReset, Tenant, TenantPage,
};

/// What creates answers 201, or 200 where it was there; what reads and changes answers 200. The body tells the same in all
/// cases: how the thing stands.
const CREATED_OR_THERE: &[StatusCode] = &[StatusCode::OK, StatusCode::CREATED];

/// Declares the answers: what the operations on a thing are called, and the statuses that mean success.
macro_rules! answers {
    ($( $answer:ty, $operation:literal $(, $success:expr)?; )*) => { $(
        impl Answer for $answer {
            const OPERATION: &'static str = $operation;
            $( const SUCCESS: &'static [StatusCode] = $success; )?
        }
    )* };
}

answers! {
    Tenant, "a tenant's administration", CREATED_OR_THERE;
    TenantPage, "list tenants";
    CreatedApiKey, "create API key", CREATED_OR_THERE;
    ApiKeyInfo, "revoke API key";
    ApiKeyPage, "list API keys";
    Introspection, "introspect";
    BudgetLedger, "a budget's administration", CREATED_OR_THERE;
    BudgetPage, "list budgets";
    FundingResult, "fund a budget";
    Policy, "a policy's administration", CREATED_OR_THERE;
    PolicyPage, "list policies";
    QuotaCounterPage, "list quota counters";
    QuotaCounterReset, "reset a quota counter";
}

paged! {
    ListTenants => TenantPage, tenants: Tenant;
    ListApiKeys => ApiKeyPage, keys: ApiKeyInfo;
    ListBudgets => BudgetPage, ledgers: BudgetLedger;
    ListPolicies => PolicyPage, policies: Policy;
    ListQuotaCounters => QuotaCounterPage, counters: QuotaCounter;
}
