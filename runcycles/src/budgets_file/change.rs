//! One difference between a file and a server.

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use super::entries::{BudgetEntry, PolicyEntry, TenantEntry};
use crate::admin::{Admin, BudgetChanges, NewBudget, NewPolicy, NewTenant, PolicyChanges, ScopePath, TenantChanges};
use crate::error::Error;
use crate::protocol::{Amount, Unit};

/// A change to make, with everything that is needed for it.
#[derive(Clone, Debug)]
pub(super) enum Change {
    CreateTenant(TenantEntry),
    UpdateTenant { entry: TenantEntry, differences: String },
    CreateBudget(BudgetEntry),
    Resize { scope: ScopePath, from: Amount, to: Amount },
    Overdraft { scope: ScopePath, from: Amount, to: Amount },
    Freeze { scope: ScopePath, unit: Unit },
    CreatePolicy(PolicyEntry),
    UpdatePolicy { entry: PolicyEntry, policy_id: String },
}

impl Change {
    /// Whether it makes something that was not there.
    pub(super) fn creates(&self) -> bool {
        matches!(self, Self::CreateTenant(_) | Self::CreateBudget(_) | Self::CreatePolicy(_))
    }

    /// What it comes after: the smaller is made first. Changes of one budget are alike, and stay in their order.
    pub(super) fn rank(&self) -> (u8, Reverse<usize>) {
        let depth = |scope: &ScopePath| Reverse(scope.as_str().split('/').count());
        match self {
            Self::CreateTenant(_) | Self::UpdateTenant { .. } => (0, Reverse(0)),
            Self::CreateBudget(entry) => (1, depth(&entry.scope)),
            Self::Resize { scope, .. } | Self::Overdraft { scope, .. } | Self::Freeze { scope, .. } => {
                (2, depth(scope))
            }
            Self::CreatePolicy(_) | Self::UpdatePolicy { .. } => (3, Reverse(0)),
        }
    }

    /// Makes the change.
    pub(super) async fn make(&self, admin: &Admin) -> Result<(), Error> {
        match self {
            Self::CreateTenant(entry) => drop(admin.create_tenant(new_tenant(entry)).await?),
            Self::UpdateTenant { entry, .. } => drop(admin.update_tenant(&entry.id, tenant_changes(entry)).await?),
            Self::CreateBudget(entry) => {
                let budget = admin.budget(entry.scope.clone());
                let mut new = NewBudget::new(entry.amount.clone());
                if let Some(limit) = &entry.overdraft_limit {
                    new = new.overdraft_limit(limit.clone());
                }
                budget.ensure(new).await?;
                if entry.frozen {
                    budget.freeze(entry.amount.unit().clone()).await?;
                }
            }
            Self::Resize { scope, to, .. } => drop(admin.budget(scope.clone()).resize(to.clone()).await?),
            Self::Overdraft { scope, to, .. } => {
                let changes = BudgetChanges::new().overdraft_limit(to.clone());
                admin.budget(scope.clone()).update(to.unit().clone(), changes).await?;
            }
            Self::Freeze { scope, unit } => drop(admin.budget(scope.clone()).freeze(unit.clone()).await?),
            Self::CreatePolicy(entry) => drop(admin.create_policy(new_policy(entry)).await?),
            Self::UpdatePolicy { entry, policy_id } => {
                admin.update_policy(policy_id, policy_changes(entry)).await?;
            }
        }
        Ok(())
    }

    /// The columns of its line: what it is about, where, and what becomes of it.
    pub(super) fn columns(&self) -> (&'static str, String, String) {
        match self {
            Self::CreateTenant(entry) => ("tenant", entry.id.clone(), String::new()),
            Self::UpdateTenant { entry, differences } => ("tenant", entry.id.clone(), differences.clone()),
            Self::CreateBudget(entry) => {
                let mut text = entry.amount.to_string();
                if let Some(limit) = &entry.overdraft_limit {
                    text = format!("{text}, overdraft limit {limit}");
                }
                ("budget", entry.scope.to_string(), if entry.frozen { text + ", frozen" } else { text })
            }
            Self::Resize { scope, from, to } => ("budget", scope.to_string(), format!("{from} → {to}")),
            Self::Overdraft { scope, from, to } => {
                ("budget", scope.to_string(), format!("overdraft limit {from} → {to}"))
            }
            Self::Freeze { scope, unit } => ("budget", scope.to_string(), format!("{unit}: active → frozen")),
            Self::CreatePolicy(entry) => ("policy", of_tenant(entry), entry.scope_pattern.clone()),
            Self::UpdatePolicy { entry, .. } => ("policy", of_tenant(entry), "other terms".to_owned()),
        }
    }
}

/// What it would do, as an error tells it.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, place, how) = self.columns();
        if self.creates() {
            return write!(f, "create the {what} {place}");
        }
        write!(f, "change the {what} {place} ({how})")
    }
}

fn of_tenant(entry: &PolicyEntry) -> String {
    format!("{}/{:?}", entry.tenant, entry.name)
}

/// Declares what a tenant's entry says, for creating one and for changing one.
macro_rules! tenant_terms {
    ($request:expr, $entry:expr) => {{
        let mut request = $request;
        if let Some(policy) = &$entry.overage_policy {
            request = request.default_commit_overage_policy(policy.clone());
        }
        if let Some(ttl) = $entry.default_ttl {
            request = request.default_reservation_ttl(ttl);
        }
        if let Some(ttl) = $entry.max_ttl {
            request = request.max_reservation_ttl(ttl);
        }
        if let Some(most) = $entry.max_extensions {
            request = request.max_reservation_extensions(most);
        }
        if let Some(mode) = &$entry.observe_mode {
            request = request.observe_mode(mode.clone());
        }
        request
    }};
}

fn new_tenant(entry: &TenantEntry) -> NewTenant {
    tenant_terms!(NewTenant::new(entry.id.as_str(), entry.id.as_str()), entry)
}

fn tenant_changes(entry: &TenantEntry) -> TenantChanges {
    tenant_terms!(TenantChanges::new(), entry)
}

/// Declares what a policy's entry says, for creating one and for changing one.
macro_rules! policy_terms {
    ($request:expr, $entry:expr) => {{
        let mut request = $request.priority($entry.priority);
        if let Some(caps) = &$entry.caps {
            request = request.caps(caps.clone());
        }
        if let Some(policy) = &$entry.overage_policy {
            request = request.commit_overage_policy(policy.clone());
        }
        if let Some(rules) = &$entry.action_rules {
            request = request.action_rules(rules.clone());
        }
        request
    }};
}

fn new_policy(entry: &PolicyEntry) -> NewPolicy {
    policy_terms!(NewPolicy::new(entry.tenant.as_str(), entry.name.as_str(), entry.scope_pattern.as_str()), entry)
}

fn policy_changes(entry: &PolicyEntry) -> PolicyChanges {
    policy_terms!(PolicyChanges::new(), entry)
}

/// A setting that a tenant has otherwise than its entry.
pub(super) fn difference(name: &str, wanted: Option<String>, found: Option<String>) -> Option<String> {
    let wanted = wanted?;
    if found.as_ref() == Some(&wanted) {
        return None;
    }
    Some(format!("{name} {} → {wanted}", found.as_deref().unwrap_or("not told")))
}

/// A time as the file has it.
pub(super) fn millis(time: Duration) -> String {
    time.as_millis().to_string()
}
