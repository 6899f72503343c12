//! How a builder becomes an authority.

use std::collections::HashSet;
use std::sync::Arc;

use runcycles::models::{Caps, Unit as WireUnit};
use runcycles::webhooks::{EventCategory, EventType};

use super::AuthorityBuilder;
use crate::authority::Authority;
use crate::budget::Budget;
use crate::engine::admin::CreatePolicy;
use crate::engine::{Command as _, Engine, ensure_tenant};
use crate::front::Front;
use crate::http::{Gate, Registry, Router};
use crate::ids::IdSource;
use crate::policy::Policy;
use crate::scope::ScopePath;
use crate::start_error::StartError;
use crate::state::{
    ApiKey, Changes, Figures, KeyDigest, Kinds, Ledger, LedgerOptions, Rules, SYSTEM, State, Subscription,
};
use crate::store::Store;
use crate::unit::Unit;
use crate::webhooks::check_url;

impl AuthorityBuilder {
    /// Starts the authority.
    ///
    /// # Errors
    ///
    /// [`StartError`] naming the tenant, scope, budget or key that cannot be taken, or the file that cannot be read.
    pub async fn start(self) -> Result<Authority, StartError> {
        let ids = IdSource::new();
        let (state, store) = match &self.path {
            None => (State::new(Changes::default()), None),
            Some(dir) => {
                let (state, store) = Store::open(dir.clone(), self.durability, self.compact_at).await?;
                (state, Some(store))
            }
        };
        // Rules that were kept go on to hold, whether or not the extensions are asked for again.
        let extensions = self.extensions || state.policies().iter().any(|policy| policy.rules.is_some());
        let mut state = state.with_rules(Rules { evaluate_policies: self.evaluate_policies, extensions });
        let kinds = Kinds::new(self.action_kinds);
        state = state.with_kinds(kinds.clone());
        state.reach(self.clock.now_ms());
        let kept_tenants = state.tenants().iter().count();
        for tenant in &self.tenants {
            tenant.add_to(&mut state, kept_tenants)?;
        }
        add_budgets(&mut state, self.budgets, &ids)?;
        set_caps(&mut state, self.caps)?;
        add_policies(&mut state, self.policies, &ids)?;
        let has_keys =
            !self.api_keys.is_empty() || self.admin_key.is_some() || state.api_keys().iter().next().is_some();
        add_keys(&mut state, self.api_keys, &ids)?;
        if self.admin_key.as_deref().is_some_and(|key| !is_header_text(key)) {
            return Err(StartError::AdminKey);
        }
        subscribe(&mut state, self.webhooks)?;
        if let Some(store) = &store {
            store.put(&mut state);
            if let Some(unwritten) = store.unwritten() {
                unwritten.written().await?;
            }
        }
        let registry = extensions.then(|| Registry::new(kinds));
        let engine = Arc::new(Engine::new(state, self.clock, store));
        engine.desk().open(Arc::downgrade(&engine), self.webhook_transport);
        let gate = Gate::new(engine.clone(), self.admin_key.as_deref(), self.enforce_permissions);
        let router = Router::new(engine.clone(), gate, registry);
        #[cfg(feature = "evidence")]
        let router = router.with_notary(self.evidence.map(crate::notary::Notary::new));
        let front = Front::new(router, self.record_requests);
        Ok(Authority::new(engine, front, ids, has_keys))
    }
}

/// Adds the budgets that are not kept yet.
fn add_budgets(state: &mut State, budgets: Vec<(String, Budget)>, ids: &IdSource) -> Result<(), StartError> {
    let mut given = HashSet::new();
    for (scope, budget) in budgets {
        let path = ScopePath::parse(&scope)?;
        let (unit, figures) = budget.figures().map_err(|source| StartError::Budget { scope: scope.clone(), source })?;
        let kept = state.ledgers().find(path.as_str(), unit);
        if !given.insert((path.clone(), unit)) {
            return Err(StartError::DuplicateBudget { scope, unit: unit.into() });
        }
        if let Some(id) = kept {
            warn_of_difference(state.ledgers().get(id), figures);
            state.set_caps(id, budget.caps);
            continue;
        }
        let tenant = ensure_tenant(state, path.tenant())?;
        let created_at = state.now();
        state.insert_ledger(Ledger {
            id: ids.next(),
            tenant,
            scope: path,
            unit,
            figures,
            status: budget.status(),
            caps: budget.caps,
            options: LedgerOptions::default(),
            created_at,
            updated_at: None,
        });
    }
    Ok(())
}

