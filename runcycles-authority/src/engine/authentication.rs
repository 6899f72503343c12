//! Who is calling.

use std::sync::Arc;

use crate::clock::Millis;
use crate::pattern::ScopePattern;
use crate::state::{ApiKeyStatus, KeyDigest, Permissions, State, TenantId, TenantStatus};

/// The tenant whose key was used.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    pub(crate) tenant_name: Arc<str>,
    pub(crate) key_id: Arc<str>,
    pub(crate) permissions: Permissions,
    /// The scopes the key is for; all where there is none.
    pub(crate) scope_filter: Arc<[ScopePattern]>,
}

/// Why a key opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unauthorized {
    Missing,
    KeyNotFound,
    InvalidKey,
    Revoked,
    Expired,
    TenantSuspended,
    TenantClosed,
}

impl Unauthorized {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Missing => "Missing API key",
            Self::KeyNotFound => "KEY_NOT_FOUND",
            Self::InvalidKey => "INVALID_KEY",
            Self::Revoked => "KEY_REVOKED",
            Self::Expired => "KEY_EXPIRED",
            Self::TenantSuspended => "TENANT_SUSPENDED",
            Self::TenantClosed => "TENANT_CLOSED",
        }
    }
}

/// Finds the tenant of an API key, whose digest is computed by the caller, before it waits for the state.
pub(super) fn authenticate(
    state: &State,
    key: &str,
    digest: &KeyDigest,
    now: impl FnOnce() -> Millis,
) -> Result<Caller, Unauthorized> {
    if key.trim().is_empty() {
        return Err(Unauthorized::Missing);
    }
    let keys = state.api_keys();
    let Some(row) = keys.get(digest) else {
        let known = keys.knows_prefix_of(key);
        return Err(if known { Unauthorized::InvalidKey } else { Unauthorized::KeyNotFound });
    };
    // Most keys have no end, so that it does not matter what time it is.
    match row.status(row.expires_at.map_or(0, |_| now())) {
        ApiKeyStatus::Active => {}
        ApiKeyStatus::Revoked => return Err(Unauthorized::Revoked),
        ApiKeyStatus::Expired => return Err(Unauthorized::Expired),
    }
    let tenant = state.tenants().get(row.tenant);
    match tenant.status {
        TenantStatus::Active => Ok(Caller {
            tenant: row.tenant,
            tenant_name: tenant.id.clone(),
            key_id: row.id.clone(),
            permissions: row.permissions,
            scope_filter: row.scope_filter.clone(),
        }),
        TenantStatus::Suspended => Err(Unauthorized::TenantSuspended),
        TenantStatus::Closed => Err(Unauthorized::TenantClosed),
    }
}
