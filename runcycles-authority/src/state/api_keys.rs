//! API keys: who is calling.

use std::collections::HashMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::TenantId;
use crate::clock::Millis;

/// Characters of a key that may be shown, and by which an unknown secret is told from an unknown key.
const PREFIX_CHARS: usize = 14;

/// The SHA-256 of a key: all that is kept of its secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub(crate) fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
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
    pub(crate) prefix: String,
    pub(crate) tenant: TenantId,
    pub(crate) status: ApiKeyStatus,
    pub(crate) expires_at: Option<Millis>,
}

/// Whether a key opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiKeyStatus {
    Active,
    Revoked,
}

/// The characters of a key that may be shown.
pub(crate) fn prefix(key: &str) -> &str {
    key.char_indices().nth(PREFIX_CHARS).map_or(key, |(end, _)| &key[..end])
}

impl ApiKey {
    /// An active key of a tenant, without an end.
    pub(crate) fn new(key: &str, tenant: TenantId) -> Self {
        Self { prefix: prefix(key).to_owned(), tenant, status: ApiKeyStatus::Active, expires_at: None }
    }
}

/// The table of keys, by the digest of their secrets.
#[derive(Debug, Default)]
pub(crate) struct ApiKeys {
    rows: HashMap<KeyDigest, ApiKey>,
    prefixes: HashMap<String, u32>,
}

impl ApiKeys {
    pub(crate) fn get(&self, digest: &KeyDigest) -> Option<&ApiKey> {
        self.rows.get(digest)
    }

    /// Whether a key that begins like this one exists.
    pub(crate) fn knows_prefix_of(&self, key: &str) -> bool {
        self.prefixes.contains_key(prefix(key))
    }

    pub(super) fn get_mut(&mut self, digest: &KeyDigest) -> Option<&mut ApiKey> {
        self.rows.get_mut(digest)
    }

    pub(super) fn insert(&mut self, digest: KeyDigest, key: ApiKey) {
        *self.prefixes.entry(key.prefix.clone()).or_default() += 1;
        self.rows.insert(digest, key);
    }
}
