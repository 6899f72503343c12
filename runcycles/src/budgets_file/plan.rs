//! What a file would change.

use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;

use futures_core::Stream as _;

use super::change::{Change, difference, millis};
use super::entries::{BudgetEntry, PolicyEntry, TenantEntry};
use super::{ApplyError, BudgetsFile};
use crate::admin::{Admin, BudgetStatus, ListPolicies, Policy, Tenant};
use crate::error::Error;
use crate::protocol::Amount;

/// What applying a budgets file would change; [`BudgetsFile::plan`] makes it. Its text is for people: a line for each entry.
///
/// ```text
/// budgets.toml: 1 to create, 1 to change, 2 as they are
///   = tenant  acme
///   ~ budget  tenant:acme                 $500.00 → $600.00
///   + budget  tenant:acme/workflow:chat   $1.00
///   = budget  tenant:acme/workflow:other  $2.00
/// ```
#[derive(Clone, Debug)]
#[must_use = "a plan changes nothing until it is applied"]
pub struct BudgetsPlan {
    admin: Admin,
    file: String,
    lines: Vec<Line>,
    notes: Vec<String>,
}

/// What becomes of an entry.
#[derive(Clone, Debug)]
enum Line {
    Change(Box<Change>),
    AsItIs { what: &'static str, place: String, how: String },
}

impl BudgetsFile {
    /// Compares the file with a server, and changes nothing.
    ///
    /// Budgets of another size are to be resized: what was spent stays spent. A budget that is frozen or closed on the server
    /// stays so, with its size: an operator stopped it.
    ///
    /// # Errors
    ///
    /// Any [`Error`] of asking the server.
    pub async fn plan(&self, admin: &Admin) -> Result<BudgetsPlan, Error> {
        let mut plan =
            BudgetsPlan { admin: admin.clone(), file: self.file.clone(), lines: Vec::new(), notes: Vec::new() };
        for (id, entry) in self.all_tenants() {
            let is_there = plan.add_tenant(&id, entry).await?;
            for budget in self.budgets.iter().filter(|budget| budget.scope.tenant() == id) {
                plan.add_budget(budget, is_there).await?;
            }
            let policies: Vec<_> = self.policies.iter().filter(|policy| policy.tenant == id).collect();
            if !policies.is_empty() {
                let found = if is_there { policies_of(admin, &id).await? } else { Vec::new() };
                plan.add_policies(&policies, &found);
            }
        }
        if !self.api_keys.is_empty() {
            plan.notes.push("API keys are for cycles-authority alone: a server makes keys of its own".to_owned());
        }
        Ok(plan)
    }

    /// The tenants that the file is about, with the entries of those that have one, in the file's order.
    fn all_tenants(&self) -> Vec<(String, Option<&TenantEntry>)> {
        let named = self.tenants.iter().map(|tenant| (tenant.id.clone(), Some(tenant)));
        let of_budgets = self.budgets.iter().map(|budget| budget.scope.tenant().to_owned());
        let of_policies = self.policies.iter().map(|policy| policy.tenant.clone());
        let mut all: Vec<(String, Option<&TenantEntry>)> = named.collect();
        for id in of_budgets.chain(of_policies) {
            if all.iter().all(|(known, _)| *known != id) {
                all.push((id, None));
            }
        }
        all
    }
}

impl BudgetsPlan {
    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.changes().next().is_none()
    }

    /// How many tenants, budgets and policies would be created.
    pub fn to_create(&self) -> usize {
        self.changes().filter(|change| change.creates()).count()
    }

    /// How many changes would be made to what is there.
    pub fn to_change(&self) -> usize {
        self.changes().filter(|change| !change.creates()).count()
    }

