//! Tenants.

use runcycles::tokens;
use serde_json::json;

use super::{BOT, BOT_QUERY, Office, new_budget};
use crate::support::{hold, with};

#[test]
fn a_tenant_is_made_once_and_found_again() {
    let office = Office::new(|builder| builder);
    let body =
        json!({"tenant_id": "globex", "name": "Globex", "max_reservation_extensions": 3, "metadata": {"tier": "gold"}});

    let first = office.operator.post("/v1/admin/tenants", &body);
    assert_eq!(first.status, 201);
    assert_eq!(
        first.body,
        json!({
            "tenant_id": "globex",
            "name": "Globex",
            "status": "ACTIVE",
            "default_commit_overage_policy": "ALLOW_IF_AVAILABLE",
            "default_reservation_ttl_ms": 60_000,
            "max_reservation_ttl_ms": 3_600_000,
            "max_reservation_extensions": 3,
            "metadata": {"tier": "gold"},
            "created_at": "2025-11-22T01:30:00.000Z",
        })
    );
    let again = office.operator.post("/v1/admin/tenants", &body);
    assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
    assert_eq!(office.operator.get("/v1/admin/tenants/globex").ok(), first.body);
    let renamed = office.operator.post("/v1/admin/tenants", &with(body, json!({"name": "Other"})));
    assert_eq!(renamed.refusal(), (409, "DUPLICATE_RESOURCE"));
    assert_eq!(office.operator.get("/v1/admin/tenants/nobody").refusal(), (404, "TENANT_NOT_FOUND"));
}

#[test]
fn a_tenants_id_is_short_plain_and_lower_case() {
    let office = Office::new(|builder| builder);
    for id in ["ab", "Acme", "a_b", "", &"x".repeat(65)] {
        let reply = office.operator.post("/v1/admin/tenants", &json!({"tenant_id": id, "name": "n"}));
        assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"), "{id}");
    }
    for body in [
        json!({"tenant_id": "abc"}),
        json!({"tenant_id": "abc", "name": "n", "default_reservation_ttl_ms": 999}),
        json!({"tenant_id": "abc", "name": "n", "default_commit_overage_policy": "MAYBE"}),
        json!({"tenant_id": "abc", "name": "n", "metadata": {"a": 1}}),
        json!({"tenant_id": "abc", "name": "n", "colour": "red"}),
    ] {
        assert_eq!(office.operator.post("/v1/admin/tenants", &body).refusal(), (400, "INVALID_REQUEST"), "{body}");
    }
}

#[test]
fn a_suspended_tenant_is_locked_out_until_it_is_active_again() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(10)));
    let set = |status: &str| office.operator.patch("/v1/admin/tenants/acme", &json!({"status": status})).ok();

    assert!(set("SUSPENDED").get("suspended_at").is_some());
    let reply = office.world.acme.get("/v1/balances?agent=bot");
    assert_eq!(reply.refusal(), (401, "UNAUTHORIZED"));
    assert_eq!(reply.body["message"], "TENANT_SUSPENDED");

    set("ACTIVE");
    office.world.acme.get("/v1/balances?agent=bot").ok();
}

#[test]
fn closing_a_tenant_ends_everything_it_owns_and_keeps_it_readable() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(10)));
    let id = office.world.acme.held(&hold(4));
    let close = || office.operator.patch("/v1/admin/tenants/acme", &json!({"status": "CLOSED"})).ok();

    assert_eq!(close()["status"], "CLOSED");

    assert_eq!(office.world.acme.commit(&id, 4).refusal(), (401, "UNAUTHORIZED"));
    assert_eq!(office.world.figures(BOT), (0, 0, 0, 10, false));
    office.world.advance(120_000);
    assert_eq!(office.world.figures(BOT), (0, 0, 0, 10, false));
    assert_eq!(office.operator.get(&format!("/v1/reservations/{id}")).ok()["status"], "RELEASED");
    let listed = office.operator.get("/v1/reservations?tenant=acme").ok();
    assert_eq!(listed["reservations"].as_array().map(Vec::len), Some(1));
    assert_eq!(office.operator.release(&id).refusal(), (409, "TENANT_CLOSED"));
    assert_eq!(office.fund("CREDIT", 1, json!({})).refusal(), (409, "TENANT_CLOSED"));
    let budget = new_budget("tenant:acme/agent:new", 1);
    assert_eq!(office.operator.post("/v1/admin/budgets", &budget).refusal(), (409, "TENANT_CLOSED"));
    let key = json!({"tenant_id": "acme", "name": "k"});
    assert_eq!(office.operator.post("/v1/admin/api-keys", &key).refusal(), (409, "TENANT_CLOSED"));
    let reopened = office.operator.patch("/v1/admin/tenants/acme", &json!({"status": "ACTIVE"}));
    assert_eq!(reopened.refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(office.operator.get(&format!("/v1/admin/budgets/lookup?{BOT_QUERY}")).ok()["status"], "CLOSED");
    close();
}
