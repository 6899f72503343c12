//! Tenants and requests that are observed.

use runcycles::models::ObserveMode;
use runcycles::tokens;
use runcycles_authority::Tenant;
use serde_json::json;

use crate::support::{Caller, World, hold, with};

const BOT: &str = "tenant:acme/agent:bot";

#[test]
fn an_observed_tenant_is_told_what_would_be_and_nothing_is_held() {
    let observed = Tenant::new("acme").observe_mode(ObserveMode::Observe);
    let world = World::new(|builder| builder.tenant(observed).budget(BOT, tokens(10)));
    let allowed = world.acme.reserve(&hold(5)).ok();
    assert_eq!((&allowed["decision"], allowed.get("reservation_id")), (&json!("ALLOW"), None));
    let denied = world.acme.reserve(&hold(11)).ok();
    assert_eq!(
        (&denied["decision"], &denied["deny_detail"]["reason_code"]),
        (&json!("DENY"), &json!("BUDGET_EXCEEDED"))
    );
    assert_eq!(world.figures(BOT), (0, 0, 0, 10, false));
    let held = world.acme.reserve(&with(hold(5), json!({"observe_mode": "ENFORCE"}))).ok();
    assert!(held["reservation_id"].is_string(), "the request's word comes first: {held}");
}

#[test]
fn a_request_is_observed_by_its_own_word_alone() {
    let world = World::new(|builder| builder.budget(BOT, tokens(10)).protocol_extensions());
    let observed = world.acme.reserve(&with(hold(5), json!({"observe_mode": "OBSERVE", "dry_run": true}))).ok();
    assert_eq!(observed.get("reservation_id"), None);
    world.acme.held(&with(hold(5), json!({"observe_mode": "DISABLED"})));
    let unknown = with(hold(5), json!({"observe_mode": "MAYBE"}));
    assert_eq!(world.acme.reserve(&unknown).refusal(), (400, "INVALID_REQUEST"));
}

#[test]
fn an_operator_puts_a_tenant_in_observe_mode_and_back() {
    let world = World::new(|builder| builder.budget(BOT, tokens(10)).admin_key("adm_key").protocol_extensions());
    let operator = Caller::operator(&world.authority, "adm_key");
    let mode = |mode: &str| operator.patch("/v1/admin/tenants/acme", &json!({"observe_mode": mode}));
    assert_eq!(mode("OBSERVE").ok()["observe_mode"], "OBSERVE");
    assert_eq!(world.acme.reserve(&hold(5)).ok().get("reservation_id"), None);
    assert_eq!(mode("ENFORCE").ok()["observe_mode"], "ENFORCE");
    world.acme.held(&hold(5));
    assert_eq!(mode("SOMETIMES").refusal(), (400, "INVALID_REQUEST"));
    let plain = World::new(|builder| builder.admin_key("adm_key"));
    let operator = Caller::operator(&plain.authority, "adm_key");
    let refused = operator.patch("/v1/admin/tenants/acme", &json!({"observe_mode": "OBSERVE"}));
    assert_eq!(refused.refusal(), (400, "INVALID_REQUEST"));
}