    /// What the file wants otherwise, and stays as it is; and what no plan can do.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Makes the changes, and says how many they were: tenants, new budgets, budgets that are there, policies; and of budgets
    /// the innermost first. A call passes by scopes without a budget, so the budget that stops it is there before what stands
    /// above is funded.
    ///
    /// Each is safe to repeat. Where somebody else has changed the same meanwhile, the file's wish holds; what somebody else has
    /// created stays as they have made it until the next plan.
    ///
    /// # Errors
    ///
    /// [`ApplyError`] at the first change that fails; what was made before it stays.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves some of the changes made; a new plan has the rest.
    pub async fn apply(&self) -> Result<usize, ApplyError> {
        let changes = self.in_order();
        let planned = changes.len();
        for (done, change) in changes.into_iter().enumerate() {
            change.make(&self.admin).await.map_err(|source| ApplyError {
                change: change.to_string(),
                done,
                planned,
                source,
            })?;
        }
        Ok(planned)
    }

    fn changes(&self) -> impl Iterator<Item = &Change> {
        self.lines.iter().filter_map(|line| match line {
            Line::Change(change) => Some(&**change),
            Line::AsItIs { .. } => None,
        })
    }

    /// The changes in the order in which they are safe to make.
    fn in_order(&self) -> Vec<&Change> {
        let mut changes: Vec<_> = self.changes().collect();
        changes.sort_by_key(|change| change.rank());
        changes
    }

    fn change(&mut self, change: Change) {
        self.lines.push(Line::Change(Box::new(change)));
    }

    fn as_it_is(&mut self, what: &'static str, place: impl Into<String>, how: impl Into<String>) {
        self.lines.push(Line::AsItIs { what, place: place.into(), how: how.into() });
    }

