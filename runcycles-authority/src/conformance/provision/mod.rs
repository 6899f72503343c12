//! How tenants, keys and budgets come about on a server.

mod admin_plane;
mod embedded;

use runcycles::BoxFuture;
use serde_json::Value;

use super::wire::Stop;

pub use self::admin_plane::AdminPlane;

/// What came of something that was asked of a provisioner.
pub type Provisioned<'a, T = ()> = BoxFuture<'a, Result<T, ProvisionError>>;

/// Makes what checks need on a server: tenants, keys, budgets.
///
/// [`AdminPlane`] does it over the reference admin plane. A server that is provisioned otherwise needs one of its own.
pub trait Provisioner: Send + Sync + 'static {
    /// Adds a tenant with default settings.
    fn create_tenant<'a>(&'a self, tenant: &'a str) -> Provisioned<'a>;

    /// Closes a tenant for ever.
    fn close_tenant<'a>(&'a self, tenant: &'a str) -> Provisioned<'a>;

    /// Makes a key of a tenant that opens the whole runtime plane.
    fn create_key<'a>(&'a self, tenant: &'a str) -> Provisioned<'a, ApiKey>;

    /// Revokes a key.
    fn revoke_key<'a>(&'a self, key: &'a ApiKey) -> Provisioned<'a>;

    /// Adds a ledger.
    fn open_ledger<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a>;

    /// Adds to a ledger's allocation.
    fn credit<'a>(&'a self, ledger: &'a LedgerSpec, amount: i64) -> Provisioned<'a>;

    /// Freezes a ledger.
    fn freeze<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a>;

    /// Changes how much debt a ledger may have.
    fn set_overdraft_limit<'a>(&'a self, ledger: &'a LedgerSpec, limit: i64) -> Provisioned<'a>;
}

/// Reaches states that no operation of the protocol or the admin plane leads to. What it cannot do stays unsupported, and the
/// checks that need it are skipped.
pub trait Seeding: Send + Sync + 'static {
    /// Closes a ledger of an active tenant.
    fn close_ledger<'a>(&'a self, ledger: &'a LedgerSpec) -> Provisioned<'a> {
        let _ = ledger;
        unsupported("closing a ledger")
    }

    /// Puts debt on a ledger and leaves its other figures.
    fn set_debt<'a>(&'a self, ledger: &'a LedgerSpec, debt: i64) -> Provisioned<'a> {
        let _ = (ledger, debt);
        unsupported("putting debt on a ledger")
    }

    /// Puts caps on a ledger, in the protocol's form.
    fn set_caps<'a>(&'a self, ledger: &'a LedgerSpec, caps: &'a Value) -> Provisioned<'a> {
        let _ = (ledger, caps);
        unsupported("putting caps on a ledger")
    }

    /// Stops the server, as abruptly as it can, and starts it again on what it had stored; returns when it answers at the same
    /// address. No other check runs meanwhile.
    fn restart(&self) -> Provisioned<'_> {
        unsupported("restarting the server")
    }
}

/// What every state that nothing leads to is answered with.
fn unsupported<'a, T: Send + 'a>(what: &str) -> Provisioned<'a, T> {
    let reason = what.to_owned();
    Box::pin(std::future::ready(Err(ProvisionError::Unsupported(reason))))
}

/// A server of which nothing is known but its interfaces.
pub(super) struct Unseeded;

impl Seeding for Unseeded {}

/// A key of a tenant.
#[derive(Clone)]
pub struct ApiKey {
    /// What names the key to an operator.
    pub id: String,
    /// What opens the runtime plane.
    pub secret: String,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).field("secret", &"<redacted>").finish()
    }
}

/// A ledger to be opened, and later the one it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerSpec {
    /// The tenant.
    pub tenant: String,
    /// The scope in canonical form, such as `tenant:acme/agent:bot`.
    pub scope: String,
    /// The unit, such as `TOKENS`.
    pub unit: &'static str,
    /// The allocation.
    pub allocated: i64,
    /// How much debt it may have.
    pub overdraft_limit: i64,
}

/// Why something was not provisioned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProvisionError {
    /// There is no way to do it here.
    #[error("{0} is not possible through this provisioner")]
    Unsupported(String),
    /// The server did not do it.
    #[error("{request}: expected it to be done, found {found}")]
    Failed {
        /// What was asked.
        request: String,
        /// What came back.
        found: String,
    },
}

impl From<Stop> for ProvisionError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failed(failure) => Self::Failed { request: failure.request, found: failure.found },
            Stop::Skipped(reason) => Self::Unsupported(reason),
        }
    }
}

impl From<ProvisionError> for Stop {
    fn from(error: ProvisionError) -> Self {
        match error {
            ProvisionError::Unsupported(_) => Self::skipped(error.to_string()),
            ProvisionError::Failed { request, found } => {
                Self::failed(request, "what the check needs to be set up", found)
            }
        }
    }
}
