//! What a key may do.

use crate::protocol::Extra;
use crate::protocol::wire_object::wire_object;

wire_object! {
    /// What the key of a request may do (admin plane: `GET /v1/auth/introspect`).
    pub struct Introspection {
        required {
            /// Whether the key is known.
            authenticated: bool,
            /// `admin` or `tenant`.
            auth_type: String,
        }
        optional {
            /// What can be seen and managed, by name, such as `manage_budgets`.
            capabilities: Extra,
            /// Whose key it is; tenants' keys only.
            tenant_id: String,
        }
        list {
            /// What it may do; `*` is everything.
            permissions: String,
            /// The scopes it is confined to.
            scope_filter: String,
        }
    }
}

impl Introspection {
    /// Whether the key can see or manage something, by its name, such as `manage_budgets`.
    pub fn can(&self, capability: &str) -> bool {
        let found = self.capabilities.as_ref().and_then(|capabilities| capabilities.get(capability));
        found.and_then(serde_json::Value::as_bool).unwrap_or(false)
    }
}
