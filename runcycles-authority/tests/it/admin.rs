//! The admin plane.

use bytes::Bytes;
use runcycles::tokens;
use runcycles_authority::{Authority, AuthorityBuilder};
use serde_json::{Value, json};

use crate::support::{Caller, Reply, START_MS, World, hold, tokens as tokens_json, with};

const ADMIN_KEY: &str = "admin-secret";
const BOT: &str = "tenant:acme/agent:bot";
const BOT_QUERY: &str = "scope=tenant:acme/agent:bot&unit=TOKENS";

/// A world with an admin key, and somebody who has it.
struct Office {
    world: World,
    operator: Caller,
}

impl Office {
    fn new(set_up: impl FnOnce(AuthorityBuilder) -> AuthorityBuilder) -> Self {
        let world = World::new(|builder| set_up(builder.admin_key(ADMIN_KEY)));
        let operator = Caller::operator(&world.authority, ADMIN_KEY);
        Self { world, operator }
    }

    /// A caller with a key that was made over the admin plane.
    fn key_with(&self, permissions: &Value) -> (Caller, String) {
        let body = json!({"tenant_id": "acme", "name": "k", "permissions": permissions});
        let key = self.operator.post("/v1/admin/api-keys", &body).ok();
        let secret = key["key_secret"].as_str().expect("a secret");
        (Caller::with_key(&self.world.authority, secret), key["key_id"].as_str().expect("an id").to_owned())
    }

    fn fund(&self, operation: &str, amount: u64, more: Value) -> Reply {
        let body = with(json!({"operation": operation, "amount": tokens_json(amount)}), more);
        self.operator.post(&format!("/v1/admin/budgets/fund?{BOT_QUERY}&tenant_id=acme"), &body)
    }
}

fn new_budget(scope: &str, allocated: u64) -> Value {
    json!({"tenant_id": "acme", "scope": scope, "unit": "TOKENS", "allocated": tokens_json(allocated)})
}

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
fn a_budget_is_made_with_all_of_its_figures() {
    let office = Office::new(|builder| builder);
    let body = with(
        new_budget("tenant:acme/agent:Bot", 100),
        json!({"overdraft_limit": tokens_json(5), "rollover_policy": "NONE", "period_start": "2025-11-01T00:00:00Z"}),
    );

    let made = office.operator.post("/v1/admin/budgets", &body);

    assert_eq!(made.status, 201);
    let mut ledger = made.body;
    assert_eq!(ledger["ledger_id"].take().as_str().map(str::len), Some(36));
    assert_eq!(
        ledger,
        json!({
            "ledger_id": null,
            "tenant_id": "acme",
            "scope": BOT,
            "scope_path": BOT,
            "unit": "TOKENS",
            "allocated": tokens_json(100),
            "remaining": tokens_json(100),
            "reserved": tokens_json(0),
            "spent": tokens_json(0),
            "debt": tokens_json(0),
            "overdraft_limit": tokens_json(5),
            "is_over_limit": false,
            "status": "ACTIVE",
            "rollover_policy": "NONE",
            "period_start": "2025-11-01T00:00:00.000Z",
            "created_at": "2025-11-22T01:30:00.000Z",
        })
    );
    assert_eq!(office.operator.post("/v1/admin/budgets", &body).refusal(), (409, "DUPLICATE_RESOURCE"));
    let credits = json!({"unit": "CREDITS", "amount": 1});
    let other_unit = json!({"tenant_id": "acme", "scope": BOT, "unit": "CREDITS", "allocated": credits});
    assert_eq!(office.operator.post("/v1/admin/budgets", &other_unit).status, 201);
    office.world.acme.reserve(&hold(100)).ok();
    let found = office.operator.get(&format!("/v1/admin/budgets/lookup?{BOT_QUERY}")).ok();
    assert_eq!(found["reserved"], tokens_json(100));
}

