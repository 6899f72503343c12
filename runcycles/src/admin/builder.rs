//! How a client of the admin plane is made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use super::Admin;
use crate::client::{ApiKey, Connection, Endpoint, default_transport};
use crate::error::ConfigError;
use crate::transport::Transport;

const URL_VARIABLE: &str = "CYCLES_ADMIN_URL";
const KEY_VARIABLE: &str = "CYCLES_ADMIN_KEY";

/// Makes an [`Admin`]. Making one touches neither network nor environment, and starts no thread or task.
#[must_use = "a builder makes no client until it is built"]
pub struct AdminBuilder {
    admin_key: ApiKey,
    base_url: String,
    /// What messages call the key and the address.
    names: [&'static str; 2],
    connect_timeout: Duration,
    read_timeout: Duration,
    transport: Option<Box<dyn Transport>>,
}

impl AdminBuilder {
    pub(super) fn new(admin_key: String, base_url: String) -> Self {
        Self {
            admin_key: ApiKey::new(admin_key),
            base_url,
            names: ["admin_key", "base_url"],
            connect_timeout: Duration::from_secs(2),
            read_timeout: Duration::from_secs(5),
            transport: None,
        }
    }

    pub(super) fn from_env() -> Result<Self, ConfigError> {
        let url = variable(URL_VARIABLE, "set it to the address of the admin plane, such as http://localhost:7979")?;
        let key = variable(KEY_VARIABLE, "set it to the operator's key")?;
        Ok(Self { names: [KEY_VARIABLE, URL_VARIABLE], ..Self::new(key, url) })
    }

    /// How long a connection may take to be made; 2 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an answer may take; 5 seconds by default. A request as a whole may take this and the connect timeout.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Carries requests in another way than by reqwest: the in-process transport of an embedded authority, or your own.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Box::new(transport));
        self
    }

    /// The client.
    ///
    /// # Panics
    ///
    /// On settings that can never work, such as an empty key or an address without a host; [`try_build`](Self::try_build) says
    /// why instead.
    pub fn build(self) -> Admin {
        match self.try_build() {
            Ok(admin) => admin,
            Err(error) => panic!("{error}"),
        }
    }

    /// The client, or what cannot work.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] naming the setting, what it holds and what to do.
    pub fn try_build(self) -> Result<Admin, ConfigError> {
        let [key_name, url_name] = self.names;
        for (setting, timeout) in [("connect_timeout", self.connect_timeout), ("read_timeout", self.read_timeout)] {
            if timeout.is_zero() {
                return Err(ConfigError::new(setting, "it is zero", "give the authority some time, such as 2 seconds"));
            }
        }
        let endpoint = Endpoint::new(&self.base_url).map_err(|error| error.of(url_name))?;
        if self.admin_key.is_blank() {
            return Err(ConfigError::new(key_name, "it is empty", "set it to the operator's key"));
        }
        let key = self.admin_key.header_value().map_err(|error| error.of(key_name))?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(self.connect_timeout, &self.base_url)?,
        };
        let attempt_timeout = self.connect_timeout.saturating_add(self.read_timeout);
        let key = (HeaderName::from_static("x-admin-api-key"), key);
        Ok(Admin { connection: Arc::new(Connection::new(endpoint, key, transport, attempt_timeout)) })
    }
}

impl fmt::Debug for AdminBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { admin_key, base_url, .. } = self;
        let mut out = f.debug_struct("AdminBuilder");
        out.field("admin_key", admin_key).field("base_url", base_url).finish_non_exhaustive()
    }
}

fn variable(name: &'static str, cure: &'static str) -> Result<String, ConfigError> {
    match std::env::var(name) {
        Ok(value) if !value.trim().is_empty() => Ok(value),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(ConfigError::new(name, "it is not valid UTF-8", "correct the variable"))
        }
        _ => Err(ConfigError::new(name, "it is not set", cure)),
    }
}
