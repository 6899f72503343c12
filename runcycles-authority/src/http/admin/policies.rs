//! Policies.

use runcycles::models::Caps;

use super::action_rules::{self, QuotaBody, RiskClassQuotaBody, RuleLists};
use super::amounts::{check_instant, check_word, instant, instant_if, text_if};
use super::lists::Listing;
use super::{Admin, tenant_for};
use crate::engine::admin::{ChangePolicy, CreatePolicy, ListPolicies, NewPolicy, PolicyChanges, RuleChanges};
use crate::http::decode::parse;
use crate::http::exchange::Reply;
use crate::http::gate::Principal;
use crate::http::json::{self, Object};
use crate::http::object::{Integer, Text, request_object};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::violations::Violations;
use crate::pattern::ScopePattern;
use crate::state::{Overage, Policy, RateLimits, TtlOverride};

request_object! {
    PolicyCreateBody {
        tenant_id: Text<'de>,
        name: Text<'de>,
        description: Text<'de>,
        scope_pattern: Text<'de>,
        priority: Integer,
        caps: CapsBody<'de>,
        commit_overage_policy: Text<'de>,
        reservation_ttl_override: TtlBody<'de>,
        rate_limits: RatesBody<'de>,
        effective_from: Text<'de>,
        effective_until: Text<'de>,
    } extension {
        allowed_action_kinds: Vec<Text<'de>>,
        denied_action_kinds: Vec<Text<'de>>,
        action_quotas: Vec<QuotaBody<'de>>,
        risk_class_quotas: Vec<RiskClassQuotaBody<'de>>,
    }
}

request_object! {
    PolicyChangeBody {
        name: Text<'de>,
        description: Text<'de>,
        priority: Integer,
        caps: CapsBody<'de>,
        commit_overage_policy: Text<'de>,
        reservation_ttl_override: TtlBody<'de>,
        rate_limits: RatesBody<'de>,
        effective_from: Text<'de>,
        effective_until: Text<'de>,
        status: Text<'de>,
    } extension {
        allowed_action_kinds: Vec<Text<'de>>,
        denied_action_kinds: Vec<Text<'de>>,
        action_quotas: Vec<QuotaBody<'de>>,
        risk_class_quotas: Vec<RiskClassQuotaBody<'de>>,
    }
}

/// The lists of rules of a body.
macro_rules! rule_lists {
    ($body:expr) => {
        RuleLists {
            allowed: $body.allowed_action_kinds.as_ref(),
            denied: $body.denied_action_kinds.as_ref(),
            quotas: $body.action_quotas.as_ref(),
            risk_class_quotas: $body.risk_class_quotas.as_ref(),
        }
    };
}

request_object! {
    CapsBody {
        max_tokens: Integer,
        max_steps_remaining: Integer,
        tool_allowlist: Vec<Text<'de>>,
        tool_denylist: Vec<Text<'de>>,
        cooldown_ms: Integer,
    }
}

request_object! {
    TtlBody {
        default_ttl_ms: Integer,
        max_ttl_ms: Integer,
        max_extensions: Integer,
    }
}

request_object! {
    RatesBody {
        max_reservations_per_minute: Integer,
        max_commits_per_minute: Integer,
    }
}

