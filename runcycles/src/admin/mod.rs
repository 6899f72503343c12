//! Provisioning: tenants, API keys, budgets and policies, by operators and by scripts.
//!
//! Needs the feature `admin`. [`Admin`] has an address and a key of its own, since the admin plane may live on another host
//! than the runtime plane, and its key must not be where agents run.
//!
//! ```
//! use runcycles::{admin::Admin, models::Unit, usd};
//! use runcycles_authority::Authority;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In production: Admin::from_env()?.
//! let authority = Authority::builder().admin_key("secret").start().await?;
//! let admin = Admin::builder("secret", "http://authority").transport(authority.transport()).build();
//!
//! admin.create_tenant(runcycles::admin::NewTenant::new("acme", "Acme Corp")).await?;
//! let jane = admin.budget("tenant:acme/agent:jane");
//! jane.ensure(usd!(5)).await?; // creates it, or finds it
//! jane.start_period(usd!(5), "2026-11-22").await?; // once a day, however often it is asked for
//! assert_eq!(jane.get(Unit::UsdMicrocents).await?.remaining.to_string(), "$5.00");
//! # Ok(())
//! # }
//! ```

mod answers;
mod budget;
mod builder;
mod fund;
mod operations;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde::Serialize;

use crate::client::{Answer, Connection, Operation, Prepared, encode};
use crate::error::{ConfigError, Error};
use crate::protocol::{QueryPairs, ValidationError};

pub use self::budget::Budget;
pub use self::builder::AdminBuilder;
pub use self::fund::Fund;
pub use crate::protocol::admin::{
    ApiKeyInfo, ApiKeyPage, ApiKeyStatus, BudgetChanges, BudgetLedger, BudgetPage, BudgetStatus, CreatedApiKey,
    FundingOperation, FundingResult, Introspection, KeySecret, ListApiKeys, ListBudgets, ListPolicies,
    ListQuotaCounters, ListTenants, NewApiKey, NewBudget, NewPolicy, NewTenant, Policy, PolicyChanges, PolicyPage,
    PolicyStatus, QuotaCounter, QuotaCounterPage, QuotaCounterReset, RateLimits, ReservationTtlOverride,
    RolloverPolicy, ScopePath, Tenant, TenantChanges, TenantPage, TenantStatus,
};

/// A client of the admin plane: cheap to clone, with an address and a key of its own.
///
/// Its operations send one request each, when they are awaited, and repeat nothing. What breaks the plane's limits is an error
/// before anything is sent.
#[derive(Clone)]
pub struct Admin {
    connection: Arc<Connection>,
}

impl Admin {
    /// Starts a client from a key and an address, in the order of [`CyclesClient::builder`](crate::CyclesClient::builder).
    pub fn builder(admin_key: impl Into<String>, base_url: impl Into<String>) -> AdminBuilder {
        AdminBuilder::new(admin_key.into(), base_url.into())
    }

    /// A client from `CYCLES_ADMIN_URL` and `CYCLES_ADMIN_KEY`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] naming the variable that is missing or cannot work.
    pub fn from_env() -> Result<Self, ConfigError> {
        AdminBuilder::from_env()?.try_build()
    }

    /// The budget of a scope: a path such as `"tenant:acme/agent:bot"`, or what [`Scope`](crate::Scope) makes. Sends nothing; a
    /// path that cannot be is an error of every operation on it.
    ///
    /// ```
    /// use runcycles::{Scope, admin::Admin};
    ///
    /// let admin = Admin::builder("secret", "http://localhost:7979").build();
    /// let by_path = admin.budget("tenant:acme/agent:bot");
    /// let by_scope = admin.budget(Scope::tenant("acme").agent("bot"));
    /// ```
    pub fn budget<S: TryInto<ScopePath>>(&self, scope: S) -> Budget
    where
        ValidationError: From<S::Error>,
    {
        Budget::new(self.clone(), scope.try_into().map_err(ValidationError::from))
    }

    /// A request without a body.
    fn ask(&self, path: &str, pairs: &QueryPairs) -> Result<Prepared, Error> {
        Ok(Prepared::get(self.connection.endpoint.query(path, pairs)?))
    }

    /// A request with a body.
    fn say(&self, method: Method, path: &str, pairs: &QueryPairs, body: &impl Serialize) -> Result<Prepared, Error> {
        Ok(Prepared::of(method, self.connection.endpoint.query(path, pairs)?, encode(body)?))
    }

    /// A request about one thing of a collection, with a body unless that is empty.
    fn about(&self, method: Method, collection: &str, id: &str, body: Bytes) -> Result<Prepared, Error> {
        Ok(Prepared::of(method, self.connection.endpoint.item(collection, id)?, body))
    }

    fn operation<T: Answer>(&self, request: Result<Prepared, Error>) -> Operation<T> {
        Operation::new(&self.connection, request)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("endpoint", &self.connection.endpoint).finish_non_exhaustive()
    }
}