    /// Says whether the tenant is there.
    async fn add_tenant(&mut self, id: &str, entry: Option<&TenantEntry>) -> Result<bool, Error> {
        let bare = TenantEntry {
            id: id.to_owned(),
            overage_policy: None,
            default_ttl: None,
            max_ttl: None,
            max_extensions: None,
            observe_mode: None,
        };
        let entry = entry.unwrap_or(&bare);
        let found = match self.admin.tenant(id).await {
            Ok(found) => found,
            Err(error) if error.status() == Some(404) => {
                self.change(Change::CreateTenant(entry.clone()));
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        match differences(entry, &found) {
            None => self.as_it_is("tenant", id, ""),
            Some(differences) => self.change(Change::UpdateTenant { entry: entry.clone(), differences }),
        }
        Ok(true)
    }

    async fn add_budget(&mut self, entry: &BudgetEntry, tenant_is_there: bool) -> Result<(), Error> {
        if !tenant_is_there {
            self.change(Change::CreateBudget(entry.clone()));
            return Ok(());
        }
        let (scope, unit) = (entry.scope.clone(), entry.amount.unit());
        let ledger = match self.admin.budget(scope.clone()).get(unit.clone()).await {
            Ok(ledger) => ledger,
            Err(error) if error.status() == Some(404) => {
                self.change(Change::CreateBudget(entry.clone()));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let before = self.lines.len();
        let limit = ledger.overdraft_limit.clone().unwrap_or_else(|| Amount::new(unit.clone(), 0));
        let other_limit = entry.overdraft_limit.as_ref().filter(|wanted| limit != **wanted);
        let is_other = ledger.allocated != entry.amount || other_limit.is_some();
        if ledger.status == BudgetStatus::Active {
            if ledger.allocated != entry.amount {
                let (from, to) = (ledger.allocated.clone(), entry.amount.clone());
                self.change(Change::Resize { scope: scope.clone(), from, to });
            }
            if let Some(to) = other_limit {
                self.change(Change::Overdraft { scope: scope.clone(), from: limit, to: to.clone() });
            }
            if entry.frozen {
                self.change(Change::Freeze { scope: scope.clone(), unit: unit.clone() });
            }
        } else if ledger.status == BudgetStatus::Closed {
            self.notes.push(format!("{scope} is closed for good; give the entry another scope"));
        } else if is_other || !entry.frozen {
            let status = ledger.status.as_str().to_lowercase();
            self.notes
                .push(format!("{scope} is {status} and stays as it is; unfreeze it first if the file is to apply"));
        }
        if self.lines.len() == before {
            let how = if ledger.status == BudgetStatus::Active {
                ledger.allocated.to_string()
            } else {
                format!("{}, {}", ledger.allocated, ledger.status.as_str().to_lowercase())
            };
            self.as_it_is("budget", scope.as_str(), how);
        }
        Ok(())
    }

    fn add_policies(&mut self, entries: &[&PolicyEntry], found: &[Policy]) {
        for entry in entries {
            let Some(policy) = found.iter().find(|policy| policy.name == entry.name) else {
                self.change(Change::CreatePolicy((*entry).clone()));
                continue;
            };
            let place = format!("{}/{:?}", entry.tenant, entry.name);
            if !policy.scope_pattern.eq_ignore_ascii_case(&entry.scope_pattern) {
                let found = &policy.scope_pattern;
                self.notes.push(format!(
                    "the policy {place} is for {found}, which no server changes; give the entry another name"
                ));
            } else if is_other(entry, policy) {
                let policy_id = policy.policy_id.clone();
                self.change(Change::UpdatePolicy { entry: (*entry).clone(), policy_id });
                continue;
            }
            self.as_it_is("policy", place, policy.scope_pattern.as_str());
        }
    }
}

/// What an entry says otherwise than the tenant on the server.
fn differences(entry: &TenantEntry, found: &Tenant) -> Option<String> {
    let policy = |policy: &crate::protocol::CommitOveragePolicy| policy.as_str().to_owned();
    let all = [
        difference(
            "overage_policy",
            entry.overage_policy.as_ref().map(policy),
            found.default_commit_overage_policy.as_ref().map(policy),
        ),
        difference(
            "default_ttl_ms",
            entry.default_ttl.map(millis),
            found.default_reservation_ttl_ms.map(|ttl| ttl.to_string()),
        ),
        difference("max_ttl_ms", entry.max_ttl.map(millis), found.max_reservation_ttl_ms.map(|ttl| ttl.to_string())),
        difference(
            "max_extensions",
            entry.max_extensions.map(|most| most.to_string()),
            found.max_reservation_extensions.map(|most| most.to_string()),
        ),
        difference(
            "observe_mode",
            entry.observe_mode.as_ref().map(ToString::to_string),
            found.observe_mode.as_ref().map(ToString::to_string),
        ),
    ];
    let all: Vec<_> = all.into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(", "))
}

/// Whether an entry has other terms than the policy on the server.
fn is_other(entry: &PolicyEntry, found: &Policy) -> bool {
    u64::from(entry.priority) != found.priority.unwrap_or(0)
        || entry.caps.is_some() && entry.caps != found.caps
        || entry.action_rules.as_ref().is_some_and(|rules| *rules != found.action_rules())
        || entry.overage_policy.is_some() && entry.overage_policy != found.commit_overage_policy
}

/// All policies of a tenant.
async fn policies_of(admin: &Admin, tenant: &str) -> Result<Vec<Policy>, Error> {
    let mut pages = pin!(admin.policies(ListPolicies::new().tenant_id(tenant)));
    let mut policies = Vec::new();
    while let Some(policy) = poll_fn(|waker| pages.as_mut().poll_next(waker)).await {
        policies.push(policy?);
    }
    Ok(policies)
}

impl fmt::Display for BudgetsPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (created, changed) = (self.to_create(), self.to_change());
        let kept = self.lines.len() - created - changed;
        writeln!(f, "{}: {created} to create, {changed} to change, {kept} as they are", self.file)?;
        let rows: Vec<_> = self.lines.iter().map(Line::columns).collect();
        let mut widths: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, what, place, _) in &rows {
            let widest = widths.entry(what).or_default();
            *widest = (*widest).max(place.chars().count());
        }
        for (sign, what, place, how) in &rows {
            let width = widths.get(what).copied().unwrap_or_default();
            let line = format!("  {sign} {what}  {place:width$}  {how}");
            writeln!(f, "{}", line.trim_end())?;
        }
        for note in &self.notes {
            writeln!(f, "  ! {note}")?;
        }
        Ok(())
    }
}

impl Line {
    fn columns(&self) -> (char, &'static str, String, String) {
        match self {
            Self::Change(change) => {
                let (what, place, how) = change.columns();
                (if change.creates() { '+' } else { '~' }, what, place, how)
            }
            Self::AsItIs { what, place, how } => ('=', what, place.clone(), how.clone()),
        }
    }
}