impl Admin<'_> {
    pub(super) fn create_policy(&self, principal: &Principal) -> Result<Reply, Problem> {
        let body: PolicyCreateBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        violations.require("name", body.name.as_ref());
        let pattern = violations.require("scope_pattern", body.scope_pattern.as_ref());
        let pattern = pattern
            .and_then(|text| ScopePattern::parse(text).map_err(|error| violations.add("scope_pattern", error)).ok());
        let settings = PolicyChanges {
            name: check_text("name", body.name.as_ref(), 1..=256, &mut violations),
            description: check_text("description", body.description.as_ref(), 0..=1024, &mut violations),
            priority: check_priority(body.priority, &mut violations),
            caps: check_caps(body.caps.as_ref(), &mut violations),
            overage: check_overage(body.commit_overage_policy.as_ref(), &mut violations),
            ttl: check_ttl(body.reservation_ttl_override.as_ref(), &mut violations),
            rate_limits: check_rates(body.rate_limits.as_ref(), &mut violations),
            effective_from: check_instant("effective_from", body.effective_from.as_ref(), &mut violations),
            effective_until: check_instant("effective_until", body.effective_until.as_ref(), &mut violations),
            enabled: None,
            rules: self.check_rules(&rule_lists!(body), &mut violations)?,
        };
        violations.into_result()?;

        let tenant = tenant_for(principal, body.tenant_id.as_deref())?;
        let Some(pattern) = pattern else { return Err(Problem::internal()) };
        let policy = NewPolicy { id: self.ids.next_named("pol_").into(), pattern, settings };
        let policy = self.engine.execute(CreatePolicy { tenant: &tenant, policy })?;
        Ok(Reply::created(json::object(|object| write(object, &policy))))
    }

    pub(super) fn change_policy(&self, principal: &Principal, id: &str) -> Result<Reply, Problem> {
        let body: PolicyChangeBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        let status = check_word("status", body.status.as_ref(), &["ACTIVE", "DISABLED"], &mut violations);
        let changes = PolicyChanges {
            name: check_text("name", body.name.as_ref(), 1..=256, &mut violations),
            description: check_text("description", body.description.as_ref(), 0..=1024, &mut violations),
            priority: check_priority(body.priority, &mut violations),
            caps: check_caps(body.caps.as_ref(), &mut violations),
            overage: check_overage(body.commit_overage_policy.as_ref(), &mut violations),
            ttl: check_ttl(body.reservation_ttl_override.as_ref(), &mut violations),
            rate_limits: check_rates(body.rate_limits.as_ref(), &mut violations),
            effective_from: check_instant("effective_from", body.effective_from.as_ref(), &mut violations),
            effective_until: check_instant("effective_until", body.effective_until.as_ref(), &mut violations),
            enabled: status.map(|status| status == "ACTIVE"),
            rules: self.check_rules(&rule_lists!(body), &mut violations)?,
        };
        violations.into_result()?;
        let tenant = match principal {
            Principal::Operator => None,
            Principal::Tenant(caller) => Some(caller.tenant),
        };
        let policy = self.engine.execute(ChangePolicy { tenant, id, changes })?;
        Ok(Reply::ok(json::object(|object| write(object, &policy))))
    }

    /// The rules of a body, where the authority speaks the extension that they are of.
    fn check_rules(&self, lists: &RuleLists<'_, '_>, violations: &mut Violations) -> Result<RuleChanges, Problem> {
        if lists.are_given() && !self.speaks_extensions {
            return Err(Problem::invalid("Malformed request body: rules of actions are of protocol v0.1.26"));
        }
        Ok(lists.check(violations))
    }

    pub(super) fn list_policies(&self, principal: &Principal, query: &Query<'_>) -> Result<Reply, Problem> {
        let tenant = match (principal, query.get_some("tenant_id")) {
            (Principal::Tenant(caller), _) => caller.tenant_name.to_string(),
            (Principal::Operator, Some(tenant)) => tenant.to_owned(),
            (Principal::Operator, None) => {
                return Err(Problem::invalid("Validation failed: tenant_id: must be given with the admin key"));
            }
        };
        let pattern = query.get_some("scope_pattern").map(str::to_ascii_lowercase);
        let word = |enabled: bool| if enabled { "ACTIVE" } else { "DISABLED" };
        let enabled = query.one_of("status", &[true, false], word, false)?;
        let listing = Listing::read(query, &["priority"], &format!("{tenant:?} {pattern:?} {enabled:?}"))?;
        let paging = listing.paging.clone();
        let page = self.engine.execute(ListPolicies { tenant, pattern, enabled, paging });
        Ok(Reply::ok(listing.write("policies", &page, write)))
    }
}

fn check_text(
    member: &str,
    text: Option<&Text<'_>>,
    allowed: std::ops::RangeInclusive<usize>,
    violations: &mut Violations,
) -> Option<String> {
    let text = text?;
    violations.chars(member, text, allowed);
    Some(text.to_string())
}

fn check_priority(priority: Option<Integer>, violations: &mut Violations) -> Option<i64> {
    let Integer(priority) = priority?;
    violations.range("priority", priority, 0..=i64::MAX);
    Some(priority)
}

fn check_overage(policy: Option<&Text<'_>>, violations: &mut Violations) -> Option<Overage> {
    let words = Overage::ALL.map(Overage::as_str);
    Overage::from_wire(check_word("commit_overage_policy", policy, &words, violations)?)
}

