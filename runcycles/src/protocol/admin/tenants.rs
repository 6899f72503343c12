//! Tenants.

use std::time::Duration;

use super::request::admin_request;
use crate::protocol::requests::whole_millis;
use crate::protocol::string_enum::string_enum;
use crate::protocol::validation::{check_chars, check_range, shorten};
use crate::protocol::wire_object::wire_object;
use crate::protocol::{CommitOveragePolicy, Extra, Metadata, ObserveMode, ValidationError};

/// The most members of a tenant's metadata.
const MAX_METADATA: usize = 32;

string_enum! {
    /// Whether a tenant may act.
    pub enum TenantStatus {
        /// It may.
        Active = "ACTIVE",
        /// Not at present.
        Suspended = "SUSPENDED",
        /// Never again: its budgets are closed and its keys revoked.
        Closed = "CLOSED",
    }
}

wire_object! {
    /// A tenant (admin plane: `Tenant`).
    pub struct Tenant {
        required {
            /// Its id, which scopes start with.
            tenant_id: String,
            /// Its name for people.
            name: String,
            /// Whether it may act.
            status: TenantStatus,
            /// When it was made, as the server writes it (ISO 8601).
            created_at: String,
        }
        optional {
            /// The tenant above it.
            parent_tenant_id: String,
            /// What happens when an actual amount is larger than the reserved one, where the request does not say.
            default_commit_overage_policy: CommitOveragePolicy,
            /// How long reservations live, where the request does not say.
            default_reservation_ttl_ms: u64,
            /// How long they may live at most.
            max_reservation_ttl_ms: u64,
            /// How often one may be extended.
            max_reservation_extensions: u64,
            /// What becomes of reservations that lapse.
            reservation_expiry_policy: String,
            /// Whether its calls are held to the answers (protocol v0.1.26).
            observe_mode: ObserveMode,
            /// Free data.
            metadata: Extra,
            /// When it was last changed.
            updated_at: String,
            /// When it was suspended.
            suspended_at: String,
            /// When it was closed.
            closed_at: String,
        }
        list {}
    }
}

wire_object! {
    /// A page of tenants.
    pub struct TenantPage {
        required {
            /// The tenants.
            tenants: Vec<Tenant>,
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
    /// A tenant to create.
    ///
    /// ```
    /// use runcycles::{admin::NewTenant, models::CommitOveragePolicy};
    ///
    /// let tenant = NewTenant::new("acme", "Acme Corp").default_commit_overage_policy(CommitOveragePolicy::Reject);
    /// ```
    pub struct NewTenant {
        /// A tenant with an id of 3 to 64 lower-case letters, digits and hyphens, and a name of 1 to 256 characters.
        new {
            tenant_id: String,
            name: String,
        }
        optional {
            /// The tenant above it.
            parent_tenant_id: String,
            /// What happens when an actual amount is larger than the reserved one, where the request does not say.
            default_commit_overage_policy: CommitOveragePolicy,
            /// Free data: at most 32 texts.
            metadata: Metadata,
            /// Whether its calls are held to the answers (protocol v0.1.26). Servers of v0.1.25 refuse it.
            observe_mode: ObserveMode,
        }
        by_hand {
            default_reservation_ttl_ms: u64,
            max_reservation_ttl_ms: u64,
            max_reservation_extensions: u32,
        }
    }
}

admin_request! {
    /// What to change of a tenant; the rest stays as it is.
    pub struct TenantChanges {
        /// No change yet.
        new {}
        optional {
            /// Its name: 1 to 256 characters.
            name: String,
            /// Whether it may act. [`TenantStatus::Closed`] is final, closes its budgets and revokes its keys.
            status: TenantStatus,
            /// What happens when an actual amount is larger than the reserved one, where the request does not say.
            default_commit_overage_policy: CommitOveragePolicy,
            /// Free data in place of what is there: at most 32 texts.
            metadata: Metadata,
            /// Whether its calls are held to the answers (protocol v0.1.26). Servers of v0.1.25 refuse it.
            observe_mode: ObserveMode,
        }
        by_hand {
            default_reservation_ttl_ms: u64,
            max_reservation_ttl_ms: u64,
            max_reservation_extensions: u32,
        }
    }
}

/// Declares the setters and checks that creating and changing a tenant have in common.
macro_rules! reservation_limits {
    ($( $request:ident ),*) => { $(
        impl $request {
            /// How long reservations live, where the request does not say: 1 second to 24 hours.
            pub fn default_reservation_ttl(mut self, ttl: Duration) -> Self {
                self.default_reservation_ttl_ms = Some(whole_millis(ttl));
                self
            }

            /// How long reservations may live at most: 1 second to 24 hours.
            pub fn max_reservation_ttl(mut self, ttl: Duration) -> Self {
                self.max_reservation_ttl_ms = Some(whole_millis(ttl));
                self
            }

            /// How often a reservation may be extended: 0 to 2³¹ − 1.
            pub fn max_reservation_extensions(mut self, most: u32) -> Self {
                self.max_reservation_extensions = Some(most);
                self
            }

            fn validate_limits(&self) -> Result<(), ValidationError> {
                for (field, ttl) in [
                    ("default_reservation_ttl_ms", self.default_reservation_ttl_ms),
                    ("max_reservation_ttl_ms", self.max_reservation_ttl_ms),
                ] {
                    ttl.map_or(Ok(()), |ttl| check_range(field, ttl, 1_000..=86_400_000))?;
                }
                if let Some(most) = self.max_reservation_extensions {
                    check_range("max_reservation_extensions", u64::from(most), 0..=i32::MAX as u64)?;
                }
                self.metadata.as_ref().map_or(Ok(()), validate_metadata)
            }
        }
    )* };
}

reservation_limits!(NewTenant, TenantChanges);

impl NewTenant {
    /// Checks the plane's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        validate_tenant_id(&self.tenant_id)?;
        check_chars("name", &self.name, 1..=256)?;
        self.validate_limits()
    }
}

impl TenantChanges {
    /// Checks the plane's limits.
    pub(crate) fn validate(&self) -> Result<(), ValidationError> {
        self.name.as_ref().map_or(Ok(()), |name| check_chars("name", name, 1..=256))?;
        self.validate_limits()
    }
}

/// Checks a tenant's id.
pub(crate) fn validate_tenant_id(id: &str) -> Result<(), ValidationError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (3..=64).contains(&id.len()) && id.bytes().all(fits) {
        return Ok(());
    }
    Err(ValidationError::new("tenant_id", format!("{:?}", shorten(id)), "3 to 64 characters out of a-z 0-9 -"))
}

fn validate_metadata(metadata: &Metadata) -> Result<(), ValidationError> {
    if metadata.len() > MAX_METADATA {
        let found = format!("{} members", metadata.len());
        return Err(ValidationError::new("metadata", found, "at most 32 texts"));
    }
    match metadata.iter().find(|(_, value)| !value.is_string()) {
        None => Ok(()),
        Some((name, value)) => {
            let found = format!("{} for {:?}", shorten(&value.to_string()), shorten(name));
            Err(ValidationError::new("metadata", found, "at most 32 texts"))
        }
    }
}