/// Sets the limits that come with budgets.
fn set_caps(state: &mut State, limits: Vec<(String, WireUnit, Caps)>) -> Result<(), StartError> {
    for (scope, wire_unit, caps) in limits {
        let path = ScopePath::parse(&scope)?;
        let unit = Unit::try_from(&wire_unit).ok();
        let ledger = unit.and_then(|unit| state.ledgers().find(path.as_str(), unit));
        let ledger = ledger.ok_or(StartError::CapsWithoutBudget { scope, unit: wire_unit })?;
        state.set_caps(ledger, Some(Arc::new(caps)));
    }
    Ok(())
}

/// Adds the policies whose names are not kept yet.
fn add_policies(state: &mut State, policies: Vec<(String, Policy)>, ids: &IdSource) -> Result<(), StartError> {
    for (tenant, policy) in policies {
        let (name, now) = (policy.name.clone(), state.now());
        let refused = |problem: String| StartError::Policy { name: name.clone(), problem };
        let owner = ensure_tenant(state, &tenant)?;
        if state.policies().of_tenant(owner).any(|kept| kept.name == name) {
            continue;
        }
        let policy = policy.resolve(ids.next_named("pol_")).map_err(refused)?;
        let created = CreatePolicy { tenant: &tenant, policy }.apply(state, now);
        created.map_err(|refusal| refused(refusal.to_string()))?;
    }
    Ok(())
}

/// Adds the keys of tenants that are not kept yet.
fn add_keys(state: &mut State, api_keys: Vec<(String, String)>, ids: &IdSource) -> Result<(), StartError> {
    for (key, tenant) in api_keys {
        if !is_header_text(&key) {
            return Err(StartError::ApiKey { tenant });
        }
        let owner = ensure_tenant(state, &tenant)?;
        let (digest, now) = (KeyDigest::of(&key), state.now());
        match state.api_keys().get(&digest) {
            Some(kept) if kept.tenant != owner => return Err(StartError::ApiKeyTaken { tenant }),
            // As it is: a key that was revoked stays so.
            Some(_) => {}
            None => state.insert_api_key(digest, ApiKey::new(ids.next_named("key_"), &key, owner, now)),
        }
    }
    Ok(())
}

/// Adds the subscriptions that the builder was given.
fn subscribe(state: &mut State, webhooks: Vec<(String, String, Vec<String>)>) -> Result<(), StartError> {
    for (number, (url, secret, events)) in webhooks.into_iter().enumerate() {
        state.insert_subscription(configured(format!("whsub_configured_{number}"), url, secret, events)?);
    }
    Ok(())
}

/// A subscription that the builder was given.
fn configured(id: String, url: String, secret: String, events: Vec<String>) -> Result<Subscription, StartError> {
    let refused = |problem: String| StartError::Webhook { url: url.clone(), problem };
    check_url(&url, false).map_err(|problem| refused(format!("the URL {problem}")))?;
    if secret.trim().is_empty() {
        return Err(refused("its secret is blank: expected a text that only the receiver knows".to_owned()));
    }
    let (types, categories): (Vec<_>, Vec<_>) = events.into_iter().partition(|name| name.contains('.'));
    let unknown = types
        .iter()
        .find(|name| matches!(EventType::from(name.as_str()), EventType::Unknown(_)) && !name.starts_with("custom."));
    let is_unknown = |name: &&String| matches!(EventCategory::from(name.as_str()), EventCategory::Unknown(_));
    if let Some(unknown) = unknown.or_else(|| categories.iter().find(is_unknown)) {
        return Err(refused(format!(
            "{unknown:?} is no event: expected a type such as budget.exhausted, or a category"
        )));
    }
    if types.is_empty() && categories.is_empty() {
        return Err(refused(
            "it asks for no event: expected a type such as budget.exhausted, or a category".to_owned(),
        ));
    }
    let row = Subscription::new(id, SYSTEM, url.clone(), secret);
    Ok(Subscription { event_types: types, event_categories: categories, is_configured: true, ..row })
}

/// Whether a header can carry a text, and there is one.
fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Says that a budget was kept with other amounts than those given now.
fn warn_of_difference(kept: &Ledger, given: Figures) {
    let figures = kept.figures;
    if (figures.allocated, figures.overdraft_limit) != (given.allocated, given.overdraft_limit) {
        tracing::warn!(
            scope = %kept.scope,
            unit = kept.unit.as_str(),
            kept_allocated = figures.allocated,
            given_allocated = given.allocated,
            kept_overdraft_limit = figures.overdraft_limit,
            given_overdraft_limit = given.overdraft_limit,
            "a budget was kept with other amounts than those given now, which are not applied: fund it to change them"
        );
    }
}
