//! API keys: who is calling.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use runcycles::models::Metadata;
use sha2::{Digest as _, Sha256};

use super::{Permissions, TenantId};
use crate::clock::Millis;
use crate::pattern::ScopePattern;

/// Characters of a key that may be shown, and by which an unknown secret is told from an unknown key.
const PREFIX_CHARS: usize = 14;

/// The SHA-256 of a key: all that is kept of its secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub(crate) fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest(<redacted>)")
    }
}

/// A key that opens one tenant.
#[derive(Clone, Debug)]
pub(crate) struct ApiKey {
    pub(crate) id: Arc<str>,
    pub(crate) prefix: String,
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) permissions: Permissions,
    /// The scopes it is for; all of the tenant's where there is none.
    pub(crate) scope_filter: Arc<[ScopePattern]>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) created_at: Millis,
    pub(crate) expires_at: Option<Millis>,
    pub(crate) revoked: Option<Revocation>,
}

/// When and why a key was revoked.
#[derive(Clone, Debug)]
pub(crate) struct Revocation {
    pub(crate) at: Millis,
    pub(crate) reason: Option<String>,
}

/// Whether a key opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiKeyStatus {
    Active,
    Revoked,
    Expired,
}

impl ApiKeyStatus {
    pub(crate) const ALL: [Self; 3] = [Self::Active, Self::Revoked, Self::Expired];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
        }
    }
}

impl ApiKey {
    /// A key of a tenant that may do what keys usually may, without an end.
    pub(crate) fn new(id: impl Into<Arc<str>>, key: &str, tenant: TenantId, now: Millis) -> Self {
        Self {
            id: id.into(),
            prefix: prefix(key).to_owned(),
            tenant,
            name: String::new(),
            description: None,
            permissions: Permissions::DEFAULT,
            scope_filter: Arc::from([]),
            metadata: None,
            created_at: now,
            expires_at: None,
            revoked: None,
        }
    }

    pub(crate) fn status(&self, now: Millis) -> ApiKeyStatus {
        if self.revoked.is_some() {
            ApiKeyStatus::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            ApiKeyStatus::Expired
        } else {
            ApiKeyStatus::Active
        }
    }
}

/// The characters of a key that may be shown.
pub(crate) fn prefix(key: &str) -> &str {
    key.char_indices().nth(PREFIX_CHARS).map_or(key, |(end, _)| &key[..end])
}

/// The table of keys, by the digest of their secrets. Keys are revoked, never removed.
#[derive(Debug, Default)]
pub(crate) struct ApiKeys {
    rows: HashMap<KeyDigest, ApiKey>,
    by_id: BTreeMap<Arc<str>, KeyDigest>,
    prefixes: HashMap<String, u32>,
}

impl ApiKeys {
    pub(crate) fn get(&self, digest: &KeyDigest) -> Option<&ApiKey> {
        self.rows.get(digest)
    }

    /// The digest of the key with an id.
    pub(crate) fn find(&self, id: &str) -> Option<KeyDigest> {
        self.by_id.get(id).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (KeyDigest, &ApiKey)> {
        self.rows.iter().map(|(digest, key)| (*digest, key))
    }

    /// Whether a key that begins like this one exists.
    pub(crate) fn knows_prefix_of(&self, key: &str) -> bool {
        self.prefixes.contains_key(prefix(key))
    }

    pub(super) fn get_mut(&mut self, digest: &KeyDigest) -> Option<&mut ApiKey> {
        self.rows.get_mut(digest)
    }

    /// Adds a key, or puts it in the place of the one with its digest.
    pub(super) fn insert(&mut self, digest: KeyDigest, key: ApiKey) {
        self.by_id.insert(key.id.clone(), digest);
        let prefix = key.prefix.clone();
        if self.rows.insert(digest, key).is_none() {
            *self.prefixes.entry(prefix).or_default() += 1;
        }
    }
}
