//! What an operator asks of the authority: tenants, keys, budgets, policies.

mod api_keys;
mod budgets;
mod counters;
mod page;
mod policies;
mod refusal;
mod subscriptions;
mod tenants;

pub(crate) use self::api_keys::{ApiKeyChanges, ChangeApiKey, CreateApiKey, ListApiKeys, ListedKey, RevokeApiKey};
pub(crate) use self::budgets::{
    BudgetOwner, ChangeBudget, CreateBudget, FindBudget, FreezeBudget, FundBudget, ListBudgets, NewBudget, within,
};
pub(crate) use self::counters::{CounterRow, ListCounters, ResetCounter};
pub(crate) use self::page::{Page, Paging};
pub(crate) use self::policies::{ChangePolicy, CreatePolicy, ListPolicies, NewPolicy, PolicyChanges, RuleChanges};
pub(crate) use self::refusal::AdminRefusal;
pub(crate) use self::subscriptions::{
    ChangeSubscription, CreateSubscription, DeleteSubscription, DisableSubscription, FindSubscription,
    ListSubscriptions, ReadSubscription, TellOfFailure,
};
pub(crate) use self::tenants::{ChangeTenant, CreateTenant, FindTenant, ListTenants, TenantChanges};
