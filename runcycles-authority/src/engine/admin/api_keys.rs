//! API keys: created, changed, revoked.

use std::sync::Arc;

use runcycles::models::Metadata;

use super::tenants::find_open;
use super::{AdminRefusal, Page, Paging};
use crate::clock::Millis;
use crate::engine::{Command, SortValue};
use crate::pattern::ScopePattern;
use crate::state::{ApiKey, ApiKeyStatus, KeyDigest, Permissions, Revocation, State};

/// How long a key lives where nobody says, in milliseconds: 90 days.
const DEFAULT_LIFE_MS: Millis = 90 * 24 * 3_600_000;

/// What may be set of a key; what is absent stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct ApiKeyChanges {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) permissions: Option<Permissions>,
    pub(crate) scope_filter: Option<Vec<ScopePattern>>,
    pub(crate) metadata: Option<Metadata>,
}

impl ApiKeyChanges {
    fn make(self, key: &mut ApiKey) {
        if let Some(name) = self.name {
            key.name = name;
        }
        if let Some(scope_filter) = self.scope_filter {
            key.scope_filter = scope_filter.into();
        }
        key.description = self.description.or(key.description.take());
        key.permissions = self.permissions.unwrap_or(key.permissions);
        key.metadata = self.metadata.or(key.metadata.take());
    }
}

/// A key, its tenant, and whether it opens anything.
#[derive(Clone, Debug)]
pub(crate) struct ListedKey {
    pub(crate) key: ApiKey,
    pub(crate) tenant: Arc<str>,
    pub(crate) status: ApiKeyStatus,
}

impl ListedKey {
    fn of(state: &State, key: &ApiKey, now: Millis) -> Self {
        Self { key: key.clone(), tenant: state.tenants().get(key.tenant).id.clone(), status: key.status(now) }
    }
}

/// Adds a key.
pub(crate) struct CreateApiKey<'a> {
    pub(crate) id: Arc<str>,
    pub(crate) secret: &'a str,
    pub(crate) tenant: &'a str,
    pub(crate) settings: ApiKeyChanges,
    pub(crate) expires_at: Option<Millis>,
}

impl Command for CreateApiKey<'_> {
    type Outcome = Result<ApiKey, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let tenant = find_open(state, self.tenant)?;
        let mut key = ApiKey::new(self.id, self.secret, tenant, now);
        key.expires_at = Some(self.expires_at.unwrap_or(now.saturating_add(DEFAULT_LIFE_MS)));
        self.settings.make(&mut key);
        state.insert_api_key(KeyDigest::of(self.secret), key.clone());
        Ok(key)
    }
}

/// Changes a key.
#[derive(Debug)]
pub(crate) struct ChangeApiKey<'a> {
    pub(crate) id: &'a str,
    pub(crate) changes: ApiKeyChanges,
}

impl Command for ChangeApiKey<'_> {
    type Outcome = Result<ListedKey, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let digest = find(state, self.id)?;
        let key = state.api_key_mut(&digest).ok_or_else(|| not_found(self.id))?;
        match key.status(now) {
            ApiKeyStatus::Active => self.changes.make(key),
            ApiKeyStatus::Revoked => return Err(AdminRefusal::KeyRevoked { id: self.id.to_owned() }),
            ApiKeyStatus::Expired => return Err(AdminRefusal::KeyExpired { id: self.id.to_owned() }),
        }
        let key = key.clone();
        Ok(ListedKey::of(state, &key, now))
    }
}

/// Revokes a key, for ever.
#[derive(Debug)]
pub(crate) struct RevokeApiKey<'a> {
    pub(crate) id: &'a str,
    pub(crate) reason: Option<String>,
}

impl Command for RevokeApiKey<'_> {
    type Outcome = Result<ListedKey, AdminRefusal>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let digest = find(state, self.id)?;
        let key = state.api_key_mut(&digest).ok_or_else(|| not_found(self.id))?;
        if key.revoked.is_some() {
            return Err(AdminRefusal::KeyRevoked { id: self.id.to_owned() });
        }
        key.revoked = Some(Revocation { at: now, reason: self.reason });
        let key = key.clone();
        Ok(ListedKey::of(state, &key, now))
    }
}

/// Reads a page of keys.
#[derive(Debug)]
pub(crate) struct ListApiKeys {
    pub(crate) tenant: Option<String>,
    pub(crate) status: Option<ApiKeyStatus>,
    /// Lower-case text that the id or the name has.
    pub(crate) search: Option<String>,
    pub(crate) by: &'static str,
    pub(crate) paging: Paging,
}

impl Command for ListApiKeys {
    type Outcome = Page<ListedKey>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let rows: Vec<_> = state.api_keys().iter().map(|(_, key)| ListedKey::of(state, key, now)).collect();
        let rows = rows.iter().filter(|ListedKey { key, tenant, status }| {
            self.tenant.as_ref().is_none_or(|wanted| **tenant == **wanted)
                && self.status.is_none_or(|wanted| wanted == *status)
                && self
                    .search
                    .as_ref()
                    .is_none_or(|text| key.id.to_lowercase().contains(text) || key.name.to_lowercase().contains(text))
        });
        self.paging.cut(rows, |ListedKey { key, tenant, status }| {
            let value = match self.by {
                "key_id" => SortValue::Text(key.id.to_string()),
                "name" => SortValue::Text(key.name.clone()),
                "tenant_id" => SortValue::Text(tenant.to_string()),
                "status" => SortValue::Text(status.as_str().to_owned()),
                "expires_at" => SortValue::Number(key.expires_at.unwrap_or(Millis::MAX)),
                _ => SortValue::Number(key.created_at),
            };
            (value, key.id.to_string())
        })
    }
}

fn find(state: &State, id: &str) -> Result<KeyDigest, AdminRefusal> {
    state.api_keys().find(id).ok_or_else(|| not_found(id))
}

fn not_found(id: &str) -> AdminRefusal {
    AdminRefusal::KeyNotFound { id: id.to_owned() }
}