#[test]
fn a_budget_that_cannot_be_is_refused() {
    let office = Office::new(|builder| builder.tenant("other"));
    let (reader, _) = office.key_with(&json!(["budgets:read"]));
    let (writer, _) = office.key_with(&json!(["budgets:write"]));
    let create = |caller: &Caller, body: &Value| {
        let reply = caller.post("/v1/admin/budgets", body);
        (reply.status.as_u16(), reply.body["error"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |code: u16, error: &str| (code, error.to_owned());

    for scope in
        ["agent:x", "tenant:acme/agent:x/workspace:y", "tenant:acme/foo:x", "tenant:acme/*", "tenant:other/agent:x", ""]
    {
        assert_eq!(create(&office.operator, &new_budget(scope, 1)), refused(400, "INVALID_REQUEST"), "{scope}");
    }
    let usd = json!({"allocated": {"unit": "USD_MICROCENTS", "amount": 1}});
    assert_eq!(create(&office.operator, &with(new_budget(BOT, 1), usd)), refused(400, "UNIT_MISMATCH"));
    let ownerless = with(new_budget(BOT, 1), json!({"tenant_id": null}));
    assert_eq!(create(&office.operator, &ownerless), refused(400, "INVALID_REQUEST"));
    let unknown = with(new_budget("tenant:nobody", 1), json!({"tenant_id": "nobody"}));
    assert_eq!(create(&office.operator, &unknown), refused(404, "TENANT_NOT_FOUND"));

    assert_eq!(create(&reader, &ownerless), refused(403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(create(&writer, &new_budget(BOT, 1)), refused(400, "INVALID_REQUEST"));
    assert_eq!(
        create(&writer, &with(ownerless.clone(), json!({"scope": "tenant:other"}))),
        refused(400, "INVALID_REQUEST")
    );
    assert_eq!(create(&writer, &ownerless), (201, String::new()));
}

#[test]
fn a_keys_scope_filter_bounds_its_budgets() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(1)).budget("tenant:acme/agent:other", tokens(1)));
    let body = json!({"tenant_id": "acme", "name": "k", "scope_filter": ["agent:bot"]});
    let made = office.operator.post("/v1/admin/api-keys", &body).ok();
    let caller = Caller::with_key(&office.world.authority, made["key_secret"].as_str().expect("a secret"));

    let listed = caller.get("/v1/admin/budgets").ok();
    assert_eq!(listed["ledgers"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["ledgers"][0]["scope"], BOT);
    let elsewhere = "/v1/admin/budgets/lookup?scope=tenant:acme/agent:other&unit=TOKENS";
    assert_eq!(caller.get(elsewhere).refusal(), (403, "FORBIDDEN"));
    let body = with(new_budget("tenant:acme/agent:third", 1), json!({"tenant_id": null}));
    assert_eq!(caller.post("/v1/admin/budgets", &body).refusal(), (403, "FORBIDDEN"));
}

#[test]
fn each_way_of_funding_does_its_own_arithmetic() {
    /// What is left afterwards: allocated, remaining, debt, spent.
    type After = (u64, i64, u64, u64);
    let cases: Vec<(&str, u64, Value, After)> = vec![
        ("CREDIT", 100, json!({}), (200, 160, 0, 30)),
        ("DEBIT", 20, json!({}), (80, 40, 0, 30)),
        ("RESET", 200, json!({}), (200, 160, 0, 30)),
        ("RESET_SPENT", 200, json!({}), (200, 190, 0, 0)),
        ("RESET_SPENT", 200, json!({"spent": tokens_json(5)}), (200, 185, 0, 5)),
        ("REPAY_DEBT", 60, json!({}), (160, 120, 0, 30)),
    ];
    for (operation, amount, more, (allocated, remaining, debt, spent)) in cases {
        let office =
            Office::new(|builder| builder.budget(BOT, runcycles_authority::Budget::new(tokens(100)).spent(tokens(30))));
        office.world.acme.held(&hold(10));

        let answer = office.fund(operation, amount, more).ok();

        assert_eq!(answer["operation"], operation);
        assert_eq!(answer["previous_allocated"], tokens_json(100), "{operation}");
        assert_eq!(answer["previous_remaining"], tokens_json(60), "{operation}");
        assert_eq!(answer["new_allocated"], tokens_json(allocated), "{operation}");
        assert_eq!(answer["new_remaining"]["amount"], remaining, "{operation}");
        assert_eq!(answer["new_debt"], tokens_json(debt), "{operation}");
        assert_eq!(answer["new_spent"], tokens_json(spent), "{operation}");
        assert_eq!(answer["timestamp"], "2025-11-22T01:30:00.000Z");
    }
}

#[test]
fn funding_that_cannot_be_is_refused() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)).tenant("other"));

    assert_eq!(office.fund("DEBIT", 101, json!({})).refusal(), (409, "BUDGET_EXCEEDED"));
    assert_eq!(office.fund("CREDIT", 1, json!({"spent": tokens_json(1)})).refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(office.fund("GIFT", 1, json!({})).refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(office.fund("CREDIT", i64::MAX as u64, json!({})).refusal(), (400, "INVALID_REQUEST"));
    let credits = json!({"amount": {"unit": "CREDITS", "amount": 1}});
    assert_eq!(office.fund("CREDIT", 1, credits).refusal(), (400, "UNIT_MISMATCH"));
    let body = json!({"operation": "CREDIT", "amount": tokens_json(1)});
    for (query, expected) in [
        (BOT_QUERY.to_owned(), (400, "INVALID_REQUEST")),
        (format!("{BOT_QUERY}&tenant_id=other"), (403, "FORBIDDEN")),
        ("scope=tenant:acme&unit=TOKENS&tenant_id=acme".to_owned(), (404, "BUDGET_NOT_FOUND")),
        ("scope=tenant:acme/agent:bot&tenant_id=acme".to_owned(), (400, "INVALID_REQUEST")),
        ("unit=TOKENS&tenant_id=acme".to_owned(), (400, "INVALID_REQUEST")),
    ] {
        let reply = office.operator.post(&format!("/v1/admin/budgets/fund?{query}"), &body);
        assert_eq!(reply.refusal(), expected, "{query}");
    }
    assert_eq!(office.world.figures(BOT), (0, 0, 0, 100, false));
}

#[test]
fn a_repeated_funding_counts_once_for_its_own_budget() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)).budget("tenant:acme", tokens(100)));
    let key = json!({"idempotency_key": "2025-11-22"});

    let first = office.fund("RESET_SPENT", 100, key.clone()).ok();
    office.world.acme.post("/v1/events", &crate::support::spend(7)).ok();
    assert_eq!(office.fund("RESET_SPENT", 100, key.clone()).ok(), first);
    assert_eq!(office.world.figures(BOT).0, 7);
    assert_eq!(office.fund("RESET_SPENT", 101, key.clone()).refusal(), (409, "IDEMPOTENCY_MISMATCH"));

    let body = with(json!({"operation": "RESET_SPENT", "amount": tokens_json(100)}), key.clone());
    let elsewhere = "/v1/admin/budgets/fund?scope=tenant:acme&unit=TOKENS&tenant_id=acme";
    office.operator.post(elsewhere, &body).ok();
    assert_eq!(office.world.figures("tenant:acme").0, 0);

    office.world.advance(86_400_001);
    office.fund("RESET_SPENT", 100, key).ok();
    assert_eq!(office.world.figures(BOT).0, 0);
}

