//! The registry of action kinds, and what policies can look at beside a kind.

use std::time::Duration;

use runcycles::models::{Action, DecisionRequest, ListActionKinds, PolicyKeys, RiskClass};
use runcycles::{Error, Reserve, kinds, tokens};
use serde_json::{Value, json};

use crate::support::log::Log;
use crate::support::operations::{decide, reserve};
use crate::support::reply::{Reply, json, raw, timeout};
use crate::support::script::Script;
use crate::support::sent::Route;

const HOUR: Duration = Duration::from_secs(3600);

fn page(version: &str, names: &[&str], next: Option<&str>) -> Reply {
    let kinds: Vec<Value> = names.iter().map(|kind| json!({ "kind": kind, "risk_class": "high_risk" })).collect();
    json(200, &json!({ "version": version, "kinds": kinds, "has_more": next.is_some(), "next_cursor": next }))
}

#[test]
fn the_registered_kinds_are_those_of_the_protocol() {
    let count = |class: RiskClass| kinds::ALL.iter().filter(|kind| kind.risk_class == class).count();
    assert_eq!(RiskClass::ALL.map(count), [12, 2, 23, 19, 6], "from the least risk to the highest");
    let email = kinds::find(kinds::MESSAGE_EMAIL_SEND).unwrap();
    let spec = email.policy_key_spec().unwrap();
    assert_eq!((spec.host, spec.recipient_domain, spec.resource_type), (true, true, None));
    assert_eq!(kinds::find("db.write").unwrap().policy_key_spec().unwrap().resource_type.as_deref(), Some("table"));
    assert_eq!(kinds::find("llm.completion").unwrap().policy_key_spec(), None);
    assert_eq!(kinds::find("LLM.completion"), None, "names compare exactly");
    assert!(RiskClass::ReadOnly.order() < RiskClass::HighRisk.order());
    for (place, kind) in kinds::ALL.iter().enumerate() {
        assert!(kinds::ALL[..place].iter().all(|other| other.kind != kind.kind), "{} twice", kind.kind);
        Action::new(kind.kind, "x");
    }
}

#[tokio::test(start_paused = true)]
async fn the_registry_is_fetched_once_an_hour_and_only_where_it_has_changed() {
    let script = Script::new();
    let client = script.client();
    script.next(
        Route::ActionKinds,
        [page("1", &["a.b"], Some("c1")).header("etag", "\"v1\""), page("1", &["c.d"], None)],
    );
    let registry = client.action_kinds().await.unwrap();
    assert_eq!((registry.version(), registry.iter().count()), ("1", 2));
    assert_eq!(registry.risk_class("c.d"), RiskClass::HighRisk);
    assert_eq!(registry.risk_class("e.f"), RiskClass::SideEffect, "what is not registered is a side effect");
    assert_eq!(script.of(Route::ActionKinds)[1].target(), "/v1/action-kinds?deprecated=true&limit=100&cursor=c1");
    assert!(!script.of(Route::ActionKinds)[0].headers.contains_key("if-none-match"));

    tokio::time::advance(HOUR / 2).await;
    client.action_kinds().await.unwrap();
    assert_eq!(script.of(Route::ActionKinds).len(), 2, "the copy serves");

    tokio::time::advance(HOUR).await;
    script.next(Route::ActionKinds, [raw(304, "")]);
    assert_eq!(client.action_kinds().await.unwrap().version(), "1");
    assert_eq!(script.of(Route::ActionKinds)[2].headers["if-none-match"], "\"v1\"");
    client.action_kinds().await.unwrap();
    assert_eq!(script.of(Route::ActionKinds).len(), 3, "confirmed for another hour");

    tokio::time::advance(2 * HOUR).await;
    script.next(Route::ActionKinds, [timeout(), page("2", &["a.b"], None).header("etag", "\"v2\"")]);
    assert_eq!(client.action_kinds().await.unwrap().version(), "1", "the old copy, while nobody answers");
    assert_eq!(client.action_kinds().await.unwrap().version(), "2");
}

