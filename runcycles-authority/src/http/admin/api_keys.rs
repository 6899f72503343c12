//! API keys.

use serde_json::{Map, Value};

use super::Admin;
use super::amounts::{check_instant, instant, instant_if, text_if};
use super::lists::{Listing, search};
use crate::engine::admin::{ApiKeyChanges, ChangeApiKey, CreateApiKey, ListApiKeys, ListedKey, RevokeApiKey};
use crate::http::decode::parse;
use crate::http::exchange::Reply;
use crate::http::json::{self, Object};
use crate::http::object::{Text, request_object};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::violations::Violations;
use crate::ids::random_api_key;
use crate::pattern::ScopePattern;
use crate::state::{ApiKey, ApiKeyStatus, Permission, Permissions};

request_object! {
    ApiKeyCreateBody {
        tenant_id: Text<'de>,
        name: Text<'de>,
        description: Text<'de>,
        permissions: Vec<Text<'de>>,
        scope_filter: Vec<Text<'de>>,
        expires_at: Text<'de>,
        metadata: Map<String, Value>,
    }
}

request_object! {
    ApiKeyChangeBody {
        name: Text<'de>,
        description: Text<'de>,
        permissions: Vec<Text<'de>>,
        scope_filter: Vec<Text<'de>>,
        metadata: Map<String, Value>,
    }
}

request_object! {
    ValidateBody {
        key_secret: Text<'de>,
    }
}

const SORT_KEYS: [&str; 6] = ["created_at", "key_id", "name", "tenant_id", "status", "expires_at"];

impl Admin<'_> {
    pub(super) fn create_api_key(&self) -> Result<Reply, Problem> {
        let body: ApiKeyCreateBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        violations.require("tenant_id", body.tenant_id.as_ref());
        violations.require("name", body.name.as_ref());
        let settings = ApiKeyChanges {
            name: check_chars("name", body.name.as_ref(), 1..=256, &mut violations),
            description: check_chars("description", body.description.as_ref(), 0..=1024, &mut violations),
            permissions: check_permissions(body.permissions.as_deref(), &mut violations),
            scope_filter: check_filter(body.scope_filter.as_deref(), &mut violations),
            metadata: body.metadata,
        };
        let expires_at = check_instant("expires_at", body.expires_at.as_ref(), &mut violations);
        violations.into_result()?;

        let secret = random_api_key();
        let tenant = body.tenant_id.as_deref().unwrap_or_default();
        let id = self.ids.next_named("key_").into();
        let key = self.engine.execute(CreateApiKey { id, secret: &secret, tenant, settings, expires_at })?;
        Ok(Reply::created(json::object(|object| {
            object.plain("key_id", &key.id);
            object.plain("key_secret", &secret);
            object.plain("key_prefix", &key.prefix);
            object.text("tenant_id", tenant);
            object.plains("permissions", key.permissions.iter().map(Permission::as_str));
            instant(object, "created_at", key.created_at);
            instant_if(object, "expires_at", key.expires_at);
        })))
    }

    pub(super) fn change_api_key(&self, id: &str) -> Result<Reply, Problem> {
        let body: ApiKeyChangeBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        let changes = ApiKeyChanges {
            name: check_chars("name", body.name.as_ref(), 1..=256, &mut violations),
            description: check_chars("description", body.description.as_ref(), 0..=1024, &mut violations),
            permissions: check_permissions(body.permissions.as_deref(), &mut violations),
            scope_filter: check_filter(body.scope_filter.as_deref(), &mut violations),
            metadata: body.metadata,
        };
        violations.into_result()?;
        Ok(show(&self.engine.execute(ChangeApiKey { id, changes })?))
    }

    pub(super) fn revoke_api_key(&self, id: &str, query: &Query<'_>) -> Result<Reply, Problem> {
        let reason = query.get_some("reason");
        let mut violations = Violations::default();
        violations.chars("reason", reason.unwrap_or_default(), 0..=512);
        violations.into_result()?;
        Ok(show(&self.engine.execute(RevokeApiKey { id, reason: reason.map(str::to_owned) })?))
    }

    pub(super) fn list_api_keys(&self, query: &Query<'_>) -> Result<Reply, Problem> {
        let tenant = query.get_some("tenant_id").map(str::to_owned);
        let status = query.one_of("status", &ApiKeyStatus::ALL, ApiKeyStatus::as_str, false)?;
        let search = search(query)?;
        let listing = Listing::read(query, &SORT_KEYS, &format!("{tenant:?} {status:?} {search:?}"))?;
        let (by, paging) = (listing.by, listing.paging.clone());
        let page = self.engine.execute(ListApiKeys { tenant, status, search, by, paging });
        Ok(Reply::ok(listing.write("keys", &page, write)))
    }

    /// Says whether a key opens a tenant.
    pub(super) fn validate_api_key(&self) -> Result<Reply, Problem> {
        let body: ValidateBody<'_> = parse(self.request.body())?;
        let mut violations = Violations::default();
        violations.require("key_secret", body.key_secret.as_ref());
        violations.into_result()?;
        let key = body.key_secret.as_deref().unwrap_or_default();
        let caller = self.engine.authenticate(key);
        Ok(Reply::ok(json::object(|object| {
            object.flag("valid", caller.is_ok());
            match &caller {
                Ok(caller) => {
                    object.text("tenant_id", &caller.tenant_name);
                    object.text("key_id", &caller.key_id);
                    object.plains("permissions", caller.permissions.iter().map(Permission::as_str));
                    write_filter(object, &caller.scope_filter);
                }
                Err(reason) => {
                    object.plain("tenant_id", "");
                    object.plain("reason", reason.message());
                }
            }
        })))
    }
}

