//! Tenants and keys that are added.

use super::Command;
use crate::clock::Millis;
use crate::scope::ScopePath;
use crate::state::{ApiKey, KeyDigest, State, Tenant, TenantId};

/// Text that cannot be a tenant's id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid tenant {tenant:?}: expected 1 to 128 characters out of a-z 0-9 _ . - that begin and end with a letter or digit"
)]
pub struct InvalidTenant {
    tenant: String,
}

impl InvalidTenant {
    /// The text.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }
}

/// Adds an active API key of a tenant.
pub(crate) struct AddApiKey<'a> {
    pub(crate) id: String,
    pub(crate) key: &'a str,
    pub(crate) tenant: &'a str,
    /// Whether the key is known after a restart.
    pub(crate) is_kept: bool,
}

impl Command for AddApiKey<'_> {
    type Outcome = Result<(), InvalidTenant>;

    fn apply(self, state: &mut State, now: Millis) -> Self::Outcome {
        let tenant = ensure_tenant(state, self.tenant)?;
        let (digest, row) = (KeyDigest::of(self.key), ApiKey::new(self.id, self.key, tenant, now));
        if self.is_kept {
            state.insert_api_key(digest, row);
        } else {
            state.insert_passing_api_key(digest, row);
        }
        Ok(())
    }
}

/// The tenant of an id, added with the protocol's defaults where it does not exist.
pub(crate) fn ensure_tenant(state: &mut State, id: &str) -> Result<TenantId, InvalidTenant> {
    if let Some(known) = state.tenants().find(id) {
        return Ok(known);
    }
    // The scope of a tenant is lower-case. Two tenants that differ in case would share it.
    let fits = ScopePath::parse(&format!("tenant:{id}")).is_ok_and(|path| path.tenant() == id);
    if !fits {
        return Err(InvalidTenant { tenant: id.to_owned() });
    }
    let now = state.now();
    Ok(state.insert_tenant(Tenant::new(id, id.to_owned(), now)))
}
