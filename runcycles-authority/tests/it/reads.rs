//! Reading reservations and balances.

use runcycles::{credits, tokens};
use runcycles_authority::Budget;
use serde_json::{Value, json};

use crate::support::{START_MS, World, commit, hold, with};

const BOT: &str = "tenant:acme/agent:bot";

fn on_bot() -> World {
    World::new(|builder| builder.budget("tenant:acme", tokens(1_000)).budget(BOT, tokens(1_000)))
}

fn by_agent(agent: &str, estimate: u64) -> Value {
    with(hold(estimate), json!({"subject": {"tenant": "acme", "agent": agent}}))
}

fn ids(body: &Value) -> Vec<String> {
    let rows = body["reservations"].as_array().expect("a list");
    rows.iter().map(|row| row["reservation_id"].as_str().expect("an id").to_owned()).collect()
}

/// Every page of a list, row by row.
fn walk(world: &World, path: &str, list: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let body = world.acme.get(&format!("{path}{cursor}")).ok();
        rows.extend(body[list].as_array().expect("a list").iter().cloned());
        match (body["has_more"].as_bool(), body.get("next_cursor")) {
            (Some(true), Some(next)) => cursor = format!("&cursor={}", next.as_str().expect("a cursor")),
            (Some(false), None) => return rows,
            other => panic!("expected has_more and next_cursor to agree, found {other:?}"),
        }
    }
}

#[test]
fn a_reservation_can_be_read_as_it_was_sent() {
    let world = on_bot();
    let body = with(
        hold(40),
        json!({
            "subject": {"tenant": "acme", "agent": "Bot", "dimensions": {"run": "r"}},
            "action": {"kind": "llm.completion", "name": "gpt-4o", "tags": ["a", "b"]},
            "metadata": {"trace": {"n": 1.5}},
        }),
    );
    let id = world.acme.held(&body);

    let row = world.acme.get(&format!("/v1/reservations/{id}")).ok();

    assert_eq!(
        row,
        json!({
            "reservation_id": id,
            "status": "ACTIVE",
            "idempotency_key": body["idempotency_key"],
            "subject": body["subject"],
            "action": body["action"],
            "reserved": body["estimate"],
            "created_at_ms": START_MS,
            "expires_at_ms": START_MS + 60_000,
            "scope_path": BOT,
            "affected_scopes": ["tenant:acme", BOT],
            "metadata": body["metadata"],
        })
    );
}

#[test]
fn a_finished_reservation_shows_how_it_ended() {
    let world = on_bot();
    let (committed, released) = (world.acme.held(&hold(40)), world.acme.held(&hold(40)));
    world.advance(5);
    let body = with(commit(30), json!({"metadata": {"source": "usage"}}));
    world.acme.post(&format!("/v1/reservations/{committed}/commit"), &body).ok();
    world.acme.release(&released).ok();

    let row = world.acme.get(&format!("/v1/reservations/{committed}")).ok();
    assert_eq!(row["status"], "COMMITTED");
    assert_eq!(row["committed"], json!({"unit": "TOKENS", "amount": 30}));
    assert_eq!(row["committed_metadata"], json!({"source": "usage"}));
    assert_eq!(row["finalized_at_ms"], START_MS + 5);

    let row = world.acme.get(&format!("/v1/reservations/{released}")).ok();
    assert_eq!(row["status"], "RELEASED");
    assert_eq!(row.get("committed"), None);
    assert_eq!(row["finalized_at_ms"], START_MS + 5);
}

#[test]
fn lists_filter_by_state_key_and_scope() {
    let world = on_bot();
    let first = hold(1);
    let (active, committed) = (world.acme.held(&first), world.acme.held(&by_agent("bot-2", 1)));
    world.acme.commit(&committed, 1).ok();

    let listed = |query: &str| ids(&world.acme.get(&format!("/v1/reservations?{query}")).ok()).join(",");
    assert_eq!(listed("status=ACTIVE"), active);
    assert_eq!(listed("status=COMMITTED&tenant=acme"), committed);
    assert_eq!(listed("status=RELEASED"), "");
    assert_eq!(listed(&format!("idempotency_key={}", first["idempotency_key"].as_str().expect("a key"))), active);
    assert_eq!(listed("agent=BOT"), active);
    assert_eq!(listed("agent=bot-2&tenant=acme"), committed);
    assert_eq!(listed("agent=bo"), "");
    assert_eq!(listed("workspace=prod"), "");
    assert_eq!(listed("").split(',').count(), 2);
}

#[test]
fn a_key_that_was_used_again_lists_every_reservation_that_is_known() {
    const HOUR_MS: u64 = 3_600_000;
    let world = on_bot();
    let body = hold(1);
    let first = world.acme.held(&body);
    world.acme.commit(&first, 1).ok();
    world.advance(25 * HOUR_MS);
    let second = world.acme.held(&body);
    world.acme.commit(&second, 1).ok();
    world.advance(HOUR_MS);
    let third = world.acme.held(&by_agent("bot", 1));

    let query = format!("idempotency_key={}", body["idempotency_key"].as_str().expect("a key"));
    let listed = |query: &str| ids(&world.acme.get(&format!("/v1/reservations?{query}&sort_by=created_at_ms")).ok());
    assert_eq!(listed(&query), [second.clone(), first]);
    assert_eq!(listed("status=ACTIVE"), [third]);
    assert_eq!(listed(&format!("{query}&status=ACTIVE")), [""; 0]);
    world.advance(29 * 24 * HOUR_MS);
    assert_eq!(listed(&query), [second]);
    world.advance(2 * 24 * HOUR_MS);
    assert_eq!(listed(&query), [""; 0]);
}

