//! What the authority is made of: the config file, and the command line on top of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use runcycles::budgets_file::{BudgetEntry, BudgetsFile, BudgetsFileError, PolicyEntry, TenantEntry};
use runcycles_authority::{Authority, AuthorityBuilder, Budget, Durability, Policy, Tenant};

use crate::arguments::{self, ApiKey, Serve};

/// Everything an authority is set up with.
#[derive(Debug)]
pub(crate) struct Setup {
    file: BudgetsFile,
    data: Option<PathBuf>,
    durability: Durability,
    admin_key: Option<String>,
    api_keys: Vec<ApiKey>,
    budgets: Vec<(String, Budget)>,
    evaluate_policies: bool,
    enforce_permissions: bool,
    protocol_extensions: bool,
}

impl Setup {
    /// Reads the config file, if there is one, and adds what the command line says.
    pub(crate) fn collect(serve: Serve) -> Result<Self, BudgetsFileError> {
        let file = match &serve.config {
            Some(path) => BudgetsFile::read(path)?,
            None => BudgetsFile::default(),
        };
        let from_file =
            file.api_keys().iter().map(|entry| ApiKey { key: entry.key.clone(), tenant: entry.tenant.clone() });
        let mut api_keys: Vec<ApiKey> = from_file.collect();
        api_keys.extend(serve.api_keys);
        let mut budgets: Vec<_> = file.budgets().iter().map(budget).collect();
        budgets.extend(serve.budgets.into_iter().map(|arguments::Budget { scope, amount }| (scope, amount.into())));
        let durability = match serve.durability {
            arguments::Durability::ProcessCrash => Durability::ProcessCrash,
            arguments::Durability::PowerLoss => Durability::PowerLoss,
        };
        Ok(Self {
            evaluate_policies: serve.evaluate_policies || file.evaluates_policies(),
            enforce_permissions: serve.enforce_permissions || file.enforces_permissions(),
            protocol_extensions: serve.protocol_extensions || file.uses_protocol_extensions(),
            file,
            data: serve.data,
            durability,
            admin_key: serve.admin_key,
            api_keys,
            budgets,
        })
    }

    pub(crate) fn builder(&self) -> AuthorityBuilder {
        let mut builder = Authority::builder();
        for entry in self.file.tenants() {
            builder = builder.tenant(tenant(entry));
        }
        for ApiKey { key, tenant } in &self.api_keys {
            builder = builder.api_key(key, tenant);
        }
        for (scope, budget) in &self.budgets {
            builder = builder.budget(scope, budget.clone());
        }
        for entry in self.file.policies() {
            builder = builder.policy(&entry.tenant, policy(entry));
        }
        if let Some(dir) = &self.data {
            builder = builder.path(dir).durability(self.durability);
        }
        if let Some(key) = &self.admin_key {
            builder = builder.admin_key(key);
        }
        if self.evaluate_policies {
            builder = builder.evaluate_policies();
        }
        if self.enforce_permissions {
            builder = builder.enforce_permissions();
        }
        if self.protocol_extensions {
            builder = builder.protocol_extensions();
        }
        builder
    }

    pub(crate) fn admin_key(&self) -> Option<&str> {
        self.admin_key.as_deref()
    }

    pub(crate) fn api_keys(&self) -> &[ApiKey] {
        &self.api_keys
    }

    /// Every tenant that something was given to, by name.
    pub(crate) fn tenants(&self) -> BTreeSet<String> {
        let of_scope = |scope: &String| {
            let first = scope.split('/').next().unwrap_or_default();
            first.strip_prefix("tenant:").unwrap_or_default().to_ascii_lowercase()
        };
        let named = self.file.tenants().iter().map(|tenant| tenant.id.clone());
        let with_policies = self.file.policies().iter().map(|policy| policy.tenant.clone());
        named.chain(with_policies).chain(self.budgets.iter().map(|(scope, _)| of_scope(scope))).collect()
    }
}

fn tenant(entry: &TenantEntry) -> Tenant {
    let mut tenant = Tenant::new(&entry.id);
    if let Some(policy) = &entry.overage_policy {
        tenant = tenant.overage_policy(policy.clone());
    }
    if let Some(ttl) = entry.default_ttl {
        tenant = tenant.default_ttl(ttl);
    }
    if let Some(ttl) = entry.max_ttl {
        tenant = tenant.max_ttl(ttl);
    }
    if let Some(most) = entry.max_extensions {
        tenant = tenant.max_extensions(most);
    }
    if let Some(mode) = &entry.observe_mode {
        tenant = tenant.observe_mode(mode.clone());
    }
    tenant
}

fn budget(entry: &BudgetEntry) -> (String, Budget) {
    let mut budget = Budget::new(entry.amount.clone());
    if let Some(limit) = &entry.overdraft_limit {
        budget = budget.overdraft_limit(limit.clone());
    }
    if entry.frozen {
        budget = budget.frozen();
    }
    (entry.scope.to_string(), budget)
}

fn policy(entry: &PolicyEntry) -> Policy {
    let mut policy = Policy::new(&entry.name, &entry.scope_pattern).priority(entry.priority);
    if let Some(caps) = &entry.caps {
        policy = policy.caps(caps.clone());
    }
    if let Some(overage) = &entry.overage_policy {
        policy = policy.overage_policy(overage.clone());
    }
    if let Some(rules) = &entry.action_rules {
        policy = policy.actions(rules.clone());
    }
    policy
}
