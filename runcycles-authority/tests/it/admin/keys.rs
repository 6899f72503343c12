//! Keys, and what they open.

use runcycles::tokens;
use runcycles_authority::Authority;
use serde_json::json;

use super::{BOT, Office};
use crate::support::{Caller, World, hold};

#[test]
fn operators_need_the_admin_key() {
    let office = Office::new(|builder| builder);
    let stranger = Caller::with_key(&office.world.authority, "");
    let impostor = Caller::operator(&office.world.authority, "wrong");

    for path in ["/v1/admin/tenants", "/v1/admin/api-keys", "/v1/admin/tenants/acme"] {
        let reply = stranger.get(path);
        assert_eq!(reply.refusal(), (401, "UNAUTHORIZED"), "{path}");
        assert_eq!(reply.body["message"], "Missing X-Admin-API-Key header");
        assert_eq!(impostor.get(path).body["message"], "Invalid admin API key");
        assert_eq!(office.world.acme.get(path).refusal(), (401, "UNAUTHORIZED"), "{path}");
        office.operator.get(path).ok();
    }
    assert_eq!(stranger.get("/v1/admin/nowhere").refusal(), (401, "UNAUTHORIZED"));
    assert_eq!(office.operator.get("/v1/admin/nowhere").refusal(), (404, "NOT_FOUND"));
    let reply = office.operator.get("/v1/admin/budgets/fund");
    assert_eq!(reply.refusal(), (405, "INVALID_REQUEST"));
    assert_eq!(reply.header("allow"), Some("POST"));
}

#[test]
fn an_authority_without_an_admin_key_says_so() {
    let world = World::new(|builder| builder);

    let reply = Caller::operator(&world.authority, "any").get("/v1/admin/tenants");

    assert_eq!(reply.refusal(), (500, "INTERNAL_ERROR"));
    assert_eq!(reply.body["message"], "Server misconfiguration: admin API key not set");
}

#[test]
fn the_admin_key_reads_and_releases_reservations_and_nothing_else() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(10)));
    let id = office.world.acme.held(&hold(4));

    assert_eq!(office.operator.get("/v1/reservations").refusal(), (400, "INVALID_REQUEST"));
    let rows = office.operator.get("/v1/reservations?tenant=acme").ok();
    assert_eq!(rows["reservations"][0]["reservation_id"], id);
    assert_eq!(office.operator.get("/v1/reservations?tenant=nobody").ok()["reservations"], json!([]));
    assert_eq!(office.operator.commit(&id, 1).refusal(), (401, "UNAUTHORIZED"));
    assert_eq!(office.operator.get("/v1/balances?tenant=acme").refusal(), (401, "UNAUTHORIZED"));
    let reply = office.operator.release(&id);
    assert_eq!(reply.header("x-cycles-tenant"), None);
    assert_eq!(reply.ok()["status"], "RELEASED");
    let impostor = Caller::operator(&office.world.authority, "wrong");
    assert_eq!(impostor.get(&format!("/v1/reservations/{id}")).refusal(), (401, "UNAUTHORIZED"));
}