#[test]
fn a_frozen_budget_takes_neither_reservations_nor_funds() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)));
    let freeze = || office.operator.post(&format!("/v1/admin/budgets/freeze?{BOT_QUERY}"), &json!({"reason": "audit"}));
    let unfreeze = || {
        let request = office.operator.request("POST", &format!("/v1/admin/budgets/unfreeze?{BOT_QUERY}"));
        office.operator.send(request.body(Bytes::new()).expect("a valid request"))
    };

    assert_eq!(freeze().ok()["status"], "FROZEN");
    assert_eq!(freeze().refusal().0, 409);
    assert_eq!(office.world.acme.reserve(&hold(1)).refusal(), (409, "BUDGET_FROZEN"));
    assert_eq!(office.fund("CREDIT", 1, json!({})).refusal(), (409, "BUDGET_FROZEN"));
    let limit = json!({"overdraft_limit": tokens_json(9)});
    assert_eq!(office.operator.patch(&format!("/v1/admin/budgets?{BOT_QUERY}"), &limit).status, 200);
    assert_eq!(unfreeze().ok()["status"], "ACTIVE");
    assert_eq!(unfreeze().refusal(), (409, "INVALID_REQUEST"));
    office.world.acme.reserve(&hold(1)).ok();
}

#[test]
fn lowering_the_limit_below_the_debt_puts_a_budget_over_it() {
    let office = Office::new(|builder| {
        let indebted = runcycles_authority::Budget::new(tokens(100)).spent(tokens(50)).debt(tokens(10));
        builder.budget(BOT, indebted.overdraft_limit(tokens(20)))
    });
    let patch = |limit| {
        let body = json!({"overdraft_limit": tokens_json(limit), "commit_overage_policy": "REJECT"});
        office.operator.patch(&format!("/v1/admin/budgets?{BOT_QUERY}"), &body).ok()
    };

    assert_eq!(patch(0)["is_over_limit"], true);
    assert_eq!(office.world.acme.reserve(&hold(1)).refusal(), (409, "OVERDRAFT_LIMIT_EXCEEDED"));
    assert_eq!(patch(10)["is_over_limit"], false);
    office.world.acme.reserve(&hold(1)).ok();
}

