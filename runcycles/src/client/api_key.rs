//! The API key, which shows itself to nobody.

use std::fmt;

use http::HeaderValue;

use crate::error::ConfigError;

/// An API key. It has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ApiKey(String);

impl ApiKey {
    pub(crate) fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for the derivation of the journal's directory.
    #[cfg(feature = "journal")]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// The header's value, marked sensitive so that HTTP libraries neither log nor index it.
    pub(crate) fn header_value(&self) -> Result<HeaderValue, ConfigError> {
        if self.is_blank() {
            return Err(ConfigError::new("api_key", "it is empty", "set the key, for example by CYCLES_API_KEY"));
        }
        let mut value = HeaderValue::from_str(&self.0).map_err(|_| {
            ConfigError::new("api_key", "it has characters that no HTTP header can carry", "check it for line breaks")
        })?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