#[test]
fn a_key_works_from_its_creation_to_its_revocation() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(10)));
    let body = json!({"tenant_id": "acme", "name": "agents", "expires_at": "2025-11-22T02:30:00Z"});
    let made = office.operator.post("/v1/admin/api-keys", &body);
    assert_eq!(made.status, 201);
    let secret = made.body["key_secret"].as_str().expect("a secret");
    let id = made.body["key_id"].as_str().expect("an id");
    assert!(secret.starts_with("cyc_live_") && secret.len() == 41, "{secret}");
    assert!(id.starts_with("key_") && id.len() == 20, "{id}");
    assert_eq!(made.body["key_prefix"], secret[..14]);
    assert_eq!(made.body["permissions"].as_array().map(Vec::len), Some(10));

    let caller = Caller::with_key(&office.world.authority, secret);
    caller.reserve(&hold(1)).ok();
    let validate = || office.operator.post("/v1/auth/validate", &json!({"key_secret": secret})).ok();
    assert_eq!((&validate()["valid"], &validate()["key_id"]), (&json!(true), &json!(id)));

    let path = format!("/v1/admin/api-keys/{id}");
    office.operator.patch(&path, &json!({"name": "renamed"})).ok();
    let revoked = office.operator.delete(&format!("{path}?reason=rotated")).ok();
    assert_eq!((&revoked["status"], &revoked["revoked_reason"]), (&json!("REVOKED"), &json!("rotated")));
    assert_eq!(revoked["name"], "renamed");
    assert!(!revoked.to_string().contains(&secret[14..]), "{revoked}");
    assert_eq!(office.operator.delete(&path).refusal(), (409, "KEY_REVOKED"));
    assert_eq!(office.operator.patch(&path, &json!({"name": "x"})).refusal(), (409, "KEY_REVOKED"));
    let reply = caller.reserve(&hold(1));
    assert_eq!((reply.refusal(), &reply.body["message"]), ((401, "UNAUTHORIZED"), &json!("KEY_REVOKED")));
    assert_eq!(validate()["valid"], json!(false));
    assert_eq!(validate()["reason"], json!("KEY_REVOKED"));
    assert_eq!(office.operator.delete("/v1/admin/api-keys/none").refusal(), (404, "NOT_FOUND"));
}

#[test]
fn a_key_ends_at_its_time() {
    let office = Office::new(|builder| builder);
    let body = json!({"tenant_id": "acme", "name": "k", "expires_at": "2025-11-22T01:31:00Z"});
    let made = office.operator.post("/v1/admin/api-keys", &body).ok();
    let caller = Caller::with_key(&office.world.authority, made["key_secret"].as_str().expect("a secret"));

    office.world.advance(59_999);
    caller.get("/v1/reservations").ok();
    office.world.advance(1);

    assert_eq!(caller.get("/v1/reservations").body["message"], "KEY_EXPIRED");
    let listed = office.operator.get("/v1/admin/api-keys?status=EXPIRED").ok();
    assert_eq!(listed["keys"][0]["key_id"], made["key_id"]);
}

#[test]
fn a_key_for_nobody_or_for_what_does_not_exist_is_refused() {
    let office = Office::new(|builder| builder);
    for (body, expected) in [
        (json!({"tenant_id": "nobody", "name": "k"}), (404, "TENANT_NOT_FOUND")),
        (json!({"tenant_id": "acme"}), (400, "INVALID_REQUEST")),
        (json!({"tenant_id": "acme", "name": "k", "permissions": ["reservations:steal"]}), (400, "INVALID_REQUEST")),
        (json!({"tenant_id": "acme", "name": "k", "scope_filter": ["team:x"]}), (400, "INVALID_REQUEST")),
        (json!({"tenant_id": "acme", "name": "k", "expires_at": "soon"}), (400, "INVALID_REQUEST")),
    ] {
        assert_eq!(office.operator.post("/v1/admin/api-keys", &body).refusal(), expected, "{body}");
    }
}

#[test]
fn introspection_says_who_asks_and_what_they_may_do() {
    let office = Office::new(|builder| builder);

    let admin = office.operator.get("/v1/auth/introspect").ok();
    assert_eq!((&admin["auth_type"], &admin["permissions"]), (&json!("admin"), &json!(["*"])));
    assert!(admin["capabilities"].as_object().expect("capabilities").values().all(|flag| *flag == json!(true)));
    assert_eq!(admin.get("tenant_id"), None);

    let (caller, _) = office.key_with(&json!(["budgets:read", "admin:write", "admin:tenants:read"]));
    let tenant = caller.get("/v1/auth/introspect").ok();
    assert_eq!((&tenant["auth_type"], &tenant["tenant_id"]), (&json!("tenant"), &json!("acme")));
    assert_eq!(tenant["permissions"], json!(["budgets:read", "admin:write", "admin:tenants:read"]));
    let capabilities = &tenant["capabilities"];
    for (name, expected) in [
        ("view_budgets", true),
        ("manage_budgets", true),
        ("view_policies", false),
        ("manage_reservations", true),
        ("view_reservations", false),
        ("view_tenants", false),
        ("manage_tenants", false),
    ] {
        assert_eq!(capabilities[name], expected, "{name}");
    }
    assert_eq!(Caller::with_key(&office.world.authority, "x").get("/v1/auth/introspect").refusal().0, 401);
}