#[test]
fn a_budget_made_after_a_reservation_is_not_charged_for_it() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)));
    let id = office.world.acme.held(&hold(10));

    office.operator.post("/v1/admin/budgets", &new_budget("tenant:acme", 5)).ok();
    office.world.acme.commit(&id, 10).ok();

    assert_eq!(office.world.figures("tenant:acme"), (0, 0, 0, 5, false));
    assert_eq!(office.world.figures(BOT), (10, 0, 0, 90, false));
}

#[test]
fn lists_of_budgets_filter_sort_and_page() {
    let office = Office::new(|builder| {
        let spent = |allocated, spent| runcycles_authority::Budget::new(tokens(allocated)).spent(tokens(spent));
        builder
            .budget("tenant:acme/agent:a", spent(100, 90))
            .budget("tenant:acme/agent:b", spent(100, 10))
            .budget("tenant:acme/app:c", spent(0, 0))
            .budget("tenant:other/agent:a", spent(10, 5).debt(tokens(1)).overdraft_limit(tokens(9)))
    });
    let scopes = |query: &str| {
        let mut scopes = Vec::new();
        let mut cursor = String::new();
        loop {
            let body = office.operator.get(&format!("/v1/admin/budgets?{query}{cursor}")).ok();
            let rows = body["ledgers"].as_array().expect("a list").clone();
            scopes.extend(rows.iter().map(|row| row["scope"].as_str().expect("a scope").replace("tenant:", "")));
            let Some(next) = body["next_cursor"].as_str() else { return scopes.join(" ") };
            cursor = format!("&cursor={next}");
        }
    };

    assert_eq!(scopes("tenant_id=acme"), "acme/agent:a acme/agent:b acme/app:c");
    assert_eq!(scopes("limit=1"), "acme/agent:a other/agent:a acme/agent:b acme/app:c");
    assert_eq!(scopes("sort_by=scope&sort_dir=asc&limit=2"), "acme/agent:a acme/agent:b acme/app:c other/agent:a");
    assert_eq!(scopes("utilization_min=0.1&utilization_max=0.5"), "other/agent:a acme/agent:b");
    assert_eq!(scopes("has_debt=true"), "other/agent:a");
    assert_eq!(scopes("search=AGENT:B"), "acme/agent:b");
    assert_eq!(scopes("scope_prefix=tenant:acme/app"), "acme/app:c");
    assert_eq!(scopes("status=FROZEN&unit=TOKENS&over_limit=false"), "");
    for query in
        ["utilization_min=0.5&utilization_max=0.4", "utilization_min=2", "status=COLD", "sort_by=luck", "limit=x"]
    {
        let reply = office.operator.get(&format!("/v1/admin/budgets?{query}"));
        assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"), "{query}");
    }
    let own = office.world.acme.get("/v1/admin/budgets?tenant_id=other").ok();
    assert_eq!(own["ledgers"].as_array().map(Vec::len), Some(3));
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

#[test]
fn policies_are_kept_and_shown_and_decide_nothing_unless_asked() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)));
    let body = json!({
        "tenant_id": "acme", "name": "soft landing", "scope_pattern": "tenant:acme/agent:*", "priority": 5,
        "caps": {"max_tokens": 64, "tool_denylist": ["shell"]}, "rate_limits": {"max_commits_per_minute": 9},
        "reservation_ttl_override": {"default_ttl_ms": 5_000}, "effective_until": "2025-12-01T00:00:00Z",
    });

    let made = office.operator.post("/v1/admin/policies", &body);
    assert_eq!(made.status, 201);
    let id = made.body["policy_id"].as_str().expect("an id");
    assert!(id.starts_with("pol_") && id.len() == 20, "{id}");
    for (member, value) in [
        ("name", json!("soft landing")),
        ("scope_pattern", json!("tenant:acme/agent:*")),
        ("priority", json!(5)),
        ("caps", json!({"max_tokens": 64, "tool_denylist": ["shell"]})),
        ("rate_limits", json!({"max_commits_per_minute": 9})),
        ("reservation_ttl_override", json!({"default_ttl_ms": 5_000})),
        ("effective_until", json!("2025-12-01T00:00:00.000Z")),
        ("status", json!("ACTIVE")),
    ] {
        assert_eq!(made.body[member], value, "{member}");
    }
    assert_eq!(office.operator.post("/v1/admin/policies", &body).refusal(), (409, "DUPLICATE_RESOURCE"));
    let reserved = office.world.acme.reserve(&hold(1)).ok();
    assert_eq!((&reserved["decision"], &reserved["remaining_ttl_ms"]), (&json!("ALLOW"), &json!(60_000)));

    let own = office.world.acme.get("/v1/admin/policies?scope_pattern=tenant:acme/agent:*").ok();
    assert_eq!(own["policies"][0]["policy_id"], id);
    assert_eq!(office.operator.get("/v1/admin/policies").refusal(), (400, "INVALID_REQUEST"));
    let path = format!("/v1/admin/policies/{id}");
    assert_eq!(office.world.acme.patch(&path, &json!({"status": "DISABLED"})).ok()["status"], "DISABLED");
    let other = Caller::of(&office.world.authority, "other");
    assert_eq!(other.patch(&path, &json!({"priority": 1})).refusal(), (403, "FORBIDDEN"));
    assert_eq!(office.operator.patch("/v1/admin/policies/none", &json!({})).refusal(), (404, "NOT_FOUND"));
    for change in [
        json!({"scope_pattern": "team:*"}),
        json!({"scope_pattern": "tenant:other/*"}),
        json!({"priority": -1}),
        json!({"caps": {"max_tokens": -1}}),
        json!({"policy_keys": {}}),
        json!({"tenant_id": null}),
    ] {
        let reply =
            office.operator.post("/v1/admin/policies", &with(with(body.clone(), json!({"name": "x"})), change.clone()));
        assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"), "{change}");
    }
}

