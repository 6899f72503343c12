//! What policies can look at beside an action's kind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::validation::{ValidationError, check_chars};

/// The most keys of an application's own.
const MAX_CUSTOM: usize = 8;

/// What policies can look at beside an action's kind (protocol v0.1.26: `ActionPolicyKeys`).
///
/// Servers of v0.1.25 may refuse requests that have any, so none are sent unless the application gives them.
///
/// ```
/// use runcycles::models::{Action, PolicyKeys};
///
/// let keys = PolicyKeys::new().host("api.sendgrid.com").recipient_domain("customer.com");
/// let action = Action::new("message.email.send", "welcome").policy_keys(keys);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PolicyKeys {
    /// The host that is called, without scheme and port: 1 to 253 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The domain of the recipient: 1 to 253 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_domain: Option<String>,
    /// The resource that is touched, such as the name of a table: 1 to 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The absolute path that is touched, or what it begins with: 1 to 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// Keys of the application's own: at most 8, with values of at most 256 characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom: BTreeMap<String, String>,
}

impl PolicyKeys {
    /// No keys yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The host that is called, without scheme and port: 1 to 253 characters.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The domain of the recipient: 1 to 253 characters.
    pub fn recipient_domain(mut self, domain: impl Into<String>) -> Self {
        self.recipient_domain = Some(domain.into());
        self
    }

    /// The resource that is touched, such as the name of a table: 1 to 128 characters.
    pub fn resource_type(mut self, resource: impl Into<String>) -> Self {
        self.resource_type = Some(resource.into());
        self
    }

    /// The absolute path that is touched, or what it begins with: 1 to 512 characters.
    pub fn path_prefix(mut self, path: impl Into<String>) -> Self {
        self.path_prefix = Some(path.into());
        self
    }

    /// A key of the application's own: at most 8, with values of at most 256 characters.
    pub fn custom(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.custom.insert(key.into(), value.into());
        self
    }

    /// Checks the protocol's limits.
    pub(super) fn validate(&self) -> Result<(), ValidationError> {
        for (field, text, most) in [
            ("action.policy_keys.host", &self.host, 253),
            ("action.policy_keys.recipient_domain", &self.recipient_domain, 253),
            ("action.policy_keys.resource_type", &self.resource_type, 128),
            ("action.policy_keys.path_prefix", &self.path_prefix, 512),
        ] {
            text.as_ref().map_or(Ok(()), |text| check_chars(field, text, 1..=most))?;
        }
        if let Some(host) = self.host.as_deref().filter(|host| host.contains(['/', ':'])) {
            let expected = "a host without scheme, port and path, such as api.example.com";
            return Err(ValidationError::new("action.policy_keys.host", format!("{host:?}"), expected));
        }
        if self.custom.len() > MAX_CUSTOM {
            let found = format!("{} keys", self.custom.len());
            return Err(ValidationError::new("action.policy_keys.custom", found, "at most 8"));
        }
        self.custom.values().try_for_each(|value| check_chars("action.policy_keys.custom", value, 0..=256))
    }
}
