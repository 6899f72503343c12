//! From budgets to findings. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{AuditFinding, AuditedScope, level_of};
use crate::protocol::{Amount, Level};

/// The most budgets that a call is checked against before it is told: tenant, workspace, app, workflow and run are usual.
const MOST_BUDGETS: usize = 5;

/// What is commonly forgotten, at most one finding of each kind.
pub(super) fn findings(scopes: &[AuditedScope]) -> Vec<AuditFinding> {
    let known: Vec<_> = scopes.iter().filter(|scope| scope.denied.is_none()).collect();
    let (bare, budgeted): (Vec<_>, Vec<_>) = known.into_iter().partition(|scope| scope.budgets.is_empty());
    let mut findings = Vec::new();
    if !bare.is_empty() {
        let scopes = bare.iter().map(|scope| format!("{} ({})", scope.scope, scope.unit)).collect();
        findings.push(AuditFinding::NoBudget { scopes });
    }
    // Who has but the tenant's budget lacks a cap for runs too, which is said once.
    let is_tenant_alone =
        |scope: &&AuditedScope| scope.budgets.iter().all(|(budget, _)| level_of(budget) == Some(Level::Tenant));
    if !budgeted.is_empty() && budgeted.iter().all(is_tenant_alone) {
        let tenants = budgeted.iter().flat_map(|scope| scope.budgets.iter().map(|(budget, _)| budget.clone()));
        let tenants: BTreeSet<_> = tenants.collect();
        findings.push(AuditFinding::TenantOnly { tenants: tenants.into_iter().collect() });
    } else {
        findings.extend(no_run_cap(&budgeted));
    }
    findings.extend(same_envelope(&budgeted));
    findings.extend(too_many(&budgeted));
    findings
}

/// Budgets that a single run may use up. In several units, a cap in one of them is enough: it ends the run.
fn no_run_cap(scopes: &[&AuditedScope]) -> Option<AuditFinding> {
    let mut uncapped: BTreeMap<String, Option<String>> = BTreeMap::new();
    for scope in scopes {
        let entry = uncapped.entry(scope.scope.clone()).or_insert_with(|| innermost(scope));
        if is_run_capped(scope) {
            *entry = None;
        }
    }
    let scopes: BTreeSet<_> = uncapped.into_values().flatten().collect();
    (!scopes.is_empty()).then(|| AuditFinding::NoRunCap { scopes: scopes.into_iter().collect() })
}

fn innermost(scope: &AuditedScope) -> Option<String> {
    scope.budgets.iter().map(|(budget, _)| budget).max_by_key(|budget| budget.len()).cloned()
}

/// Whether the run that a call belongs to has a budget of its own. A call that names no run is capped by its agent's or by what is
/// below.
fn is_run_capped(scope: &AuditedScope) -> bool {
    match run_level(scope) {
        Some(level) => scope.has_budget_at(level),
        None => scope.has_budget_at(Level::Agent) || scope.has_budget_at(Level::Toolset),
    }
}

/// The level that a run stands at.
fn run_level(scope: &AuditedScope) -> Option<Level> {
    let run = scope.subject.dimensions.get("run")?;
    [Level::Agent, Level::Workflow].into_iter().find(|level| scope.subject.level(*level) == Some(run.as_str()))
}

/// Workflows that all have budgets of one size. Runs that stand at the level of workflows are alike by nature.
fn same_envelope(scopes: &[&AuditedScope]) -> Option<AuditFinding> {
    let mut sizes: BTreeMap<String, &Amount> = BTreeMap::new();
    for scope in scopes.iter().filter(|scope| run_level(scope) != Some(Level::Workflow)) {
        for (budget, allocated) in &scope.budgets {
            if let (Some(Level::Workflow), Some(allocated)) = (level_of(budget), allocated) {
                sizes.insert(format!("{} {budget}", allocated.unit()), allocated);
            }
        }
    }
    let mut by_unit: BTreeMap<&str, Vec<(&str, &Amount)>> = BTreeMap::new();
    for (key, allocated) in &sizes {
        let workflow = key.split_once(' ').map_or(key.as_str(), |(_, workflow)| workflow);
        by_unit.entry(allocated.unit().as_str()).or_default().push((workflow, allocated));
    }
    by_unit.into_values().find_map(|workflows| {
        let (_, amount) = workflows.first()?;
        let are_alike = workflows.len() > 1 && workflows.iter().all(|(_, other)| other == amount);
        let scopes = workflows.iter().map(|(workflow, _)| (*workflow).to_owned()).collect();
        are_alike.then(|| AuditFinding::SameEnvelope { amount: (*amount).clone(), scopes })
    })
}

/// The call with the most budgets, where they are too many.
fn too_many(scopes: &[&AuditedScope]) -> Option<AuditFinding> {
    let most =
        scopes.iter().max_by_key(|scope| scope.budgets.len()).filter(|scope| scope.budgets.len() > MOST_BUDGETS)?;
    let budgets = most.budgets.iter().map(|(budget, _)| budget.clone()).collect();
    Some(AuditFinding::TooManyBudgets { budgets })
}