#[test]
fn the_policy_that_applies_is_the_highest_then_the_innermost() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)).evaluate_policies());
    let policy = |name: &str, pattern: &str, priority: u64, more: Value| {
        let body = json!({"tenant_id": "acme", "name": name, "scope_pattern": pattern, "priority": priority});
        office.operator.post("/v1/admin/policies", &with(body, more)).ok()["policy_id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let cap = |max_tokens: u64| json!({"caps": {"max_tokens": max_tokens}});
    let capped_at = || office.world.acme.reserve(&hold(0)).ok()["caps"]["max_tokens"].as_u64();

    assert_eq!(capped_at(), None);
    policy("all", "tenant:acme", 0, cap(1));
    assert_eq!(capped_at(), Some(1));
    policy("agents", "agent:*", 0, cap(2));
    assert_eq!(capped_at(), Some(2));
    let top = policy("top", "tenant:acme/*", 9, with(cap(3), json!({"effective_until": "2025-11-22T01:31:00Z"})));
    assert_eq!(capped_at(), Some(3));
    assert_eq!(office.world.acme.post("/v1/decide", &hold(1)).ok()["caps"]["max_tokens"], 3);
    policy("elsewhere", "tenant:acme/app:*", 99, cap(4));
    assert_eq!(capped_at(), Some(3));
    office.operator.patch(&format!("/v1/admin/policies/{top}"), &json!({"status": "DISABLED"})).ok();
    assert_eq!(capped_at(), Some(2));
    office.operator.patch(&format!("/v1/admin/policies/{top}"), &json!({"status": "ACTIVE"})).ok();
    office.world.advance(60_000);
    assert_eq!(capped_at(), Some(2));
}

#[test]
fn a_policy_sets_what_a_request_leaves_open() {
    let office = Office::new(|builder| builder.budget(BOT, tokens(100)).evaluate_policies());
    let patch = json!({"commit_overage_policy": "REJECT"});
    office.operator.patch(&format!("/v1/admin/budgets?{BOT_QUERY}"), &patch).ok();
    let id = office.world.acme.held(&hold(1));
    assert_eq!(office.world.acme.commit(&id, 2).refusal(), (409, "BUDGET_EXCEEDED"));

    let body = json!({
        "tenant_id": "acme", "name": "p", "scope_pattern": BOT, "commit_overage_policy": "ALLOW_IF_AVAILABLE",
        "reservation_ttl_override": {"default_ttl_ms": 5_000, "max_ttl_ms": 9_000, "max_extensions": 0},
    });
    office.operator.post("/v1/admin/policies", &body).ok();

    let reserved = office.world.acme.reserve(&hold(1)).ok();
    assert_eq!(reserved["expires_at_ms"], START_MS + 5_000);
    let id = reserved["reservation_id"].as_str().expect("an id");
    assert_eq!(office.world.acme.extend(id, 1).refusal(), (409, "MAX_EXTENSIONS_EXCEEDED"));
    office.world.acme.commit(id, 2).ok();
    let longer = office.world.acme.reserve(&with(hold(1), json!({"ttl_ms": 60_000}))).ok();
    assert_eq!(longer["expires_at_ms"], START_MS + 9_000);
    let strict = office.world.acme.held(&with(hold(1), json!({"overage_policy": "REJECT"})));
    assert_eq!(office.world.acme.commit(&strict, 2).refusal(), (409, "BUDGET_EXCEEDED"));
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
