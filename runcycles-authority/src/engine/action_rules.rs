//! Which actions policies let through, and how often (protocol v0.1.26).

use std::sync::Arc;

use runcycles::models::{ActionQuota, PolicyKeys};

use super::policy::best_matching;
use super::{Denial, Reason, Refusal};
use crate::clock::Millis;
use crate::scope::ScopePath;
use crate::state::{Count, Counted, CounterKey, Policy, State, TenantId, Window};
use crate::unit::Unit;

/// The part of a quota at which operators are told where it does not say.
const THRESHOLD: f64 = 0.8;

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActionFacts<'a> {
    pub(crate) kind: &'a str,
    pub(crate) keys: Option<&'a PolicyKeys>,
    /// The run that the subject names, in a dimension.
    pub(crate) run_id: Option<&'a str>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) unit: Unit,
    pub(super) amount: i64,
}

/// What an action counts for if it goes through, or why it does not: lists first, then the quotas of risk classes, then those of
/// kinds. Of the policies that match, the one that applies counts alone. Nothing is looked at where the authority was not told to
/// speak the extension.
pub(super) fn check(
    state: &State,
    tenant: TenantId,
    path: &ScopePath,
    action: ActionFacts<'_>,
    asked: Asked,
    now: Millis,
) -> Result<Vec<Count>, Refusal> {
    if !state.rules().extensions {
        return Ok(Vec::new());
    }
    if !state.kinds().may_be_used(action.kind) {
        return Err(Refusal::KindUndeclared { kind: action.kind.to_owned() });
    }
    let Some((depth, policy)) = best_matching(state, tenant, path, now) else { return Ok(Vec::new()) };
    let Some(rules) = &policy.rules else { return Ok(Vec::new()) };
    let scope: Arc<str> = path.prefixes().nth(depth.saturating_sub(1)).unwrap_or(path.as_str()).into();
    let place = Place { state, tenant, scope, policy, action, asked, now };
    let is_named = |kinds: &[String]| kinds.iter().any(|kind| kind == action.kind);
    if is_named(&rules.denied_action_kinds) {
        return Err(place.denial(Reason::KindDenied).into());
    }
    if !rules.allowed_action_kinds.is_empty() && !is_named(&rules.allowed_action_kinds) {
        return Err(place.denial(Reason::KindNotAllowed).into());
    }
    let mut counts = Vec::new();
    let risk = state.kinds().risk_class(action.kind);
    for quota in rules.risk_class_quotas.iter().filter(|quota| quota.risk_class == risk) {
        let counted = Counted::Risk(risk.clone());
        let window = Window::of(&quota.window);
        place.count(
            counted,
            quota.max_calls,
            window,
            (quota.threshold_pct, quota.per_run_counter_ttl_ms),
            &mut counts,
        )?;
    }
    for quota in rules.action_quotas.iter().filter(|quota| is_for(quota, action)) {
        let counted = Counted::Kind(action.kind.into());
        let window = Window::of(&quota.window);
        place.count(
            counted,
            quota.max_calls,
            window,
            (quota.threshold_pct, quota.per_run_counter_ttl_ms),
            &mut counts,
        )?;
    }
    Ok(counts)
}

/// Whether a quota is for an action: of its kind, and with the keys that it asks for.
fn is_for(quota: &ActionQuota, action: ActionFacts<'_>) -> bool {
    let has = |allowed: &[String], found: Option<&String>| {
        allowed.is_empty() || found.is_some_and(|found| allowed.iter().any(|one| one.eq_ignore_ascii_case(found)))
    };
    let key = |of: fn(&PolicyKeys) -> Option<&String>| action.keys.and_then(of);
    quota.action_kind == action.kind
        && has(&quota.host_allowlist, key(|keys| keys.host.as_ref()))
        && has(&quota.recipient_domain_allowlist, key(|keys| keys.recipient_domain.as_ref()))
        && has(&quota.resource_type_allowlist, key(|keys| keys.resource_type.as_ref()))
}

/// Where and when rules are looked at.
struct Place<'a> {
    state: &'a State,
    tenant: TenantId,
    /// The innermost scope that the policy matches.
    scope: Arc<str>,
    policy: &'a Policy,
    action: ActionFacts<'a>,
    asked: Asked,
    now: Millis,
}

impl Place<'_> {
    /// Adds what an action counts for by a quota, or says that the quota is used up.
    fn count(
        &self,
        counted: Counted,
        limit: u64,
        window: Option<Window>,
        (threshold, run_retention_ms): (Option<f64>, Option<u64>),
        counts: &mut Vec<Count>,
    ) -> Result<(), Refusal> {
        // Rules are checked where they are made, so that there is none with another window.
        let Some(window) = window else { return Ok(()) };
        let instance = match window.instance_at(self.now) {
            Some(instance) => instance,
            None => self.action.run_id.filter(|run| !run.is_empty()).ok_or(Refusal::RunMissing)?.into(),
        };
        let scope = match window {
            Window::TenantDay => format!("tenant:{}", self.state.tenants().get(self.tenant).id).into(),
            _ => self.scope.clone(),
        };
        let key = CounterKey { tenant: self.tenant, scope, counted, window, instance };
        let used = self.state.counters().used(&key, self.now);
        if used >= limit {
            return Err(self.denial(Reason::Quota(Box::new(QuotaHit { key, used, limit }))).into());
        }
        // Two quotas of a kind may differ in the keys that they are for; an action is counted once.
        if counts.iter().all(|count: &Count| *count.key != key) {
            counts.push(Count {
                key: Arc::new(key),
                limit,
                policy: self.policy.id.clone(),
                threshold: threshold.unwrap_or(THRESHOLD),
                run_retention_ms,
            });
        }
        Ok(())
    }

    fn denial(&self, reason: Reason) -> Denial {
        let policy = RuledBy { id: self.policy.id.clone(), name: self.policy.name.as_str().into() };
        Denial {
            reason,
            scope: self.scope.clone(),
            unit: self.asked.unit,
            requested: self.asked.amount,
            remaining: None,
            rule: Some(Box::new(Rule { kind: self.action.kind.into(), policy })),
            is_explained: true,
        }
    }
}

/// The rule of a policy that denied an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) kind: Box<str>,
    pub(crate) policy: RuledBy,
}

/// The policy that denied an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuledBy {
    pub(crate) id: Arc<str>,
    pub(crate) name: Box<str>,
}

/// A quota that is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuotaHit {
    pub(crate) key: CounterKey,
    pub(crate) used: u64,
    pub(crate) limit: u64,
}
