//! Budgets: created, changed, funded.

use std::sync::Arc;

use uuid::Uuid;

use super::tenants::{check_open, find_open};
use super::{AdminRefusal, Page, Paging};
use crate::clock::Millis;
use crate::engine::funding::{Funding, fund, set_status};
use crate::engine::{Command, SortValue};
use crate::fingerprint::Fingerprint;
use crate::pattern::ScopePattern;
use crate::scope::ScopePath;
use crate::state::{
    Answer, Figures, FundedFigures, Ledger, LedgerId, LedgerOptions, LedgerStatus, Namespace, Operation, Overage,
    Record, State, TenantId, TenantStatus,
};
use crate::unit::Unit;

/// How long the key of a funding is known, in milliseconds: 24 hours.
const KEY_RETENTION_MS: Millis = 24 * 3_600_000;

/// Whose budgets a request may be about.
#[derive(Clone, Debug)]
pub(crate) enum BudgetOwner {
    /// Anybody's: the admin key was used. The tenant that the request names, if it does.
    Operator { tenant: Option<String> },
    /// The tenant's whose key was used, within the key's filter.
    Tenant { id: TenantId, name: Arc<str>, scope_filter: Arc<[ScopePattern]> },
}

impl BudgetOwner {
    /// Refuses a budget that is not this owner's.
    fn check(&self, state: &State, ledger: &Ledger) -> Result<(), AdminRefusal> {
        match self {
            Self::Operator { tenant } => match tenant {
                Some(tenant) if **tenant != *state.tenants().get(ledger.tenant).id => Err(AdminRefusal::OtherTenant),
                _ => Ok(()),
            },
            Self::Tenant { id, .. } if *id != ledger.tenant => Err(AdminRefusal::OtherTenant),
            Self::Tenant { .. } => self.check_filter(&ledger.scope),
        }
    }

    fn check_filter(&self, scope: &ScopePath) -> Result<(), AdminRefusal> {
        match self {
            Self::Tenant { scope_filter, .. } if !within(scope_filter, scope) => {
                Err(AdminRefusal::OutOfScope { scope: scope.to_string() })
            }
            _ => Ok(()),
        }
    }
}

/// Whether a filter lets a scope through.
pub(crate) fn within(filter: &[ScopePattern], scope: &ScopePath) -> bool {
    filter.is_empty() || filter.iter().any(|pattern| pattern.matches(scope))
}

/// A budget to add.
#[derive(Debug)]
pub(crate) struct NewBudget {
    pub(crate) id: Uuid,
    pub(crate) scope: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) allocated: i64,
    pub(crate) overdraft_limit: i64,
    pub(crate) options: LedgerOptions,
}

/// Adds a budget.
#[derive(Debug)]
pub(crate) struct CreateBudget {
    pub(crate) owner: BudgetOwner,
    pub(crate) budget: NewBudget,
}

impl Command for CreateBudget {
    type Outcome = Result<Ledger, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let NewBudget { id, scope, unit, allocated, overdraft_limit, options } = self.budget;
        self.owner.check_filter(&scope)?;
        let name = match &self.owner {
            BudgetOwner::Operator { tenant } => tenant.clone().unwrap_or_default(),
            BudgetOwner::Tenant { name, .. } => name.to_string(),
        };
        if scope.tenant() != name {
            let message = format!("Scope {scope} is not of tenant {name}");
            return Err(AdminRefusal::Invalid { message });
        }
        let tenant = find_open(state, &name)?;
        let row = state.tenants().get(tenant);
        if row.status != TenantStatus::Active {
            return Err(AdminRefusal::TenantNotActive { id: row.id.clone() });
        }
        if state.ledgers().find(scope.as_str(), unit).is_some() {
            return Err(AdminRefusal::Duplicate { what: format!("Budget in {} at {scope} exists", unit.as_str()) });
        }
        let ledger = Ledger {
            id,
            tenant,
            scope,
            unit,
            figures: Figures { allocated, overdraft_limit, ..Figures::default() },
            status: LedgerStatus::Active,
            caps: None,
            options,
            created_at: now,
            updated_at: None,
        };
        state.insert_ledger(ledger.clone());
        Ok(ledger)
    }
}

