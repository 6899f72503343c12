//! Provisioning over the reference admin plane.

use std::fmt;

use http::Method;
use serde_json::{Value, json};

use super::{ApiKey, LedgerSpec, ProvisionError, Provisioned, Provisioner};
use crate::conformance::Endpoint;
use crate::conformance::scene::fresh;
use crate::conformance::wire::{Answer, Call};

/// The reference admin plane of a server, and the key to it.
#[derive(Clone)]
pub struct AdminPlane {
    endpoint: Endpoint,
    admin_key: String,
}

impl AdminPlane {
    /// An admin plane at an address.
    pub fn new(endpoint: Endpoint, admin_key: impl Into<String>) -> Self {
        Self { endpoint, admin_key: admin_key.into() }
    }

    pub(in crate::conformance) fn admin_key(&self) -> &str {
        &self.admin_key
    }

    fn get(&self, path: &str) -> Call {
        Call::get(&self.endpoint, path).admin_key(&self.admin_key)
    }

    fn post(&self, path: &str, body: Value) -> Call {
        Call::post(&self.endpoint, path, body).admin_key(&self.admin_key)
    }

    pub(in crate::conformance) fn new_tenant(&self, tenant: &str) -> Call {
        self.post("/v1/admin/tenants", json!({"tenant_id": tenant, "name": tenant}))
    }

    pub(in crate::conformance) fn get_tenant(&self, tenant: &str) -> Call {
        self.get(&format!("/v1/admin/tenants/{}", Call::segment(tenant)))
    }

    pub(in crate::conformance) fn change_tenant(&self, tenant: &str, change: Value) -> Call {
        self.get_tenant(tenant).method(Method::PATCH).json(change)
    }

    pub(in crate::conformance) fn new_key(&self, tenant: &str) -> Call {
        self.post("/v1/admin/api-keys", json!({"tenant_id": tenant, "name": "conformance"}))
    }

    pub(in crate::conformance) fn end_key(&self, id: &str) -> Call {
        self.get(&format!("/v1/admin/api-keys/{}", Call::segment(id))).method(Method::DELETE)
    }

    pub(in crate::conformance) fn new_ledger(&self, ledger: &LedgerSpec) -> Call {
        let LedgerSpec { tenant, scope, unit, .. } = ledger;
        let body = json!({
            "tenant_id": tenant,
            "scope": scope,
            "unit": unit,
            "allocated": amount(unit, ledger.allocated),
        });
        let call = self.post("/v1/admin/budgets", body);
        match ledger.overdraft_limit {
            0 => call,
            limit => call.with("overdraft_limit", amount(unit, limit)),
        }
    }

    /// Funds a ledger by an operation such as `CREDIT`.
    pub(in crate::conformance) fn fund(&self, ledger: &LedgerSpec, operation: &str, value: i64) -> Call {
        let key = fresh("key");
        let body = json!({"operation": operation, "amount": amount(ledger.unit, value), "idempotency_key": key});
        self.on(ledger, Method::POST, "/v1/admin/budgets/fund", body).query("tenant_id", &ledger.tenant)
    }

    /// Freezes or unfreezes a ledger.
    pub(in crate::conformance) fn switch(&self, ledger: &LedgerSpec, transition: &str) -> Call {
        self.on(ledger, Method::POST, &format!("/v1/admin/budgets/{transition}"), json!({}))
    }

    fn on(&self, ledger: &LedgerSpec, method: Method, path: &str, body: Value) -> Call {
        self.post(path, body).method(method).query("scope", &ledger.scope).query("unit", ledger.unit)
    }
}

/// An amount on the wire.
fn amount(unit: &str, amount: i64) -> Value {
    json!({"unit": unit, "amount": amount})
}

/// Sends a call whose success is all that matters.
async fn done(call: Call) -> Result<Answer, ProvisionError> {
    let answer = call.await?;
    answer.expect(matches!(answer.code(), 200..=299), "a success")?;
    Ok(answer)
}

impl Provisioner for AdminPlane {
    fn create_tenant<'a>(&'a self, tenant: &'a str) -> Provisioned<'a> {
        Box::pin(async move { done(self.new_tenant(tenant)).await.map(drop) })
    }

    fn close_tenant<'a>(&'a self, tenant: &'a str) -> Provisioned<'a> {
        Box::pin(async move { done(self.change_tenant(tenant, json!({"status": "CLOSED"}))).await.map(drop) })
    }

    fn create_key<'a>(&'a self, tenant: &'a str) -> Provisioned<'a, ApiKey> {
        Box::pin(async move {
            let answer = done(self.new_key(tenant)).await?;
            Ok(ApiKey { id: answer.text("key_id")?.to_owned(), secret: answer.text("key_secret")?.to_owned() })
        })
    }

    fn revoke_key<'a>(&'a self, key: &'a ApiKey) -> Provisioned<'a> {
        Box::pin(async move { done(self.end_key(&key.id)).await.map(drop) })
    }

    fn open_ledger<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a> {
        Box::pin(async move { done(self.new_ledger(ledger)).await.map(drop) })
    }

    fn credit<'a>(&'a self, ledger: &'a LedgerSpec, amount: i64) -> Provisioned<'a> {
        Box::pin(async move { done(self.fund(ledger, "CREDIT", amount)).await.map(drop) })
    }

    fn freeze<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a> {
        Box::pin(async move { done(self.switch(ledger, "freeze")).await.map(drop) })
    }

    fn set_overdraft_limit<'a>(&'a self, ledger: &'a LedgerSpec, limit: i64) -> Provisioned<'a> {
        let change = json!({"overdraft_limit": amount(ledger.unit, limit)});
        Box::pin(async move { done(self.on(ledger, Method::PATCH, "/v1/admin/budgets", change)).await.map(drop) })
    }
}

impl fmt::Debug for AdminPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminPlane")
            .field("endpoint", &self.endpoint)
            .field("admin_key", &"<redacted>")
            .finish_non_exhaustive()
    }
}
