//! What an API key may do.

use std::fmt;

/// Declares the permissions of the protocol, in its order.
macro_rules! permissions {
    ($( $variant:ident = $wire:literal, )*) => {
        /// One permission of an API key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Permission {
            $( $variant, )*
        }

        impl Permission {
            pub(crate) const ALL: &[Self] = &[$( Self::$variant, )*];

            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $wire, )*
                }
            }
        }
    };
}

permissions! {
    ReservationsCreate = "reservations:create",
    ReservationsCommit = "reservations:commit",
    ReservationsRelease = "reservations:release",
    ReservationsExtend = "reservations:extend",
    ReservationsList = "reservations:list",
    BalancesRead = "balances:read",
    BudgetsRead = "budgets:read",
    BudgetsWrite = "budgets:write",
    PoliciesRead = "policies:read",
    PoliciesWrite = "policies:write",
    WebhooksRead = "webhooks:read",
    WebhooksWrite = "webhooks:write",
    EventsRead = "events:read",
    AdminRead = "admin:read",
    AdminWrite = "admin:write",
    AdminTenantsRead = "admin:tenants:read",
    AdminTenantsWrite = "admin:tenants:write",
    AdminBudgetsRead = "admin:budgets:read",
    AdminBudgetsWrite = "admin:budgets:write",
    AdminPoliciesRead = "admin:policies:read",
    AdminPoliciesWrite = "admin:policies:write",
    AdminApiKeysRead = "admin:apikeys:read",
    AdminApiKeysWrite = "admin:apikeys:write",
    AdminWebhooksRead = "admin:webhooks:read",
    AdminWebhooksWrite = "admin:webhooks:write",
    AdminEventsRead = "admin:events:read",
    AdminAuditRead = "admin:audit:read",
    ActionQuotasRead = "action_quotas:read",
}

impl Permission {
    pub(crate) fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.as_str() == text)
    }

    fn bit(self) -> u32 {
        1 << self as u8
    }

    /// The permission that includes every one of the same kind: to read, to write.
    fn wildcard(self) -> Option<Self> {
        let name = self.as_str();
        if name.ends_with(":read") {
            Some(Self::AdminRead)
        } else if name.ends_with(":write") {
            Some(Self::AdminWrite)
        } else {
            None
        }
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Permissions(u32);

impl Permissions {
    /// What a key may do where nobody says otherwise: everything of the runtime, and its own budgets and policies.
    pub(crate) const DEFAULT: Self = Self((1 << 10) - 1);

    pub(crate) fn has(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether the set has a permission or one that includes it.
    pub(crate) fn allows(self, permission: Permission) -> bool {
        self.has(permission) || permission.wildcard().is_some_and(|wildcard| self.has(wildcard))
    }

    pub(crate) fn has_any(self, permissions: &[Permission]) -> bool {
        permissions.iter().any(|permission| self.has(*permission))
    }

    /// The permissions of the set, in the protocol's order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | permission.bit()))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Permission::as_str)).finish()
    }
}
