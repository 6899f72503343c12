//! Tenants, keys, policies and lists: one method for each operation.

use http::Method;

use super::Admin;
use crate::client::{Operation, Pages, Prepared, encode};
use crate::error::Error;
use crate::protocol::QueryPairs;
use crate::protocol::admin::{
    ApiKeyInfo, BudgetLedger, BudgetPage, CreatedApiKey, Introspection, ListApiKeys, ListBudgets, ListPolicies,
    ListQuotaCounters, ListTenants, NewApiKey, NewPolicy, NewTenant, Policy, PolicyChanges, QuotaCounter,
    QuotaCounterReset, ResetQuotaCounter, Tenant, TenantChanges,
};
use crate::protocol::validation::check_chars;

const TENANTS: &str = "/v1/admin/tenants";
const API_KEYS: &str = "/v1/admin/api-keys";
const QUOTA_COUNTERS: &str = "/v1/admin/action-quota-counters";
const POLICIES: &str = "/v1/admin/policies";
pub(super) const BUDGETS: &str = "/v1/admin/budgets";

impl Admin {
    /// Creates a tenant (admin plane: `POST /v1/admin/tenants`). One that is there under the same name is given as it is.
    ///
    /// # Errors
    ///
    /// `DUPLICATE_RESOURCE` where one is there under another name.
    pub fn create_tenant(&self, tenant: NewTenant) -> Operation<Tenant> {
        let request = tenant.validate().map_err(Error::from);
        self.operation(request.and_then(|()| self.say(Method::POST, TENANTS, &QueryPairs::new(), &tenant)))
    }

    /// One tenant (admin plane: `GET /v1/admin/tenants/{tenant_id}`).
    ///
    /// # Errors
    ///
    /// `TENANT_NOT_FOUND`.
    pub fn tenant(&self, tenant_id: &str) -> Operation<Tenant> {
        self.operation(self.about(Method::GET, TENANTS, tenant_id, bytes::Bytes::new()))
    }

    /// Changes a tenant (admin plane: `PATCH /v1/admin/tenants/{tenant_id}`).
    pub fn update_tenant(&self, tenant_id: &str, changes: TenantChanges) -> Operation<Tenant> {
        let body = changes.validate().map_err(Error::from).and_then(|()| encode(&changes));
        self.operation(body.and_then(|body| self.about(Method::PATCH, TENANTS, tenant_id, body)))
    }

    /// All tenants a filter finds, page after page. An error ends the stream.
    pub fn tenants(&self, filter: ListTenants) -> Pages<Tenant> {
        let admin = self.clone();
        Pages::new(filter, move |filter| admin.operation(admin.list(TENANTS, filter.to_pairs())))
    }

    /// Makes an API key (admin plane: `POST /v1/admin/api-keys`). The answer has its secret, this once; repeating the request
    /// makes another key.
    ///
    /// # Errors
    ///
    /// `TENANT_NOT_FOUND`, and `INVALID_REQUEST` for a permission that the server does not know.
    pub fn create_api_key(&self, key: NewApiKey) -> Operation<CreatedApiKey> {
        let request = key.validate().map_err(Error::from);
        self.operation(request.and_then(|()| self.say(Method::POST, API_KEYS, &QueryPairs::new(), &key)))
    }

    /// All API keys a filter finds, page after page, without their secrets. An error ends the stream.
    pub fn api_keys(&self, filter: ListApiKeys) -> Pages<ApiKeyInfo> {
        let admin = self.clone();
        Pages::new(filter, move |filter| admin.operation(admin.list(API_KEYS, filter.to_pairs())))
    }

    /// Revokes an API key for good (admin plane: `DELETE /v1/admin/api-keys/{key_id}`).
    ///
    /// # Errors
    ///
    /// `KEY_REVOKED` where that has happened before.
    pub fn revoke_api_key(&self, key_id: &str) -> Operation<ApiKeyInfo> {
        self.operation(self.about(Method::DELETE, API_KEYS, key_id, bytes::Bytes::new()))
    }

    /// What this client's key may do (admin plane: `GET /v1/auth/introspect`): a check of address and key that changes nothing.
    pub fn introspect(&self) -> Operation<Introspection> {
        self.operation(self.ask("/v1/auth/introspect", &QueryPairs::new()))
    }

    /// All budgets a filter finds, page after page. An error ends the stream.
    pub fn budgets(&self, filter: ListBudgets) -> Pages<BudgetLedger> {
        let admin = self.clone();
        Pages::new(filter, move |filter| admin.list_budgets(filter))
    }

    fn list_budgets(&self, filter: &ListBudgets) -> Operation<BudgetPage> {
        self.operation(self.list(BUDGETS, filter.to_pairs()))
    }

    /// Creates a policy (admin plane: `POST /v1/admin/policies`).
    ///
    /// # Errors
    ///
    /// `DUPLICATE_RESOURCE` where the tenant has one of the name.
    pub fn create_policy(&self, policy: NewPolicy) -> Operation<Policy> {
        let request = policy.validate().map_err(Error::from);
        self.operation(request.and_then(|()| self.say(Method::POST, POLICIES, &QueryPairs::new(), &policy)))
    }

    /// Changes a policy (admin plane: `PATCH /v1/admin/policies/{policy_id}`).
    pub fn update_policy(&self, policy_id: &str, changes: PolicyChanges) -> Operation<Policy> {
        let body = changes.validate().map_err(Error::from).and_then(|()| encode(&changes));
        self.operation(body.and_then(|body| self.about(Method::PATCH, POLICIES, policy_id, body)))
    }

    /// All policies of a tenant that a filter finds, page after page. An error ends the stream.
    pub fn policies(&self, filter: ListPolicies) -> Pages<Policy> {
        let admin = self.clone();
        Pages::new(filter, move |filter| admin.operation(admin.list(POLICIES, filter.to_pairs())))
    }

    /// All counters of quotas of actions that a filter finds, page after page (protocol v0.1.26:
    /// `GET /v1/admin/action-quota-counters`). An error ends the stream.
    pub fn quota_counters(&self, filter: ListQuotaCounters) -> Pages<QuotaCounter> {
        let admin = self.clone();
        Pages::new(filter, move |filter| admin.operation(admin.list(QUOTA_COUNTERS, filter.to_pairs())))
    }

    /// Sets a counter of a tenant to zero (protocol v0.1.26: `POST /v1/admin/action-quota-counters/reset`): for an incident, and not
    /// to tune a quota. `reason` is for the audit log: at most 512 characters.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where the counter has gone meanwhile.
    pub fn reset_quota_counter(
        &self,
        tenant_id: &str,
        counter: &QuotaCounter,
        reason: &str,
    ) -> Operation<QuotaCounterReset> {
        let request = check_chars("reason", reason, 0..=512).map_err(Error::from).and_then(|()| {
            let body = ResetQuotaCounter {
                tenant_id,
                scope: &counter.scope,
                action_kind: &counter.action_kind,
                risk_class: counter.risk_class.as_ref(),
                window: &counter.window,
                window_key: counter.window_key.as_deref().unwrap_or_default(),
                reason,
            };
            self.say(Method::POST, "/v1/admin/action-quota-counters/reset", &QueryPairs::new(), &body)
        });
        self.operation(request)
    }

    fn list(&self, path: &str, pairs: Result<QueryPairs, crate::protocol::ValidationError>) -> Result<Prepared, Error> {
        self.ask(path, &pairs?)
    }
}
