//! Routes of the admin plane, and who may use them.

use std::borrow::Cow;

use http::Method;

use crate::http::query::percent_decode;
use crate::state::Permission;

/// A route of the admin plane.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AdminRoute<'a> {
    Tenants,
    Tenant(Cow<'a, str>),
    ApiKeys,
    ApiKey(Cow<'a, str>),
    Budgets,
    BudgetLookup,
    BudgetFund,
    BudgetFreeze,
    BudgetUnfreeze,
    Policies,
    Policy(Cow<'a, str>),
    QuotaCounters,
    QuotaCounterReset,
    Introspect,
    Validate,
}

impl<'a> AdminRoute<'a> {
    /// The route of a path.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        match path {
            "/v1/auth/introspect" => return Some(Self::Introspect),
            "/v1/auth/validate" => return Some(Self::Validate),
            _ => {}
        }
        let (collection, item) = match path.strip_prefix("/v1/admin/")?.split_once('/') {
            Some((collection, item)) => (collection, Some(item)),
            None => (path.strip_prefix("/v1/admin/")?, None),
        };
        if item.is_some_and(|item| item.is_empty() || item.contains('/')) {
            return None;
        }
        match (collection, item) {
            ("tenants", None) => Some(Self::Tenants),
            ("tenants", Some(id)) => Some(Self::Tenant(percent_decode(id, false))),
            ("api-keys", None) => Some(Self::ApiKeys),
            ("api-keys", Some(id)) => Some(Self::ApiKey(percent_decode(id, false))),
            ("budgets", None) => Some(Self::Budgets),
            ("budgets", Some("lookup")) => Some(Self::BudgetLookup),
            ("budgets", Some("fund")) => Some(Self::BudgetFund),
            ("budgets", Some("freeze")) => Some(Self::BudgetFreeze),
            ("budgets", Some("unfreeze")) => Some(Self::BudgetUnfreeze),
            ("policies", None) => Some(Self::Policies),
            ("policies", Some(id)) => Some(Self::Policy(percent_decode(id, false))),
            ("action-quota-counters", None) => Some(Self::QuotaCounters),
            ("action-quota-counters", Some("reset")) => Some(Self::QuotaCounterReset),
            _ => None,
        }
    }

    /// Whether the route belongs to an extension of the protocol.
    pub(super) fn is_of_extension(&self) -> bool {
        matches!(self, Self::QuotaCounters | Self::QuotaCounterReset)
    }

    /// The methods of a route, as `Allow` names them.
    pub(super) fn allow(&self) -> &'static str {
        match self {
            Self::Tenants | Self::ApiKeys | Self::Policies => "GET, POST",
            Self::Budgets => "GET, PATCH, POST",
            Self::Tenant(_) => "GET, PATCH",
            Self::ApiKey(_) => "DELETE, PATCH",
            Self::Policy(_) => "PATCH",
            Self::BudgetLookup | Self::QuotaCounters | Self::Introspect => "GET",
            Self::BudgetFund | Self::BudgetFreeze | Self::BudgetUnfreeze | Self::QuotaCounterReset | Self::Validate => {
                "POST"
            }
        }
    }

    /// Who may use a method of the route; nobody where the route has no such method.
    pub(super) fn access(&self, method: &Method) -> Option<Access> {
        if !self.allow().split(", ").any(|allowed| allowed == method.as_str()) {
            return None;
        }
        let (reads, needs) = (method == Method::GET, |permission| Access::Either { needs: Some(permission) });
        Some(match self {
            Self::Budgets if method == Method::PATCH => Access::Operator,
            Self::Budgets | Self::BudgetLookup if reads => needs(Permission::BudgetsRead),
            Self::Budgets | Self::BudgetLookup | Self::BudgetFund => needs(Permission::BudgetsWrite),
            Self::Policies if reads => needs(Permission::PoliciesRead),
            Self::Policies | Self::Policy(_) => needs(Permission::PoliciesWrite),
            Self::QuotaCounters => Access::CounterReader,
            Self::Introspect => Access::Either { needs: None },
            Self::Tenants
            | Self::Tenant(_)
            | Self::ApiKeys
            | Self::ApiKey(_)
            | Self::BudgetFreeze
            | Self::BudgetUnfreeze
            | Self::QuotaCounterReset
            | Self::Validate => Access::Operator,
        })
    }
}

/// Which keys open a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The admin key.
    Operator,
    /// The admin key, or a tenant's key that has a permission.
    Either { needs: Option<Permission> },
    /// The admin key, or a tenant's key that may read counters.
    CounterReader,
}
