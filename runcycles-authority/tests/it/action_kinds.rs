//! The registry of action kinds.

use bytes::Bytes;
use runcycles::models::{ActionKind, RiskClass};
use runcycles::tokens;
use runcycles_authority::{Authority, AuthorityBuilder};
use serde_json::json;

use crate::support::{Caller, World, at_once, hold, with};

fn world() -> World {
    let mut legacy = ActionKind::new("llm.legacy".to_owned(), RiskClass::SideEffect);
    (legacy.deprecated, legacy.replacement_kind) = (Some(true), Some("llm.completion".to_owned()));
    let own = ActionKind::new("custom.acme.reindex".to_owned(), RiskClass::LocalMutation);
    World::new(|builder| builder.budget("tenant:acme", tokens(100)).action_kind(legacy).action_kind(own))
}

#[test]
fn the_registry_is_read_without_a_key_page_by_page() {
    let world = world();
    let anybody = Caller::with_key(&world.authority, "");
    let mut names = Vec::new();
    let mut path = "/v1/action-kinds?limit=30".to_owned();
    loop {
        let page = anybody.get(&path).ok();
        let kinds = page["kinds"].as_array().expect("a list").iter();
        names.extend(kinds.map(|kind| kind["kind"].as_str().expect("a name").to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/action-kinds?limit=30&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(names.len(), 63, "the protocol's 62 and one of the authority's own; none that is deprecated");
    assert!(names.is_sorted());
    let count =
        |query: &str| anybody.get(&format!("/v1/action-kinds?limit=100{query}")).ok()["kinds"].as_array().map(Vec::len);
    assert_eq!((count("&deprecated=true"), count("&risk_class=high_risk")), (Some(64), Some(6)));
    for wrong in ["limit=0", "limit=101", "risk_class=scary", "deprecated=maybe"] {
        assert_eq!(anybody.get(&format!("/v1/action-kinds?{wrong}")).refusal(), (400, "INVALID_REQUEST"));
    }
    assert_eq!(anybody.get("/v1/action-kinds/db.write").ok()["policy_key_spec"], json!({"resource_type": "table"}));
    assert_eq!(anybody.get("/v1/action-kinds/db").refusal(), (404, "NOT_FOUND"));
    assert_eq!(anybody.delete("/v1/action-kinds").refusal(), (405, "INVALID_REQUEST"));
}

#[test]
fn whoever_has_the_registry_is_told_that_it_still_holds() {
    use runcycles::Transport as _;

    let world = world();
    let anybody = Caller::with_key(&world.authority, "");
    let etag = anybody.get("/v1/action-kinds").header("etag").expect("an etag").to_owned();
    let ask = |authority: &Authority, etag: &str| {
        let request = anybody.request("GET", "/v1/action-kinds").header("if-none-match", etag);
        at_once(authority.transport().call(request.body(Bytes::new()).expect("a request"))).expect("an answer")
    };
    let answer = ask(&world.authority, &etag);
    assert_eq!((answer.status().as_u16(), answer.body().len()), (304, 0));
    assert_eq!(ask(&world.authority, "\"other\"").status(), 200);
    let plain = World::new(AuthorityBuilder::protocol_extensions);
    assert_eq!(ask(&plain.authority, &etag).status(), 200, "another registry has another name");
}

#[test]
fn a_kind_of_an_organisations_own_must_be_declared() {
    let world = world();
    let of_kind = |kind: &str| with(hold(1), json!({"action": {"kind": kind, "name": "x"}}));
    world.acme.held(&of_kind("custom.acme.reindex"));
    world.acme.held(&of_kind("not.registered"));
    assert_eq!(world.acme.reserve(&of_kind("custom.acme.unknown")).refusal(), (400, "INVALID_REQUEST"));
}

#[test]
fn answers_about_a_deprecated_kind_say_so() {
    let world = world();
    let of_kind = |kind: &str| with(hold(1), json!({"action": {"kind": kind, "name": "x"}}));
    for path in ["/v1/reservations", "/v1/decide"] {
        let header =
            |kind: &str| world.acme.post(path, &of_kind(kind)).header("x-cycles-deprecated-kind").map(str::to_owned);
        assert_eq!(header("llm.legacy").as_deref(), Some("llm.legacy"));
        assert_eq!(header("llm.completion"), None);
    }
}