fn check_caps(body: Option<&CapsBody<'_>>, violations: &mut Violations) -> Option<Caps> {
    let body = body?;
    let mut number = |member: &str, number: Option<Integer>| {
        let Integer(number) = number?;
        violations.range(member, number, 0..=i64::MAX);
        u64::try_from(number).ok()
    };
    let mut caps = Caps::new();
    caps.max_tokens = number("caps.max_tokens", body.max_tokens);
    caps.max_steps_remaining = number("caps.max_steps_remaining", body.max_steps_remaining);
    caps.cooldown_ms = number("caps.cooldown_ms", body.cooldown_ms);
    let mut tools = |member: &str, names: Option<&[Text<'_>]>| {
        let names = names.unwrap_or_default();
        for name in names {
            violations.chars(member, name, 0..=256);
        }
        names.iter().map(|name| name.to_string()).collect()
    };
    caps.tool_allowlist = tools("caps.tool_allowlist", body.tool_allowlist.as_deref());
    caps.tool_denylist = tools("caps.tool_denylist", body.tool_denylist.as_deref());
    Some(caps)
}

fn check_ttl(body: Option<&TtlBody<'_>>, violations: &mut Violations) -> Option<TtlOverride> {
    let body = body?;
    let mut number = |member: &str, number: Option<Integer>, allowed: std::ops::RangeInclusive<i64>| {
        let Integer(number) = number?;
        violations.range(member, number, allowed);
        u64::try_from(number).ok()
    };
    Some(TtlOverride {
        default_ttl_ms: number("reservation_ttl_override.default_ttl_ms", body.default_ttl_ms, 1_000..=86_400_000),
        max_ttl_ms: number("reservation_ttl_override.max_ttl_ms", body.max_ttl_ms, 1_000..=86_400_000),
        max_extensions: number("reservation_ttl_override.max_extensions", body.max_extensions, 0..=i64::from(i32::MAX))
            .and_then(|most| u32::try_from(most).ok()),
    })
}

fn check_rates(body: Option<&RatesBody<'_>>, violations: &mut Violations) -> Option<RateLimits> {
    let body = body?;
    let mut number = |member: &str, number: Option<Integer>| {
        let Integer(number) = number?;
        violations.range(member, number, 1..=i64::from(i32::MAX));
        Some(number)
    };
    Some(RateLimits {
        max_reservations_per_minute: number(
            "rate_limits.max_reservations_per_minute",
            body.max_reservations_per_minute,
        ),
        max_commits_per_minute: number("rate_limits.max_commits_per_minute", body.max_commits_per_minute),
    })
}

fn write(object: &mut Object<'_>, policy: &Policy) {
    object.text("policy_id", &policy.id);
    object.text("name", &policy.name);
    text_if(object, "description", policy.description.as_deref());
    object.plain("scope_pattern", policy.pattern.as_str());
    object.number("priority", policy.priority);
    if let Some(caps) = &policy.caps {
        object.value("caps", &**caps);
    }
    text_if(object, "commit_overage_policy", policy.overage.map(Overage::as_str));
    if policy.ttl != TtlOverride::default() {
        object.object("reservation_ttl_override", |ttl| {
            ttl.count_if("default_ttl_ms", policy.ttl.default_ttl_ms);
            ttl.count_if("max_ttl_ms", policy.ttl.max_ttl_ms);
            ttl.count_if("max_extensions", policy.ttl.max_extensions.map(u64::from));
        });
    }
    if policy.rate_limits != RateLimits::default() {
        object.object("rate_limits", |rates| {
            let RateLimits { max_reservations_per_minute, max_commits_per_minute } = policy.rate_limits;
            rates.count_if("max_reservations_per_minute", max_reservations_per_minute.map(i64::cast_unsigned));
            rates.count_if("max_commits_per_minute", max_commits_per_minute.map(i64::cast_unsigned));
        });
    }
    if let Some(rules) = &policy.rules {
        action_rules::write(object, rules);
    }
    object.plain("status", if policy.enabled { "ACTIVE" } else { "DISABLED" });
    instant_if(object, "effective_from", policy.effective_from);
    instant_if(object, "effective_until", policy.effective_until);
    instant(object, "created_at", policy.created_at);
    instant_if(object, "updated_at", policy.updated_at);
}
