//! Budgets.

use runcycles::tokens;
use serde_json::{Value, json};

use super::{BOT, BOT_QUERY, Office, new_budget};
use crate::support::{Caller, hold, tokens as tokens_json, with};

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