#[test]
fn lists_filter_by_inclusive_windows_of_time() {
    let world = on_bot();
    let mut rows = Vec::new();
    for _ in 0..3 {
        rows.push(world.acme.held(&hold(1)));
        world.advance(1_000);
    }
    world.acme.commit(&rows[1], 1).ok();

    let at = |ms: u64| runcycles::models::Timestamp::from_epoch_ms(START_MS + ms).to_string();
    let listed = |query: &str| {
        let ids = ids(&world.acme.get(&format!("/v1/reservations?{query}&sort_by=created_at_ms&sort_dir=asc")).ok());
        let position = |id: &String| rows.iter().position(|row| row == id).expect("a row").to_string();
        ids.iter().map(position).collect::<String>()
    };
    assert_eq!(listed(&format!("from={0}&to={0}", at(1_000))), "1");
    assert_eq!(listed(&format!("from={}", at(1_001))), "2");
    assert_eq!(listed(&format!("to={}", at(1_999))), "01");
    assert_eq!(listed(&format!("expires_from={}", at(61_000))), "12");
    assert_eq!(listed(&format!("expires_to={}&from=", at(60_000))), "0");
    assert_eq!(listed(&format!("finalized_from={0}&finalized_to={0}", at(3_000))), "1");
    assert_eq!(listed("from=2025-11-22T02:30:01%2B01:00"), "12");
}

#[test]
fn bad_filters_are_refused_with_what_was_expected() {
    let world = on_bot();
    for (query, expected) in [
        ("status=BOGUS", "status: must be one of ACTIVE, COMMITTED, RELEASED, EXPIRED, found \"BOGUS\""),
        ("status=active", "status: must be one of"),
        ("sort_by=bogus", "sort_by: must be one of reservation_id, tenant,"),
        ("sort_by=", "sort_by: must be one of"),
        ("sort_dir=up", "sort_dir: must be one of desc, asc, found \"up\""),
        ("from=yesterday", "from: must be an ISO 8601 instant"),
        ("from=2025-02-29T00:00:00Z", "from: must be an ISO 8601 instant"),
        ("from=2025-11-22T01:00:01Z&to=2025-11-22T01:00:00Z", "from: must not be after to"),
        ("limit=0", "limit: must be 1 to 200"),
        ("limit=201", "limit: must be 1 to 200"),
        ("limit=abc", "limit: must be 1 to 200"),
        ("cursor=nonsense", "cursor contains an invalid sorted-list boundary"),
    ] {
        let reply = world.acme.get(&format!("/v1/reservations?{query}"));
        assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"), "{query}");
        let message = reply.body["message"].as_str().expect("a message");
        assert!(message.contains(expected), "{query}: {message}");
    }
    for limit in [1, 200] {
        world.acme.get(&format!("/v1/reservations?limit={limit}")).ok();
        world.acme.get(&format!("/v1/balances?agent=bot&limit={limit}")).ok();
    }
}

#[test]
fn pages_bring_every_row_once_in_every_order() {
    let world = on_bot();
    for (at, agent) in ["b", "a", "b", "c", "a", "b", "c"].into_iter().enumerate() {
        let id = world.acme.held(&by_agent(agent, 10 - at as u64 % 3));
        if at % 2 == 0 {
            world.acme.commit(&id, 1).ok();
        }
        world.advance(if at % 3 == 0 { 0 } else { 10 });
    }
    let key_of = |row: &Value, sort_by: &str| match sort_by {
        "reserved" => format!("{:05}", row["reserved"]["amount"].as_u64().expect("an amount")),
        "tenant" => "acme".to_owned(),
        _ => row[sort_by].as_str().map_or_else(|| row[sort_by].to_string(), str::to_owned),
    };
    for sort_by in ["reservation_id", "tenant", "scope_path", "status", "reserved", "created_at_ms", "expires_at_ms"] {
        for (direction, reverse) in [("asc", false), ("desc", true), ("DESC", true)] {
            let path = format!("/v1/reservations?sort_by={}&sort_dir={direction}", sort_by.to_uppercase());
            let all = walk(&world, &path, "reservations");
            assert_eq!(all.len(), 7);
            for limit in [1, 2, 3, 6, 7] {
                assert_eq!(walk(&world, &format!("{path}&limit={limit}"), "reservations"), all, "{path} by {limit}");
            }
            let pairs = all.windows(2).map(|pair| (&pair[0], &pair[1]));
            for (a, b) in pairs {
                let (first, second) = (key_of(a, sort_by), key_of(b, sort_by));
                let (first, second) = if reverse { (second, first) } else { (first, second) };
                let by_id = a["reservation_id"].as_str() < b["reservation_id"].as_str();
                assert!(first < second || (first == second && by_id), "{path}: {a} before {b}");
            }
        }
    }
    let newest_first = walk(&world, "/v1/reservations?limit=2", "reservations");
    assert_eq!(newest_first, walk(&world, "/v1/reservations?sort_by=created_at_ms&sort_dir=desc", "reservations"));
}