#[test]
fn permissions_bind_the_runtime_plane_only_where_asked() {
    for enforced in [false, true] {
        let office = Office::new(|builder| {
            let builder = builder.budget(BOT, tokens(100)).budget("tenant:acme/agent:other", tokens(100));
            if enforced { builder.enforce_permissions() } else { builder }
        });
        let (reader, _) = office.key_with(&json!(["balances:read"]));
        let body = json!({"tenant_id": "acme", "name": "k", "scope_filter": ["tenant:acme/agent:other"]});
        let made = office.operator.post("/v1/admin/api-keys", &body).ok();
        let elsewhere = Caller::with_key(&office.world.authority, made["key_secret"].as_str().expect("a secret"));

        reader.get("/v1/balances?agent=bot").ok();
        let statuses = (reader.reserve(&hold(1)).status.as_u16(), elsewhere.reserve(&hold(1)).status.as_u16());
        assert_eq!(statuses, if enforced { (403, 403) } else { (200, 200) });
    }
}

#[test]
fn health_is_anybodys_to_ask() {
    let world = World::new(|builder| builder);
    let stranger = Caller::with_key(&world.authority, "");

    for path in ["/actuator/health", "/actuator/health/readiness", "/actuator/health/liveness"] {
        assert_eq!(stranger.get(path).ok(), json!({"status": "UP"}));
    }
    assert_eq!(stranger.get("/actuator/env").refusal().0, 401);
}

#[test]
fn an_admin_key_is_one_a_header_can_carry() {
    let error = crate::support::at_once(Authority::builder().admin_key(" ").start()).expect_err("a refusal");

    assert_eq!(error.to_string(), "the admin key is blank or has characters that a header cannot carry");
}

#[test]
fn lists_of_tenants_and_keys_search_and_page() {
    let office = Office::new(|builder| builder);
    for (id, name) in [("globex", "Globex"), ("initech", "Initech"), ("hooli", "Hooli XYZ")] {
        office.operator.post("/v1/admin/tenants", &json!({"tenant_id": id, "name": name})).ok();
        office.operator.post("/v1/admin/api-keys", &json!({"tenant_id": id, "name": format!("{name} key")})).ok();
        office.world.advance(1);
    }
    let names = |path: &str, list: &str, member: &str| {
        let body = office.operator.get(path).ok();
        let rows = body[list].as_array().expect("a list").clone();
        rows.iter().map(|row| row[member].as_str().expect("a text").to_owned()).collect::<Vec<_>>().join(" ")
    };

    assert_eq!(
        names("/v1/admin/tenants?sort_by=tenant_id&sort_dir=asc", "tenants", "tenant_id"),
        "acme globex hooli initech"
    );
    assert_eq!(names("/v1/admin/tenants?limit=2", "tenants", "tenant_id"), "hooli initech");
    assert_eq!(names("/v1/admin/tenants?search=xyz", "tenants", "tenant_id"), "hooli");
    assert_eq!(names("/v1/admin/tenants?status=CLOSED", "tenants", "tenant_id"), "");
    assert_eq!(names("/v1/admin/api-keys?tenant_id=globex", "keys", "name"), "Globex key");
    assert_eq!(names("/v1/admin/api-keys?search=init", "keys", "tenant_id"), "initech");
    assert!(!office.operator.get("/v1/admin/api-keys").body.to_string().contains("key_secret"));
}
