//! API keys.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::request::admin_request;
use super::tenants::validate_tenant_id;
use crate::protocol::string_enum::string_enum;
use crate::protocol::validation::check_chars;
use crate::protocol::wire_object::wire_object;
use crate::protocol::{Extra, Metadata, Timestamp, ValidationError};

string_enum! {
    /// Whether a key opens its tenant.
    pub enum ApiKeyStatus {
        /// It does.
        Active = "ACTIVE",
        /// Its time has passed.
        Expired = "EXPIRED",
        /// Somebody revoked it.
        Revoked = "REVOKED",
    }
}

/// The secret of an API key, which a server tells once. Its `Debug` hides it; serialising the answer it came in does not.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

impl KeySecret {
    /// The secret itself: for a vault, or for a client's builder.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl Serialize for KeySecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KeySecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

wire_object! {
    /// A key that was just made, with the secret that is told this once (admin plane: `ApiKeyCreateResponse`).
    pub struct CreatedApiKey {
        required {
            /// Its id, for revoking it.
            key_id: String,
            /// The key itself.
            key_secret: KeySecret,
            /// The beginning of the key, for recognising it.
            key_prefix: String,
            /// Whose key it is.
            tenant_id: String,
        }
        optional {
            /// When it was made, as the server writes it (ISO 8601).
            created_at: String,
            /// When it stops to work.
            expires_at: String,
        }
        list {
            /// What it may do, such as `reservations:create`.
            permissions: String,
        }
    }
}

wire_object! {
    /// A key as a list shows it (admin plane: `ApiKey`).
    pub struct ApiKeyInfo {
        required {
            /// Its id.
            key_id: String,
            /// Whose key it is.
            tenant_id: String,
            /// Whether it opens its tenant.
            status: ApiKeyStatus,
        }
        optional {
            /// The beginning of the key, for recognising it.
            key_prefix: String,
            /// Its name for people.
            name: String,
            /// What it is for.
            description: String,
            /// When it was made, as the server writes it (ISO 8601).
            created_at: String,
            /// When it stops to work.
            expires_at: String,
            /// When it was last used.
            last_used_at: String,
            /// When it was revoked.
            revoked_at: String,
            /// Why.
            revoked_reason: String,
            /// Free data.
            metadata: Extra,
        }
        list {
            /// What it may do, such as `reservations:create`.
            permissions: String,
            /// The scopes it is confined to; none means all of its tenant's.
            scope_filter: String,
        }
    }
}

wire_object! {
    /// A page of keys.
    pub struct ApiKeyPage {
        required {
            /// The keys.
            keys: Vec<ApiKeyInfo>,
        }
        optional {
            /// Where the next page starts.
            next_cursor: String,
            /// Whether there is a next page.
            has_more: bool,
        }
        list {}
    }
}

admin_request! {
    /// A key to create.
    ///
    /// ```
    /// use runcycles::admin::NewApiKey;
    ///
    /// let key = NewApiKey::new("acme", "chatbot in production")
    ///     .permissions(["reservations:create", "reservations:commit", "reservations:release", "reservations:extend"]);
    /// ```
    pub struct NewApiKey {
        /// A key of a tenant, with a name of 1 to 256 characters.
        new {
            tenant_id: String,
            name: String,
        }
        optional {
            /// What it is for: at most 1,024 characters.
            description: String,
            /// Free data.
            metadata: Metadata,
        }
        by_hand {
            permissions: Vec<String>,
            scope_filter: Vec<String>,
            expires_at: String,
        }
    }
}

impl NewApiKey {
    /// What it may do, such as `reservations:create`; the server's usual set for tenants by default.
    pub fn permissions<P: Into<String>>(mut self, permissions: impl IntoIterator<Item = P>) -> Self {
        self.permissions = Some(permissions.into_iter().map(Into::into).collect());
        self
    }

    /// The scopes it is confined to, such as `tenant:acme/app:chatbot/*`; all of its tenant's by default.
    pub fn scope_filter<P: Into<String>>(mut self, patterns: impl IntoIterator<Item = P>) -> Self {
        self.scope_filter = Some(patterns.into_iter().map(Into::into).collect());
        self
    }

    /// When it stops to work; after 90 days by default.
    pub fn expires_at(mut self, time: impl Into<Timestamp>) -> Self {
        self.expires_at = Some(time.into().to_string());
        self
    }

    /// Checks the plane's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        validate_tenant_id(&self.tenant_id)?;
        check_chars("name", &self.name, 1..=256)?;
        self.description.as_ref().map_or(Ok(()), |text| check_chars("description", text, 0..=1024))
    }
}
