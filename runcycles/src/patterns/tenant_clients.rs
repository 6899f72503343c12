//! A client for each tenant.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::client::{CyclesClient, CyclesClientBuilder, CyclesConfig, default_transport};
use crate::error::{ConfigError, Error};
use crate::transport::Transport;

/// A client for each tenant of a service, made when it is asked for first; all of them share their connections.
///
/// A tenant has a key of its own, and an authority tells nothing of one tenant to the key of another: no call can spend another
/// tenant's budget by mistake. A client from here refuses calls for other tenants before they are sent.
///
/// ```
/// use runcycles::{Error, TenantClients, cycles, usd};
/// use runcycles_authority::Authority;
///
/// #[cycles(usd!(0.02), "llm.completion", client = clients.get(tenant)?)]
/// async fn answer(clients: &TenantClients, tenant: &str, question: &str) -> Result<String, Error> {
///     Ok(format!("an answer to {question}"))
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Authority::builder()
///     .budget("tenant:customer-a", usd!(0.02))
///     .budget("tenant:customer-b", usd!(200))
///     .start()
///     .await?;
/// let keys = [("customer-a", authority.api_key("customer-a")), ("customer-b", authority.api_key("customer-b"))];
/// let clients = TenantClients::new("http://authority", move |tenant| {
///     keys.iter().find(|(name, _)| *name == tenant).map(|(_, key)| key.clone())
/// })
/// # .settings(|_, builder| builder.journal(runcycles::JournalConfig::disabled()))
/// .transport(authority.transport());
///
/// answer(&clients, "customer-a", "why is the sky blue?").await?;
/// assert!(answer(&clients, "customer-a", "why is the sea blue?").await.is_err(), "the budget is used up");
/// answer(&clients, "customer-b", "why is the sea blue?").await?;
/// # Ok(())
/// # }
/// ```
pub struct TenantClients {
    base_url: String,
    keys: Box<Keys>,
    settings: Box<Settings>,
    /// Made for the first client, unless it is given.
    transport: OnceLock<Arc<dyn Transport>>,
    /// A lock because requests of all tenants come here; held for one look or one insertion, never while a key is looked up.
    clients: RwLock<HashMap<Box<str>, CyclesClient>>,
}

/// The key of a tenant.
type Keys = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What a tenant's client is set to.
type Settings = dyn Fn(&str, CyclesClientBuilder) -> CyclesClientBuilder + Send + Sync;

impl TenantClients {
    /// Clients of an authority, each with the key that `keys` has for its tenant; `None` is a tenant that there is no key for.
    ///
    /// It is asked until a client of the tenant is made: again after `None`, and by each of several first calls at once. It is
    /// not asynchronous and must not block, as a look into a map does not: load keys from elsewhere beforehand.
    pub fn new(base_url: impl Into<String>, keys: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            base_url: base_url.into(),
            keys: Box::new(keys),
            settings: Box::new(|_, builder| builder),
            transport: OnceLock::new(),
            clients: RwLock::default(),
        }
    }

    /// What a tenant's client is set to beside its tenant and key, such as timeouts, a mode, a workspace, or a hook.
    pub fn settings(
        mut self,
        settings: impl Fn(&str, CyclesClientBuilder) -> CyclesClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.settings = Box::new(settings);
        self
    }

    /// Carries the requests of all clients in another way than by reqwest.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = OnceLock::from(Arc::new(transport) as Arc<dyn Transport>);
        self
    }

    /// The client of a tenant. Cheap after the first time.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] for a tenant without a key, for a name that no tenant can have, and for settings that can never work.
    pub fn get(&self, tenant: &str) -> Result<CyclesClient, Error> {
        let known = self.clients.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned();
        if let Some(client) = known {
            return Ok(client);
        }
        let client = self.make(tenant)?;
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made one meanwhile; everybody gets that.
        Ok(clients.entry(tenant.into()).or_insert(client).clone())
    }

    /// Forgets the client of a tenant: the next [`get`](Self::get) asks for the key anew. Calls that are under way go on.
    pub fn forget(&self, tenant: &str) {
        self.clients.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    /// How many tenants there are clients of.
    pub fn len(&self) -> usize {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn make(&self, tenant: &str) -> Result<CyclesClient, ConfigError> {
        let Some(key) = (self.keys)(tenant) else {
            let problem = format!("there is none for the tenant {tenant:?}");
            return Err(ConfigError::new("api_key", problem, "provision the tenant, or correct its name"));
        };
        let builder = (self.settings)(tenant, CyclesClient::builder(key, self.base_url.as_str()));
        builder.for_tenant(tenant).sharing_transport(|config| self.shared_transport(config))?.try_build()
    }

    fn shared_transport(&self, config: &CyclesConfig) -> Result<Box<dyn Transport>, ConfigError> {
        let shared = match self.transport.get() {
            Some(shared) => shared,
            None => {
                let made = default_transport(config.connect_timeout, &config.base_url)?;
                self.transport.get_or_init(|| made.into())
            }
        };
        Ok(Box::new(Arc::clone(shared)))
    }
}

impl fmt::Debug for TenantClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantClients")
            .field("base_url", &self.base_url)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