/// Reads a budget.
#[derive(Debug)]
pub(crate) struct FindBudget {
    pub(crate) owner: BudgetOwner,
    pub(crate) scope: ScopePath,
    pub(crate) unit: Unit,
}

impl Command for FindBudget {
    type Outcome = Result<Ledger, AdminRefusal>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let ledger = state.ledgers().get(find(state, &self.scope, self.unit)?);
        self.owner.check(state, ledger)?;
        Ok(ledger.clone())
    }
}

/// Changes a budget's limit and policy.
#[derive(Debug)]
pub(crate) struct ChangeBudget {
    pub(crate) scope: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) overdraft_limit: Option<i64>,
    pub(crate) overage: Option<Overage>,
}

impl Command for ChangeBudget {
    type Outcome = Result<Ledger, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let id = find_of_open_tenant(state, &self.scope, self.unit)?;
        let ledger = state.ledgers().get(id);
        if ledger.status == LedgerStatus::Closed {
            return Err(crate::engine::BudgetError::Closed { scope: ledger.scope.shared().clone() }.into());
        }
        let ledger = state.ledger_mut(id);
        ledger.options.overage = self.overage.or(ledger.options.overage);
        if let Some(limit) = self.overdraft_limit {
            ledger.figures.overdraft_limit = limit;
            ledger.figures.over_limit = ledger.figures.debt > limit;
        }
        ledger.updated_at = Some(now);
        Ok(ledger.clone())
    }
}

/// Freezes or unfreezes a budget.
#[derive(Debug)]
pub(crate) struct FreezeBudget {
    pub(crate) scope: ScopePath,
    pub(crate) unit: Unit,
    pub(crate) status: LedgerStatus,
}

impl Command for FreezeBudget {
    type Outcome = Result<Ledger, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let id = find_of_open_tenant(state, &self.scope, self.unit)?;
        set_status(state, &[id], self.status, now)?;
        Ok(state.ledgers().get(id).clone())
    }
}

/// Funds a budget.
#[derive(Debug)]
pub(crate) struct FundBudget {
    pub(crate) owner: BudgetOwner,
    pub(crate) scope: ScopePath,
    pub(crate) funding: Funding,
    pub(crate) unit: Unit,
    pub(crate) key: Option<String>,
    pub(crate) fingerprint: Fingerprint,
}

impl Command for FundBudget {
    type Outcome = Result<FundedFigures, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let id = find(state, &self.scope, self.unit)?;
        let ledger = state.ledgers().get(id);
        self.owner.check(state, ledger)?;
        let namespace = Namespace { tenant: ledger.tenant, operation: Operation::Fund };
        let key: Option<Arc<str>> = self.key.map(|key| format!("{}|{}|{key}", self.scope, self.unit.as_str()).into());
        if let Some(record) = key.as_ref().and_then(|key| state.records().find(namespace, key, now)) {
            return match &record.answer {
                Answer::Funded(figures) if record.fingerprint == self.fingerprint => Ok(**figures),
                _ => Err(AdminRefusal::KeyMismatch),
            };
        }
        check_open(state, ledger.tenant)?;
        let (before, after) = fund(state, id, &self.funding, now)?;
        let figures = FundedFigures { before, after, at: now };
        if let Some(key) = key {
            let until = now.saturating_add(KEY_RETENTION_MS);
            let answer = Answer::Funded(Box::new(figures));
            state.insert_record(namespace, key, Record { fingerprint: self.fingerprint, until, answer });
        }
        Ok(figures)
    }
}