fn show(listed: &ListedKey) -> Reply {
    Reply::ok(json::object(|object| write(object, listed)))
}

fn check_chars(
    member: &str,
    text: Option<&Text<'_>>,
    allowed: std::ops::RangeInclusive<usize>,
    violations: &mut Violations,
) -> Option<String> {
    let text = text?;
    violations.chars(member, text, allowed);
    Some(text.to_string())
}

fn check_permissions(names: Option<&[Text<'_>]>, violations: &mut Violations) -> Option<Permissions> {
    let permission = |name: &Text<'_>| {
        let permission = Permission::from_wire(name);
        if permission.is_none() {
            violations.add("permissions", format_args!("unknown permission {}", crate::http::query::shown(name)));
        }
        permission
    };
    Some(names?.iter().filter_map(permission).collect())
}

fn check_filter(patterns: Option<&[Text<'_>]>, violations: &mut Violations) -> Option<Vec<ScopePattern>> {
    let mut parsed = Vec::new();
    for text in patterns? {
        match ScopePattern::parse(text) {
            Ok(pattern) => parsed.push(pattern),
            Err(error) => violations.add("scope_filter", error),
        }
    }
    Some(parsed)
}

fn write_filter(object: &mut Object<'_>, filter: &[ScopePattern]) {
    if !filter.is_empty() {
        object.plains("scope_filter", filter.iter().map(ScopePattern::as_str));
    }
}

fn write(object: &mut Object<'_>, listed: &ListedKey) {
    let ApiKey { id, prefix, name, description, permissions, scope_filter, .. } = &listed.key;
    object.text("key_id", id);
    object.text("tenant_id", &listed.tenant);
    object.text("key_prefix", prefix);
    object.text("name", name);
    text_if(object, "description", description.as_deref());
    object.plains("permissions", permissions.iter().map(Permission::as_str));
    write_filter(object, scope_filter);
    object.plain("status", listed.status.as_str());
    instant(object, "created_at", listed.key.created_at);
    instant_if(object, "expires_at", listed.key.expires_at);
    if let Some(revoked) = &listed.key.revoked {
        instant(object, "revoked_at", revoked.at);
        text_if(object, "revoked_reason", revoked.reason.as_deref());
    }
    if let Some(metadata) = &listed.key.metadata {
        object.value("metadata", metadata);
    }
}
