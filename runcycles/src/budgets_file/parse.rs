//! From text to entries.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::entries::{ApiKeyEntry, BudgetEntry, PolicyEntry, TenantEntry};
use super::{BudgetsFile, BudgetsFileError};
use crate::protocol::admin::{ScopePath, validate_tenant_id};
use crate::protocol::validation::check_range;
use crate::protocol::{
    ActionQuota, ActionRules, Amount, AmountError, Caps, CommitOveragePolicy, ObserveMode, RiskClassQuota,
    ValidationError,
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Text {
    evaluate_policies: bool,
    enforce_permissions: bool,
    protocol_extensions: bool,
    tenants: Vec<TenantText>,
    api_keys: Vec<ApiKeyText>,
    budgets: Vec<BudgetText>,
    policies: Vec<PolicyText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantText {
    id: Spanned<String>,
    overage_policy: Option<Spanned<String>>,
    default_ttl_ms: Option<Spanned<u64>>,
    max_ttl_ms: Option<Spanned<u64>>,
    max_extensions: Option<u32>,
    observe_mode: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiKeyText {
    key: String,
    tenant: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetText {
    scope: Spanned<String>,
    amount: Spanned<String>,
    overdraft_limit: Option<Spanned<String>>,
    #[serde(default)]
    frozen: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    tenant: Spanned<String>,
    name: Spanned<String>,
    scope_pattern: Spanned<String>,
    #[serde(default)]
    priority: u32,
    overage_policy: Option<Spanned<String>>,
    max_tokens: Option<u64>,
    max_steps_remaining: Option<u64>,
    cooldown_ms: Option<u64>,
    #[serde(default)]
    tool_allowlist: Vec<String>,
    #[serde(default)]
    tool_denylist: Vec<String>,
    #[serde(default)]
    allowed_action_kinds: Vec<String>,
    #[serde(default)]
    denied_action_kinds: Vec<String>,
    #[serde(default)]
    action_quotas: Vec<ActionQuotaText>,
    #[serde(default)]
    risk_class_quotas: Vec<RiskClassQuotaText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionQuotaText {
    action_kind: String,
    max_calls: u64,
    window: String,
    #[serde(default)]
    host_allowlist: Vec<String>,
    #[serde(default)]
    recipient_domain_allowlist: Vec<String>,
    #[serde(default)]
    resource_type_allowlist: Vec<String>,
    per_run_counter_ttl_ms: Option<u64>,
    threshold_pct: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RiskClassQuotaText {
    risk_class: String,
    max_calls: u64,
    window: String,
    per_run_counter_ttl_ms: Option<u64>,
    threshold_pct: Option<f64>,
}

/// What is wrong with a place in the text, and what to do about it.
struct Wrong {
    at: usize,
    problem: String,
    cure: String,
}

/// Reads a file's text; `file` is its name in messages.
pub(super) fn parse(file: &str, text: &str) -> Result<BudgetsFile, BudgetsFileError> {
    let invalid = |wrong: Wrong| {
        let Wrong { at, problem, cure } = wrong;
        let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        BudgetsFileError::Invalid { file: file.to_owned(), line, problem, cure }
    };
    let read = toml::from_str::<Text>(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let problem = error.message().trim_end().replace('\n', ", ");
        let cure =
            if problem.starts_with("unknown field") { "correct its name, or remove it" } else { "correct the line" };
        invalid(Wrong { at, problem, cure: cure.to_owned() })
    })?;
    let line_of = |at: usize| invalid(Wrong { at, problem: String::new(), cure: String::new() }).line().unwrap_or(1);
    read.into_entries(file, line_of).map_err(invalid)
}

impl Text {
    fn into_entries(self, file: &str, line_of: impl Fn(usize) -> usize) -> Result<BudgetsFile, Wrong> {
        let mut seen = Seen { line_of, entries: HashMap::new() };
        let mut tenants = Vec::with_capacity(self.tenants.len());
        for tenant in self.tenants {
            tenant_id(&tenant.id)?;
            seen.once(format!("tenant {}", tenant.id.get_ref()), &tenant.id)?;
            tenants.push(tenant.into_entry()?);
        }
        let mut api_keys = Vec::with_capacity(self.api_keys.len());
        for ApiKeyText { key, tenant } in self.api_keys {
            tenant_id(&tenant)?;
            api_keys.push(ApiKeyEntry { key, tenant: tenant.into_inner() });
        }
        let mut budgets = Vec::with_capacity(self.budgets.len());
        for budget in self.budgets {
            let at = budget.scope.clone();
            let entry = budget.into_entry()?;
            seen.once(format!("budget in {} at {}", entry.amount.unit(), entry.scope), &at)?;
            budgets.push(entry);
        }
        let mut policies = Vec::with_capacity(self.policies.len());
        for policy in self.policies {
            tenant_id(&policy.tenant)?;
            let (tenant, name) = (policy.tenant.get_ref(), policy.name.get_ref());
            seen.once(format!("policy {name:?} of the tenant {tenant}"), &policy.name)?;
            policies.push(policy.into_entry()?);
        }
        Ok(BudgetsFile {
            file: file.to_owned(),
            evaluate_policies: self.evaluate_policies,
            enforce_permissions: self.enforce_permissions,
            protocol_extensions: self.protocol_extensions,
            tenants,
            api_keys,
            budgets,
            policies,
        })
    }
}

/// What there can be one of.
struct Seen<F> {
    line_of: F,
    entries: HashMap<String, usize>,
}

impl<F: Fn(usize) -> usize> Seen<F> {
    fn once(&mut self, what: String, at: &Spanned<String>) -> Result<(), Wrong> {
        let at = at.span().start;
        match self.entries.get(&what) {
            None => {
                self.entries.insert(what, at);
                Ok(())
            }
            Some(first) => {
                let problem = format!("a second {what}; the first is on line {}", (self.line_of)(*first));
                Err(Wrong { at, problem, cure: "keep one of them".to_owned() })
            }
        }
    }
}

impl TenantText {
    fn into_entry(self) -> Result<TenantEntry, Wrong> {
        Ok(TenantEntry {
            overage_policy: self.overage_policy.as_ref().map(overage_policy).transpose()?,
            id: self.id.into_inner(),
            default_ttl: ttl("default_ttl_ms", self.default_ttl_ms.as_ref())?,
            max_ttl: ttl("max_ttl_ms", self.max_ttl_ms.as_ref())?,
            max_extensions: self.max_extensions,
            observe_mode: self.observe_mode.as_ref().map(observe_mode).transpose()?,
        })
    }
}

impl BudgetText {
    fn into_entry(self) -> Result<BudgetEntry, Wrong> {
        let scope: ScopePath = self.scope.get_ref().parse().map_err(|error| wrong_value(&self.scope, &error))?;
        tenant_id_of(&scope, &self.scope)?;
        let amount = amount(&self.amount)?;
        let overdraft_limit = match &self.overdraft_limit {
            None => None,
            Some(text) => {
                let limit = self::amount(text)?;
                if limit.unit() != amount.unit() {
                    let problem = format!("an overdraft limit in {} for a budget in {}", limit.unit(), amount.unit());
                    let cure = format!("write it in the unit of {:?}", self.amount.get_ref());
                    return Err(Wrong { at: text.span().start, problem, cure });
                }
                Some(limit)
            }
        };
        Ok(BudgetEntry { scope, amount, overdraft_limit, frozen: self.frozen })
    }
}

impl PolicyText {
    fn into_entry(self) -> Result<PolicyEntry, Wrong> {
        let (tenant, pattern) = (self.tenant.get_ref(), self.scope_pattern.get_ref());
        let rest = pattern.to_ascii_lowercase().strip_prefix(&format!("tenant:{tenant}")).map(str::to_owned);
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            let problem = format!("the pattern {pattern:?} is not of the tenant {tenant}");
            let cure = format!("write a scope of it, such as tenant:{tenant}/app:chatbot, or tenant:{tenant}/*");
            return Err(Wrong { at: self.scope_pattern.span().start, problem, cure });
        }
        let rules = action_rules(
            self.allowed_action_kinds,
            self.denied_action_kinds,
            self.action_quotas,
            self.risk_class_quotas,
        );
        rules.validate().map_err(|error| wrong_value(&self.name, &error))?;
        let mut caps = Caps::new();
        caps.max_tokens = self.max_tokens;
        caps.max_steps_remaining = self.max_steps_remaining;
        caps.cooldown_ms = self.cooldown_ms;
        caps.tool_allowlist = self.tool_allowlist;
        caps.tool_denylist = self.tool_denylist;
        Ok(PolicyEntry {
            overage_policy: self.overage_policy.as_ref().map(overage_policy).transpose()?,
            tenant: self.tenant.into_inner(),
            name: self.name.into_inner(),
            scope_pattern: self.scope_pattern.into_inner(),
            priority: self.priority,
            caps: (caps != Caps::new()).then_some(caps),
            action_rules: (!rules.is_empty()).then_some(rules),
        })
    }
}

/// A policy's rules of actions, not checked yet.
fn action_rules(
    allowed: Vec<String>,
    denied: Vec<String>,
    quotas: Vec<ActionQuotaText>,
    risk_class_quotas: Vec<RiskClassQuotaText>,
) -> ActionRules {
    let mut rules = ActionRules::new().allow(allowed).deny(denied);
    for text in quotas {
        let mut quota = ActionQuota::new(text.action_kind, text.max_calls, text.window.as_str().into())
            .hosts(text.host_allowlist)
            .recipient_domains(text.recipient_domain_allowlist)
            .resource_types(text.resource_type_allowlist);
        (quota.per_run_counter_ttl_ms, quota.threshold_pct) = (text.per_run_counter_ttl_ms, text.threshold_pct);
        rules = rules.quota(quota);
    }
    for text in risk_class_quotas {
        let mut quota =
            RiskClassQuota::new(text.risk_class.as_str().into(), text.max_calls, text.window.as_str().into());
        (quota.per_run_counter_ttl_ms, quota.threshold_pct) = (text.per_run_counter_ttl_ms, text.threshold_pct);
        rules = rules.risk_class_quota(quota);
    }
    rules
}

fn observe_mode(text: &Spanned<String>) -> Result<ObserveMode, Wrong> {
    match ObserveMode::from(text.get_ref().as_str()) {
        ObserveMode::Unknown(_) => {
            let problem = format!("{:?} is no observe mode", text.get_ref());
            Err(Wrong { at: text.span().start, problem, cure: "write one of DISABLED, OBSERVE, ENFORCE".to_owned() })
        }
        known => Ok(known),
    }
}

fn wrong_value<T>(at: &Spanned<T>, error: &ValidationError) -> Wrong {
    let problem = format!("the {} is {}", error.field(), error.found());
    Wrong { at: at.span().start, problem, cure: format!("write {}", error.expected()) }
}

fn tenant_id(id: &Spanned<String>) -> Result<(), Wrong> {
    validate_tenant_id(id.get_ref()).map_err(|error| wrong_value(id, &error))
}

/// How long a lease is: one second to a day.
fn ttl(field: &'static str, millis: Option<&Spanned<u64>>) -> Result<Option<Duration>, Wrong> {
    let Some(millis) = millis else { return Ok(None) };
    match check_range(field, *millis.get_ref(), 1_000..=86_400_000) {
        Ok(()) => Ok(Some(Duration::from_millis(*millis.get_ref()))),
        Err(error) => Err(wrong_value(millis, &error)),
    }
}

fn tenant_id_of(scope: &ScopePath, at: &Spanned<String>) -> Result<(), Wrong> {
    validate_tenant_id(scope.tenant()).map_err(|error| wrong_value(at, &error))
}

fn amount(text: &Spanned<String>) -> Result<Amount, Wrong> {
    text.get_ref().parse().map_err(|error: AmountError| {
        let found = text.get_ref();
        let (problem, cure) = match error {
            AmountError::NotMoney(reason) => (
                format!("the amount {found:?} is no amount of dollars: {reason}"),
                "write a plain decimal such as $0.02",
            ),
            _ => (
                format!("the amount {found:?} is in no unit that a budget has"),
                "write an amount such as $5, 100_000 tokens, 3 credits or 50 risk points",
            ),
        };
        Wrong { at: text.span().start, problem, cure: cure.to_owned() }
    })
}

fn overage_policy(text: &Spanned<String>) -> Result<CommitOveragePolicy, Wrong> {
    const KNOWN: [CommitOveragePolicy; 3] =
        [CommitOveragePolicy::Reject, CommitOveragePolicy::AllowIfAvailable, CommitOveragePolicy::AllowWithOverdraft];
    let policy = CommitOveragePolicy::from(text.get_ref().as_str());
    if KNOWN.contains(&policy) {
        return Ok(policy);
    }
    let known = KNOWN.each_ref().map(CommitOveragePolicy::as_str).join(", ");
    let problem = format!("{:?} is no overage policy", text.get_ref());
    Err(Wrong { at: text.span().start, problem, cure: format!("write one of {known}") })
}
