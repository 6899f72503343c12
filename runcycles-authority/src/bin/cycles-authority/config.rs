//! What the authority is made of: the config file, and the command line on top of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runcycles::models::{Caps, CommitOveragePolicy};
use runcycles_authority::{Authority, AuthorityBuilder, Budget, Durability, Policy, Tenant};
use serde::Deserialize;

use crate::amount::parse_amount;
use crate::arguments::{self, ApiKey, Serve};

/// Everything an authority is set up with.
#[derive(Debug)]
pub(crate) struct Setup {
    file: File,
    data: Option<PathBuf>,
    durability: Durability,
    admin_key: Option<String>,
    api_keys: Vec<ApiKey>,
    budgets: Vec<(String, Budget)>,
}

/// Why a config file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is not a config file", path.display())]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
    #[error("budget at {scope:?}: {problem}")]
    Amount { scope: String, problem: String },
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    evaluate_policies: bool,
    enforce_permissions: bool,
    tenants: Vec<TenantEntry>,
    api_keys: Vec<ApiKeyEntry>,
    budgets: Vec<BudgetEntry>,
    policies: Vec<PolicyEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantEntry {
    id: String,
    overage_policy: Option<String>,
    default_ttl_ms: Option<u64>,
    max_ttl_ms: Option<u64>,
    max_extensions: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiKeyEntry {
    key: String,
    tenant: String,
}

impl std::fmt::Debug for ApiKeyEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeyEntry").field("key", &"<redacted>").field("tenant", &self.tenant).finish()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetEntry {
    scope: String,
    amount: String,
    overdraft_limit: Option<String>,
    #[serde(default)]
    frozen: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyEntry {
    tenant: String,
    name: String,
    scope_pattern: String,
    #[serde(default)]
    priority: u32,
    overage_policy: Option<String>,
    max_tokens: Option<u64>,
    max_steps_remaining: Option<u64>,
    cooldown_ms: Option<u64>,
    #[serde(default)]
    tool_allowlist: Vec<String>,
    #[serde(default)]
    tool_denylist: Vec<String>,
}

impl Setup {
    /// Reads the config file, if there is one, and adds what the command line says.
    pub(crate) fn collect(serve: Serve) -> Result<Self, ConfigError> {
        let mut file = serve.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
        file.evaluate_policies |= serve.evaluate_policies;
        file.enforce_permissions |= serve.enforce_permissions;
        let from_file = file.api_keys.drain(..).map(|entry| ApiKey { key: entry.key, tenant: entry.tenant });
        let mut api_keys: Vec<ApiKey> = from_file.collect();
        api_keys.extend(serve.api_keys);
        let from_file = file.budgets.drain(..).map(BudgetEntry::resolve);
        let mut budgets = from_file.collect::<Result<Vec<_>, _>>()?;
        budgets.extend(serve.budgets.into_iter().map(|arguments::Budget { scope, amount }| (scope, amount.into())));
        let durability = match serve.durability {
            arguments::Durability::ProcessCrash => Durability::ProcessCrash,
            arguments::Durability::PowerLoss => Durability::PowerLoss,
        };
        Ok(Self { file, data: serve.data, durability, admin_key: serve.admin_key, api_keys, budgets })
    }

    pub(crate) fn builder(&self) -> AuthorityBuilder {
        let mut builder = Authority::builder();
        for tenant in &self.file.tenants {
            builder = builder.tenant(tenant.resolve());
        }
        for ApiKey { key, tenant } in &self.api_keys {
            builder = builder.api_key(key, tenant);
        }
        for (scope, budget) in &self.budgets {
            builder = builder.budget(scope, budget.clone());
        }
        for policy in &self.file.policies {
            builder = builder.policy(&policy.tenant, policy.resolve());
        }
        if let Some(dir) = &self.data {
            builder = builder.path(dir).durability(self.durability);
        }
        if let Some(key) = &self.admin_key {
            builder = builder.admin_key(key);
        }
        if self.file.evaluate_policies {
            builder = builder.evaluate_policies();
        }
        if self.file.enforce_permissions {
            builder = builder.enforce_permissions();
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
        let named = self.file.tenants.iter().map(|tenant| tenant.id.clone());
        let with_policies = self.file.policies.iter().map(|policy| policy.tenant.clone());
        named.chain(with_policies).chain(self.budgets.iter().map(|(scope, _)| of_scope(scope))).collect()
    }
}

impl File {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|source| ConfigError::Parse { path: path.to_owned(), source: Box::new(source) })
    }
}

impl TenantEntry {
    fn resolve(&self) -> Tenant {
        let mut tenant = Tenant::new(&self.id);
        if let Some(policy) = &self.overage_policy {
            tenant = tenant.overage_policy(CommitOveragePolicy::from(policy.as_str()));
        }
        if let Some(ttl) = self.default_ttl_ms {
            tenant = tenant.default_ttl(Duration::from_millis(ttl));
        }
        if let Some(ttl) = self.max_ttl_ms {
            tenant = tenant.max_ttl(Duration::from_millis(ttl));
        }
        if let Some(most) = self.max_extensions {
            tenant = tenant.max_extensions(most);
        }
        tenant
    }
}

impl BudgetEntry {
    fn resolve(self) -> Result<(String, Budget), ConfigError> {
        let amount = |text: &str| {
            parse_amount(text).map_err(|problem| ConfigError::Amount { scope: self.scope.clone(), problem })
        };
        let mut budget = Budget::new(amount(&self.amount)?);
        if let Some(limit) = &self.overdraft_limit {
            budget = budget.overdraft_limit(amount(limit)?);
        }
        if self.frozen {
            budget = budget.frozen();
        }
        Ok((self.scope, budget))
    }
}

impl PolicyEntry {
    fn resolve(&self) -> Policy {
        let mut caps = Caps::new();
        caps.max_tokens = self.max_tokens;
        caps.max_steps_remaining = self.max_steps_remaining;
        caps.cooldown_ms = self.cooldown_ms;
        caps.tool_allowlist.clone_from(&self.tool_allowlist);
        caps.tool_denylist.clone_from(&self.tool_denylist);
        let mut policy = Policy::new(&self.name, &self.scope_pattern).priority(self.priority);
        if caps != Caps::new() {
            policy = policy.caps(caps);
        }
        if let Some(overage) = &self.overage_policy {
            policy = policy.overage_policy(CommitOveragePolicy::from(overage.as_str()));
        }
        policy
    }
}
