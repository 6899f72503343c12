//! Who may come in.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use runcycles::models::ErrorCode;

use super::names::{ADMIN_KEY, API_KEY};
use super::problem::Problem;
use crate::engine::{Caller, Engine};
use crate::state::{KeyDigest, Permission, TenantId};

/// Checks keys and permissions.
#[derive(Debug)]
pub(crate) struct Gate {
    engine: Arc<Engine>,
    admin_key: Option<KeyDigest>,
    enforce_permissions: bool,
}

/// Whose key was used.
#[derive(Debug)]
pub(super) enum Principal {
    Operator,
    Tenant(Caller),
}

impl Principal {
    /// The tenant whose key was used; none for the admin key.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Operator => None,
            Self::Tenant(caller) => Some(caller.tenant),
        }
    }
}

impl Gate {
    pub(crate) fn new(engine: Arc<Engine>, admin_key: Option<&str>, enforce_permissions: bool) -> Self {
        Self { engine, admin_key: admin_key.map(KeyDigest::of), enforce_permissions }
    }

    /// The tenant whose API key a request has.
    pub(super) fn tenant(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let key = headers.get(API_KEY).and_then(|key| key.to_str().ok()).unwrap_or_default();
        self.engine.authenticate(key).map_err(|reason| Problem::unauthorized(reason.message()))
    }

    /// Whether a request has the admin key; refuses any other value in its place.
    pub(super) fn is_operator(&self, headers: &HeaderMap) -> Result<bool, Problem> {
        let Some(key) = headers.get(ADMIN_KEY) else { return Ok(false) };
        match (self.admin_key, key.to_str()) {
            (None, _) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                ErrorCode::InternalError,
                "Server misconfiguration: admin API key not set",
            )),
            (Some(digest), Ok(key)) if KeyDigest::of(key) == digest => Ok(true),
            _ => Err(Problem::unauthorized("Invalid admin API key")),
        }
    }

    /// Refuses whoever has not the admin key.
    pub(super) fn operator(&self, headers: &HeaderMap) -> Result<(), Problem> {
        if self.is_operator(headers)? { Ok(()) } else { Err(Problem::unauthorized("Missing X-Admin-API-Key header")) }
    }

    /// Whoever has either key.
    pub(super) fn either(&self, headers: &HeaderMap) -> Result<Principal, Problem> {
        if self.is_operator(headers)? { Ok(Principal::Operator) } else { self.tenant(headers).map(Principal::Tenant) }
    }

    /// Refuses a caller on the runtime plane whose key lacks a permission, where the authority was told to look.
    pub(super) fn check_runtime(&self, caller: &Caller, permission: Permission) -> Result<(), Problem> {
        if self.enforce_permissions { check(caller, permission) } else { Ok(()) }
    }

    pub(super) fn enforces_permissions(&self) -> bool {
        self.enforce_permissions
    }
}

/// Refuses a caller whose key lacks a permission.
pub(super) fn check(caller: &Caller, permission: Permission) -> Result<(), Problem> {
    if caller.permissions.allows(permission) {
        return Ok(());
    }
    let message = format!("API key lacks required permission: {}", permission.as_str());
    Err(Problem::new(StatusCode::FORBIDDEN, ErrorCode::from("INSUFFICIENT_PERMISSIONS"), message))
}