#[tokio::test]
async fn a_registry_whose_pages_do_not_belong_together_is_no_answer() {
    let script = Script::new();
    script.next(Route::ActionKinds, [page("1", &["a.b"], Some("c1")), page("2", &["c.d"], None)]);
    assert!(matches!(script.client().action_kinds().await, Err(Error::Ambiguous { .. })));
    script.next(Route::ActionKinds, [page("1", &["a.b"], Some("c1")), page("1", &["c.d"], Some("c1"))]);
    assert!(matches!(script.client().action_kinds().await, Err(Error::Ambiguous { .. })));
}

#[tokio::test]
async fn kinds_are_listed_by_risk_and_one_is_looked_up_by_its_name() {
    let script = Script::new();
    let params = ListActionKinds::new().risk_class(RiskClass::HighRisk).limit(5);
    script.client().list_action_kinds(&params).await.unwrap();
    assert_eq!(script.only().target(), "/v1/action-kinds?risk_class=high_risk&limit=5");
    let kind = script.client().get_action_kind("llm.completion").await.unwrap();
    assert_eq!(kind.risk_class, RiskClass::SideEffect);
    let error = script.client().list_action_kinds(&ListActionKinds::new().limit(101)).await.unwrap_err();
    assert!(matches!(error, Error::Validation(_)), "{error}");
}

#[tokio::test]
async fn policy_keys_are_sent_where_the_application_gives_them_and_nowhere_else() {
    let script = Script::new();
    let client = script.client();
    client.decide(&decide()).await.unwrap();
    assert!(script.only().json()["action"].get("policy_keys").is_none());
    let keys = PolicyKeys::new().host("api.sendgrid.com").recipient_domain("customer.com").custom("team", "support");
    let request = DecisionRequest::builder().action(Action::new("message.email.send", "welcome"));
    client.decide(&request.policy_keys(keys.clone()).estimate(tokens(1)).build()).await.unwrap();
    let _guard = client.reserve(Reserve::new("http.post", "hook").policy_keys(keys).estimate(tokens(1))).await.unwrap();
    let expected =
        json!({ "host": "api.sendgrid.com", "recipient_domain": "customer.com", "custom": { "team": "support" } });
    for sent in &script.sent()[1..3] {
        assert_eq!(sent.json()["action"]["policy_keys"], expected);
    }
}

#[tokio::test]
async fn policy_keys_out_of_the_protocols_limits_are_refused_before_anything_is_sent() {
    let long = |chars: usize| "x".repeat(chars);
    for (keys, field) in [
        (PolicyKeys::new().host(long(254)), "host"),
        (PolicyKeys::new().host("https://api.example.com"), "host"),
        (PolicyKeys::new().host(""), "host"),
        (PolicyKeys::new().recipient_domain(long(254)), "recipient_domain"),
        (PolicyKeys::new().resource_type(long(129)), "resource_type"),
        (PolicyKeys::new().path_prefix(long(513)), "path_prefix"),
        (PolicyKeys::new().custom("team", long(257)), "custom"),
        ((0..9).fold(PolicyKeys::new(), |keys, n| keys.custom(n.to_string(), "")), "custom"),
    ] {
        let script = Script::new();
        let request = Reserve::new("http.get", "x").estimate(tokens(1)).policy_keys(keys);
        let error = script.client().reserve(request).await.unwrap_err();
        assert!(error.to_string().contains(&format!("action.policy_keys.{field}")), "{error}");
        assert!(script.sent().is_empty());
    }
}

#[tokio::test]
async fn a_deprecated_kind_is_shown_on_every_answer_and_told_once() {
    let log = Log::start();
    let script = Script::new();
    let client = script.client();
    let allowed = json(200, &json!({ "decision": "ALLOW", "affected_scopes": [] }));
    script.always(Route::Reserve, allowed.header("x-cycles-deprecated-kind", "llm.legacy"));
    for _ in 0..2 {
        let answer = client.create_reservation(&reserve()).with_metadata().await.unwrap();
        assert_eq!(answer.metadata.deprecated_kind(), Some("llm.legacy"));
    }
    let told = log.lines().iter().filter(|line| line.starts_with("WARN") && line.contains("llm.legacy")).count();
    assert_eq!(told, 1);
}
