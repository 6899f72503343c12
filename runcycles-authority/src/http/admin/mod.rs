//! The admin plane: what operators and scripts provision with.

mod action_rules;
mod amounts;
mod api_keys;
mod budgets;
mod counters;
mod introspect;
mod lists;
mod policies;
mod problems;
mod route;
mod tenants;

use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Request};

pub(super) use self::amounts::{check_instant, instant, instant_if, text_if};
pub(super) use self::lists::{Listing, search};
use self::route::{Access, AdminRoute};
use super::exchange::{Exchange, Reply};
use super::gate::{Gate, Principal, check};
use super::problem::Problem;
use super::query::Query;
use super::router::check_media_type;
use crate::engine::Engine;
use crate::engine::admin::BudgetOwner;
use crate::ids::IdSource;

/// Whether a path belongs to the admin plane.
pub(super) fn is_admin_path(path: &str) -> bool {
    path.starts_with("/v1/admin/") || path.starts_with("/v1/auth/")
}

/// A request of the admin plane, and what answers it.
pub(super) struct Admin<'a> {
    pub(super) engine: &'a Engine,
    pub(super) gate: &'a Gate,
    pub(super) ids: &'a IdSource,
    /// Whether the authority speaks the extensions of protocol v0.1.26.
    pub(super) speaks_extensions: bool,
    pub(super) request: &'a Request<Bytes>,
}

impl Admin<'_> {
    pub(super) fn answer(&self, exchange: &mut Exchange) -> Result<Reply, Problem> {
        let (headers, uri) = (self.request.headers(), self.request.uri());
        let route = AdminRoute::of(uri.path()).filter(|route| self.speaks_extensions || !route.is_of_extension());
        let Some(route) = route else {
            // A route that does not exist is nobody's, so that either key opens it.
            self.gate.either(headers)?;
            return Err(Problem::no_route());
        };
        let method = self.request.method();
        let Some(access) = route.access(method) else {
            self.gate.either(headers)?;
            return Err(Problem::method_not_allowed(route.allow()));
        };
        let principal = match access {
            Access::Operator => self.gate.operator(headers).map(|()| Principal::Operator)?,
            Access::Either { needs } => {
                let principal = self.gate.either(headers)?;
                if let Principal::Tenant(caller) = &principal {
                    exchange.authenticated(&caller.tenant_name);
                    needs.map_or(Ok(()), |permission| check(caller, permission))?;
                }
                principal
            }
            Access::CounterReader => {
                let principal = self.gate.either(headers)?;
                if let Principal::Tenant(caller) = &principal {
                    exchange.authenticated(&caller.tenant_name);
                }
                counters::check_may_read(&principal)?;
                principal
            }
        };
        if !self.request.body().is_empty() {
            check_media_type(headers)?;
        }
        self.dispatch(&route, method, &principal, &Query::parse(uri.query()))
    }

    fn dispatch(
        &self,
        route: &AdminRoute<'_>,
        method: &Method,
        principal: &Principal,
        query: &Query<'_>,
    ) -> Result<Reply, Problem> {
        let is = |wanted: &Method| method == wanted;
        match route {
            AdminRoute::QuotaCounters => self.list_counters(principal, query),
            AdminRoute::QuotaCounterReset => self.reset_counter(),
            AdminRoute::Tenants if is(&Method::POST) => self.create_tenant(),
            AdminRoute::Tenants => self.list_tenants(query),
            AdminRoute::Tenant(id) if is(&Method::PATCH) => self.change_tenant(id),
            AdminRoute::Tenant(id) => self.find_tenant(id),
            AdminRoute::ApiKeys if is(&Method::POST) => self.create_api_key(),
            AdminRoute::ApiKeys => self.list_api_keys(query),
            AdminRoute::ApiKey(id) if is(&Method::PATCH) => self.change_api_key(id),
            AdminRoute::ApiKey(id) => self.revoke_api_key(id, query),
            AdminRoute::Budgets if is(&Method::POST) => self.create_budget(principal),
            AdminRoute::Budgets if is(&Method::PATCH) => self.change_budget(query),
            AdminRoute::Budgets => self.list_budgets(principal, query),
            AdminRoute::BudgetLookup => self.find_budget(principal, query),
            AdminRoute::BudgetFund => self.fund_budget(principal, query),
            AdminRoute::BudgetFreeze => self.freeze_budget(query, true),
            AdminRoute::BudgetUnfreeze => self.freeze_budget(query, false),
            AdminRoute::Policies if is(&Method::POST) => self.create_policy(principal),
            AdminRoute::Policies => self.list_policies(principal, query),
            AdminRoute::Policy(id) => self.change_policy(principal, id),
            AdminRoute::Introspect => Ok(introspect::answer(principal)),
            AdminRoute::Validate => self.validate_api_key(),
        }
    }
}

/// Whose budgets a request is about: of the tenant whose key was used, or of whom the operator names.
fn owner(principal: &Principal, named: Option<&str>) -> BudgetOwner {
    match principal {
        Principal::Operator => BudgetOwner::Operator { tenant: named.map(str::to_owned) },
        Principal::Tenant(caller) => BudgetOwner::Tenant {
            id: caller.tenant,
            name: caller.tenant_name.clone(),
            scope_filter: caller.scope_filter.clone(),
        },
    }
}

/// The tenant that something is made for: named by the operator, implied by a tenant's own key.
fn tenant_for<'a>(principal: &'a Principal, named: Option<&'a str>) -> Result<Cow<'a, str>, Problem> {
    match (principal, named) {
        (Principal::Operator, Some(tenant)) => Ok(Cow::Borrowed(tenant)),
        (Principal::Operator, None) => {
            Err(Problem::invalid("Validation failed: tenant_id: must be given with the admin key"))
        }
        (Principal::Tenant(_), Some(_)) => {
            Err(Problem::invalid("Validation failed: tenant_id: must not be given with a tenant's API key"))
        }
        (Principal::Tenant(caller), None) => Ok(Cow::Borrowed(&caller.tenant_name)),
    }
}