#[test]
fn a_cursor_continues_its_own_list_and_no_other() {
    let world = on_bot();
    for _ in 0..5 {
        world.acme.held(&hold(1));
    }
    let first = world.acme.get("/v1/reservations?sort_by=reserved&sort_dir=asc&limit=2&agent=bot").ok();
    let cursor = first["next_cursor"].as_str().expect("a cursor");

    let bare = world.acme.get(&format!("/v1/reservations?agent=bot&limit=2&cursor={cursor}")).ok();
    let repeated = world.acme.get(&format!(
        "/v1/reservations?sort_by=reserved&sort_dir=asc&include=metadata&limit=2&agent=bot&cursor={cursor}"
    ));
    assert_eq!(bare, repeated.ok());

    for other in ["sort_by=status&agent=bot", "sort_dir=desc&agent=bot", "agent=other", "status=ACTIVE&agent=bot"] {
        let reply = world.acme.get(&format!("/v1/reservations?{other}&cursor={cursor}"));
        assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"), "{other}");
    }
}

#[test]
fn metadata_comes_with_a_list_on_request() {
    let world = on_bot();
    let id = world.acme.held(&with(hold(1), json!({"metadata": {"a": 1}})));
    let body = with(commit(1), json!({"metadata": {"b": 2}}));
    world.acme.post(&format!("/v1/reservations/{id}/commit"), &body).ok();

    let row = |query: &str| world.acme.get(&format!("/v1/reservations?{query}")).ok()["reservations"][0].clone();
    let has = |row: &Value| (row.get("metadata").is_some(), row.get("committed_metadata").is_some());
    assert_eq!(has(&row("")), (false, false));
    assert_eq!(has(&row("include=metadata")), (true, false));
    assert_eq!(has(&row("include=bogus,%20committed_metadata,evidence,metadata")), (true, true));
}

#[test]
fn balances_need_a_level_and_bring_every_budget_that_has_it() {
    let world = World::new(|builder| {
        builder
            .budget("tenant:acme", tokens(10))
            .budget("tenant:acme", credits(20))
            .budget("tenant:acme/workspace:prod/agent:bot", tokens(30))
            .budget("tenant:acme/agent:bot", Budget::new(tokens(40)).frozen())
            .budget("tenant:acme/agent:bot-2", tokens(50))
            .budget("tenant:other/agent:bot", tokens(60))
    });
    let reply = world.acme.get("/v1/balances");
    assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(reply.body["message"], "At least one of tenant/workspace/app/workflow/agent/toolset must be provided");

    let allocated = |query: &str| {
        let rows = walk(&world, &format!("/v1/balances?{query}"), "balances");
        rows.iter().map(|row| row["allocated"]["amount"].as_u64().expect("an amount")).collect::<Vec<_>>()
    };
    assert_eq!(allocated("tenant=acme"), [10, 20, 40, 50, 30]);
    assert_eq!(allocated("tenant=acme&limit=1"), [10, 20, 40, 50, 30]);
    assert_eq!(allocated("agent=BOT&include_children=false"), [40, 30]);
    assert_eq!(allocated("agent=bot&limit=1"), [40, 30]);
    assert_eq!(allocated("agent=bot&workspace=prod"), [30]);
    assert_eq!(allocated("toolset=none"), [0; 0]);
    assert_eq!(world.acme.get("/v1/balances?agent=bot&include_children=maybe").refusal(), (400, "INVALID_REQUEST"));

    let page = world.acme.get("/v1/balances?tenant=acme&limit=1").ok();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let reply = world.acme.get(&format!("/v1/balances?agent=bot&cursor={cursor}"));
    assert_eq!(reply.refusal(), (400, "INVALID_REQUEST"));
}

#[test]
fn a_balance_shows_debt_and_its_limit_only_where_there_are_any() {
    let world = World::new(|builder| {
        let indebted = Budget::new(tokens(10)).spent(tokens(10)).debt(tokens(3)).overdraft_limit(tokens(5));
        builder.budget("tenant:acme", tokens(10)).budget(BOT, indebted)
    });

    let rows = walk(&world, "/v1/balances?tenant=acme", "balances");

    for member in ["debt", "overdraft_limit", "is_over_limit"] {
        assert_eq!(rows[0].get(member), None);
    }
    assert_eq!(rows[1]["debt"], json!({"unit": "TOKENS", "amount": 3}));
    assert_eq!(rows[1]["overdraft_limit"], json!({"unit": "TOKENS", "amount": 5}));
    assert_eq!(rows[1]["remaining"], json!({"unit": "TOKENS", "amount": -3}));
}
