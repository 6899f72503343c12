//! What a key may do.

use crate::http::exchange::Reply;
use crate::http::gate::Principal;
use crate::http::json;
use crate::pattern::ScopePattern;
use crate::state::Permission;
use crate::state::Permission::{
    AdminBudgetsRead, AdminBudgetsWrite, AdminEventsRead, AdminPoliciesRead, AdminPoliciesWrite, AdminRead,
    AdminWebhooksRead, AdminWebhooksWrite, AdminWrite, BudgetsRead, BudgetsWrite, EventsRead, PoliciesRead,
    PoliciesWrite, ReservationsCommit, ReservationsCreate, ReservationsExtend, ReservationsList, ReservationsRelease,
    WebhooksRead, WebhooksWrite,
};

/// What a tenant's key can see and manage, and the permissions any of which it takes; none for what it never can.
const CAPABILITIES: [(&str, &[Permission]); 15] = [
    ("view_overview", &[]),
    ("view_budgets", &[BudgetsRead, AdminRead, AdminBudgetsRead]),
    ("view_events", &[EventsRead, AdminRead, AdminEventsRead]),
    ("view_webhooks", &[WebhooksRead, AdminRead, AdminWebhooksRead]),
    ("view_audit", &[]),
    ("view_tenants", &[]),
    ("view_api_keys", &[]),
    ("view_policies", &[PoliciesRead, AdminRead, AdminPoliciesRead]),
    (
        "view_reservations",
        &[ReservationsList, ReservationsCreate, ReservationsCommit, ReservationsRelease, ReservationsExtend, AdminRead],
    ),
    ("manage_budgets", &[BudgetsWrite, AdminWrite, AdminBudgetsWrite]),
    ("manage_policies", &[PoliciesWrite, AdminWrite, AdminPoliciesWrite]),
    ("manage_webhooks", &[WebhooksWrite, AdminWrite, AdminWebhooksWrite]),
    ("manage_tenants", &[]),
    ("manage_api_keys", &[]),
    (
        "manage_reservations",
        &[ReservationsCreate, ReservationsCommit, ReservationsRelease, ReservationsExtend, AdminWrite],
    ),
];

/// Describes whoever asks.
pub(super) fn answer(principal: &Principal) -> Reply {
    Reply::ok(json::object(|answer| {
        answer.flag("authenticated", true);
        match principal {
            Principal::Operator => {
                answer.plain("auth_type", "admin");
                answer.plains("permissions", std::iter::once("*"));
                answer.object("capabilities", |object| {
                    for (name, _) in CAPABILITIES {
                        object.flag(name, true);
                    }
                });
            }
            Principal::Tenant(caller) => {
                answer.plain("auth_type", "tenant");
                answer.plains("permissions", caller.permissions.iter().map(Permission::as_str));
                answer.object("capabilities", |object| {
                    for (name, any_of) in CAPABILITIES {
                        object.flag(name, caller.permissions.has_any(any_of));
                    }
                });
                answer.text("tenant_id", &caller.tenant_name);
                if !caller.scope_filter.is_empty() {
                    answer.plains("scope_filter", caller.scope_filter.iter().map(ScopePattern::as_str));
                }
            }
        }
    }))
}