/// Reads a page of budgets.
#[derive(Debug)]
pub(crate) struct ListBudgets {
    pub(crate) owner: BudgetOwner,
    pub(crate) scope_prefix: Option<String>,
    pub(crate) unit: Option<Unit>,
    pub(crate) status: Option<LedgerStatus>,
    pub(crate) over_limit: Option<bool>,
    pub(crate) has_debt: Option<bool>,
    pub(crate) utilization: (Option<f64>, Option<f64>),
    /// Lower-case text that the scope has, which begins with the tenant.
    pub(crate) search: Option<String>,
    pub(crate) by: &'static str,
    pub(crate) paging: Paging,
}

impl Command for ListBudgets {
    type Outcome = Page<Ledger>;

    fn apply(self, state: &mut State, _now: Millis) -> Self::Outcome {
        let ledgers = state.ledgers();
        let owner = match &self.owner {
            BudgetOwner::Operator { tenant: None } => None,
            BudgetOwner::Operator { tenant: Some(tenant) } => Some(state.tenants().find(tenant)),
            BudgetOwner::Tenant { id, .. } => Some(Some(*id)),
        };
        let rows: Box<dyn Iterator<Item = &Ledger>> = match owner {
            None => Box::new(ledgers.iter()),
            Some(tenant) => Box::new(tenant.into_iter().flat_map(|id| ledgers.of_tenant(id)).map(|id| ledgers.get(id))),
        };
        let rows = rows.filter(|ledger| self.matches(ledger));
        self.paging.cut(rows, |ledger| {
            let text = |text: &str| SortValue::Text(text.to_owned());
            let value = match self.by {
                "tenant_id" => text(ledger.scope.tenant()),
                "scope" => text(ledger.scope.as_str()),
                "unit" => text(ledger.unit.as_str()),
                "status" => text(ledger.status.as_str()),
                "commit_overage_policy" => text(ledger.options.overage.map_or("", Overage::as_str)),
                "debt" => SortValue::Number(u64::try_from(ledger.figures.debt).unwrap_or(0)),
                _ => SortValue::Number(utilization_parts(&ledger.figures)),
            };
            (value, format!("{}|{}", ledger.scope, ledger.unit.as_str()))
        })
    }
}

impl ListBudgets {
    fn matches(&self, ledger: &Ledger) -> bool {
        let Figures { debt, over_limit, .. } = ledger.figures;
        let scope = ledger.scope.as_str();
        let (least, most) = self.utilization;
        self.scope_prefix.as_ref().is_none_or(|prefix| scope.starts_with(prefix.as_str()))
            && self.unit.is_none_or(|unit| unit == ledger.unit)
            && self.status.is_none_or(|status| status == ledger.status)
            && self.over_limit.is_none_or(|wanted| wanted == over_limit)
            && self.has_debt.is_none_or(|wanted| wanted == (debt > 0))
            && self.search.as_ref().is_none_or(|text| scope.contains(text))
            && least.is_none_or(|least| utilization(&ledger.figures) >= least)
            && most.is_none_or(|most| utilization(&ledger.figures) <= most)
            && self.owner.check_filter(&ledger.scope).is_ok()
    }
}

/// What part of a budget is spent; nothing of an empty one.
#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn utilization(figures: &Figures) -> f64 {
    if figures.allocated == 0 { 0.0 } else { figures.spent as f64 / figures.allocated as f64 }
}

/// The same in parts of 2³², as a number to sort by.
fn utilization_parts(figures: &Figures) -> u64 {
    let (spent, allocated) = (i128::from(figures.spent), i128::from(figures.allocated));
    let parts = if allocated == 0 { 0 } else { (spent << 32) / allocated };
    u64::try_from(parts).unwrap_or(u64::MAX)
}

fn find(state: &State, scope: &ScopePath, unit: Unit) -> Result<LedgerId, AdminRefusal> {
    let found = state.ledgers().find(scope.as_str(), unit);
    found.ok_or_else(|| AdminRefusal::BudgetNotFound { scope: scope.to_string(), unit: unit.as_str() })
}

fn find_of_open_tenant(state: &State, scope: &ScopePath, unit: Unit) -> Result<LedgerId, AdminRefusal> {
    let id = find(state, scope, unit)?;
    check_open(state, state.ledgers().get(id).tenant).map(|()| id)
}
