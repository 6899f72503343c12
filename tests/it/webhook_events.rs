//! Events: what is known of them is typed, what is not is kept, and each is handled once.

use std::sync::atomic::{AtomicU32, Ordering};

use runcycles::webhooks::{
    ActorType, Event, EventCategory, EventData, EventType, HandleError, RecentEvents, handle_once,
};
use serde_json::{Value, json};

/// Every type of the protocol, by category.
const TYPES: [(&str, &[&str]); 8] = [
    (
        "budget",
        &[
            "created",
            "updated",
            "funded",
            "debited",
            "reset",
            "reset_spent",
            "debt_repaid",
            "frozen",
            "unfrozen",
            "closed",
            "closed_via_tenant_cascade",
            "threshold_crossed",
            "exhausted",
            "over_limit_entered",
            "over_limit_exited",
            "debt_incurred",
            "burn_rate_anomaly",
        ],
    ),
    (
        "reservation",
        &[
            "denied",
            "expired",
            "commit_overage",
            "denial_rate_spike",
            "expiry_rate_spike",
            "released_via_tenant_cascade",
            "observed_denied",
            "observed_allowed",
        ],
    ),
    ("tenant", &["created", "updated", "suspended", "reactivated", "closed", "settings_changed"]),
    ("webhook", &["created", "updated", "paused", "resumed", "disabled", "deleted", "disabled_via_tenant_cascade"]),
    (
        "api_key",
        &[
            "created",
            "revoked",
            "expired",
            "permissions_changed",
            "auth_failed",
            "revoked_via_tenant_cascade",
            "auth_failure_rate_spike",
        ],
    ),
    ("policy", &["created", "updated", "deleted"]),
    (
        "system",
        &[
            "store_connection_lost",
            "store_connection_restored",
            "high_latency",
            "webhook_delivery_failed",
            "webhook_test",
        ],
    ),
    ("quota", &["threshold_approaching", "counter_reset"]),
];

fn event(id: &str, event_type: &str, data: Value) -> Event {
    let event = json!({
        "event_id": id,
        "event_type": event_type,
        "category": event_type.split('.').next(),
        "timestamp": "2026-11-22T12:00:00.250+02:00",
        "tenant_id": "acme",
        "source": "cycles-server",
        "data": data,
    });
    serde_json::from_value(event).unwrap()
}

#[test]
fn all_fifty_five_types_have_data_of_a_shape() {
    let mut types = 0;
    for (category, names) in TYPES {
        for name in names {
            let wire = format!("{category}.{name}");
            let event = event("evt_1", &wire, json!({ "from_a_newer_server": 1 }));
            assert!(!matches!(event.event_type, EventType::Unknown(_)), "{wire}");
            assert_eq!(event.event_type.as_str(), wire);
            assert!(!matches!(event.typed_data(), EventData::Other(_)), "{wire}");
            types += 1;
        }
        let known = !matches!(EventCategory::from(category), EventCategory::Unknown(_));
        assert_eq!(known, category != "quota", "the protocol has no category for quotas");
    }
    assert_eq!(types, 55);
}

#[test]
fn amounts_are_exact_up_to_the_largest_int64() {
    let data = json!({ "scope": "tenant:acme", "unit": "TOKENS", "spent": i64::MAX, "remaining": i64::MIN });
    let EventData::BudgetThreshold(budget) = event("evt_1", "budget.exhausted", data).typed_data() else {
        panic!("a budget that is exhausted says how it stands")
    };
    assert_eq!((budget.spent, budget.remaining), (Some(i64::MAX), Some(i64::MIN)));
}

#[test]
fn what_is_not_known_is_kept_as_it_was_received() {
    let sent = json!({
        "event_id": "evt_1",
        "event_type": "custom.acme.lunch",
        "category": "meals",
        "timestamp": "noon",
        "tenant_id": "__system__",
        "source": "kitchen",
        "actor": { "type": "cook", "key_id": "key_1", "hat": "white" },
        "data": { "dish": "soup", "price": 18_446_744_073_709_551_615_u64 },
        "from_a_newer_server": [1, 2.5, null],
    });
    let event: Event = serde_json::from_value(sent.clone()).unwrap();
    assert_eq!(serde_json::to_value(&event).unwrap(), sent);
    assert!(matches!(event.event_type, EventType::Unknown(_)));
    assert_eq!(event.actor.as_ref().and_then(|actor| actor.kind.clone()), Some(ActorType::from("cook")));
    let EventData::Other(data) = event.typed_data() else { panic!("no shape is known for lunch") };
    assert_eq!(Value::Object(data), sent["data"]);
}

#[test]
fn data_of_another_shape_than_its_type_has_is_kept_too() {
    let event = event("evt_1", "reservation.denied", json!({ "requested_amount": "a lot" }));
    let EventData::Other(data) = event.typed_data() else { panic!("an amount is a number") };
    assert_eq!(data["requested_amount"], "a lot");
}

#[tokio::test]
async fn an_event_that_was_handled_is_not_handled_again() {
    let recent = RecentEvents::new(10);
    let handled = AtomicU32::new(0);
    for _ in 0..3 {
        let event = event("evt_1", "budget.exhausted", json!({}));
        let outcome =
            handle_once(&recent, &event, || async { Ok::<_, std::io::Error>(handled.fetch_add(1, Ordering::Relaxed)) });
        outcome.await.unwrap();
    }
    assert_eq!(handled.into_inner(), 1);
}

#[tokio::test]
async fn an_event_whose_handler_failed_is_handled_when_it_comes_again() {
    let recent = RecentEvents::new(10);
    let event = event("evt_1", "budget.exhausted", json!({}));
    let failed = handle_once(&recent, &event, || async { Err::<(), _>(std::io::Error::other("the pager is down")) });
    assert!(matches!(failed.await, Err(HandleError::Handler(_))));
    let handled = handle_once(&recent, &event, || async { Ok::<_, std::io::Error>("paged") }).await.unwrap();
    assert_eq!(handled, Some("paged"));
}

#[tokio::test]
async fn only_the_latest_events_are_remembered() {
    let recent = RecentEvents::new(3);
    let is_new = async |number: u32| {
        let event = event(&format!("evt_{number}"), "budget.exhausted", json!({}));
        handle_once(&recent, &event, || async { Ok::<_, std::io::Error>(()) }).await.unwrap().is_some()
    };
    for number in 0..4 {
        assert!(is_new(number).await);
    }
    assert!(!is_new(1).await && !is_new(3).await);
    assert!(is_new(0).await, "the oldest was forgotten as the fourth was remembered");
}
