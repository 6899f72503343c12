//! Leases, grace periods and retention.

use std::time::Duration;

use runcycles::tokens;
use runcycles_authority::Tenant;
use serde_json::json;

use crate::support::{START_MS, World, fresh_key, hold, with};

const BOT: &str = "tenant:acme/agent:bot";

fn on_bot(amount: u64) -> World {
    World::new(|builder| builder.budget(BOT, tokens(amount)))
}

fn lease(ttl_ms: u64, grace_period_ms: u64) -> serde_json::Value {
    with(hold(10), json!({"ttl_ms": ttl_ms, "grace_period_ms": grace_period_ms}))
}

/// When, after a lease of 1,000 ms with a grace period of 5,000 ms: what commit, extend and a read answer.
const WINDOWS: &[(u64, u16, u16, u16)] = &[
    (0, 200, 200, 200),
    (1_000, 200, 200, 200),
    (1_001, 200, 410, 200),
    (6_000, 200, 410, 200),
    (6_001, 410, 410, 410),
    (60_000, 410, 410, 410),
];

#[test]
fn each_window_of_a_lease_allows_what_it_should() {
    for (after, commit, extend, get) in WINDOWS {
        let world = on_bot(100);
        let ids: Vec<_> = (0..3).map(|_| world.acme.held(&lease(1_000, 5_000))).collect();
        world.advance(*after);

        assert_eq!(world.acme.get(&format!("/v1/reservations/{}", ids[0])).status, *get, "get at +{after}");
        assert_eq!(world.acme.extend(&ids[2], 10).status, *extend, "extend at +{after}");
        assert_eq!(world.acme.commit(&ids[0], 10).status, *commit, "commit at +{after}");
        assert_eq!(world.acme.release(&ids[1]).status, *commit, "release at +{after}");
    }
}

#[test]
fn a_lapsed_hold_goes_back_at_the_exact_millisecond() {
    let world = on_bot(100);
    let id = world.acme.held(&lease(1_000, 5_000));

    world.advance(6_000);
    assert_eq!(world.figures(BOT), (0, 10, 0, 90, false));
    world.advance(1);
    assert_eq!(world.figures(BOT), (0, 0, 0, 100, false));
    world.authority.assert_settled();

    for reply in [world.acme.commit(&id, 1), world.acme.release(&id), world.acme.extend(&id, 1)] {
        assert_eq!(reply.refusal(), (410, "RESERVATION_EXPIRED"));
    }
    let rows = world.acme.get("/v1/reservations?status=EXPIRED").ok();
    assert_eq!(rows["reservations"][0]["reservation_id"], id);
    assert_eq!(rows["reservations"][0].get("finalized_at_ms"), None);
}

#[test]
fn an_extension_counts_from_the_current_end() {
    let world = on_bot(100);
    let id = world.acme.held(&lease(1_000, 0));

    world.advance(400);
    let body = world.acme.extend(&id, 5_000).ok();

    assert_eq!(body["status"], "ACTIVE");
    assert_eq!(body["expires_at_ms"], START_MS + 6_000);
    assert_eq!(body["remaining_ttl_ms"], 5_600);
    assert_eq!(body["balances"][0]["reserved"]["amount"], 10);
    world.advance(5_600);
    world.acme.commit(&id, 10).ok();
}

#[test]
fn leases_are_cut_to_the_tenants_longest_but_extensions_are_not() {
    let world = on_bot(100);

    let body = world.acme.reserve(&with(hold(1), json!({"ttl_ms": 86_400_000}))).ok();
    assert_eq!(body["expires_at_ms"], START_MS + 3_600_000);
    let id = body["reservation_id"].as_str().expect("an id");
    world.acme.extend(id, 3_600_000).ok();
    let body = world.acme.extend(id, 3_600_000).ok();
    assert_eq!(body["expires_at_ms"], START_MS + 3 * 3_600_000);
}

#[test]
fn a_tenants_own_settings_apply() {
    let settings = Tenant::new("acme")
        .default_ttl(Duration::from_secs(5))
        .max_ttl(Duration::from_secs(10))
        .max_extensions(0)
        .overage_policy(runcycles::models::CommitOveragePolicy::Reject);
    let world = World::new(|builder| builder.tenant(settings).budget(BOT, tokens(100)));

    assert_eq!(world.acme.reserve(&hold(1)).ok()["remaining_ttl_ms"], 5_000);
    let body = world.acme.reserve(&with(hold(1), json!({"ttl_ms": 60_000}))).ok();
    assert_eq!(body["remaining_ttl_ms"], 10_000);
    let id = body["reservation_id"].as_str().expect("an id");
    assert_eq!(world.acme.extend(id, 1).refusal(), (409, "MAX_EXTENSIONS_EXCEEDED"));
    assert_eq!(world.acme.commit(id, 2).refusal(), (409, "BUDGET_EXCEEDED"));
}

#[test]
fn the_eleventh_extension_is_refused() {
    let world = on_bot(100);
    let id = world.acme.held(&lease(1_000, 0));

    for _ in 0..10 {
        world.acme.extend(&id, 1).ok();
    }

    let reply = world.acme.extend(&id, 1);
    assert_eq!(reply.refusal(), (409, "MAX_EXTENSIONS_EXCEEDED"));
    assert_eq!(reply.body["message"], "Maximum reservation extensions (10) reached");
}

#[test]
fn a_finished_reservation_is_forgotten_after_thirty_days() {
    const DAY_MS: u64 = 86_400_000;
    let world = on_bot(100);
    let id = world.acme.held(&hold(10));
    let key = fresh_key();
    let body = json!({"idempotency_key": key, "actual": {"unit": "TOKENS", "amount": 10}});
    let path = format!("/v1/reservations/{id}/commit");
    let first = world.acme.post(&path, &body).ok();

    world.advance(30 * DAY_MS);
    assert_eq!(world.acme.post(&path, &body).ok(), first);
    world.advance(1);
    assert_eq!(world.acme.post(&path, &body).refusal(), (404, "NOT_FOUND"));
    assert_eq!(world.figures(BOT), (10, 0, 0, 90, false));
}

#[test]
fn a_clock_that_goes_back_does_not_take_the_authority_with_it() {
    struct Seesaw(std::sync::atomic::AtomicU64);
    impl runcycles_authority::Clock for Seesaw {
        fn now_ms(&self) -> u64 {
            let calls = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if calls.is_multiple_of(2) { START_MS + 100 * calls } else { START_MS }
        }
    }
    let clock = Seesaw(std::sync::atomic::AtomicU64::new(0));
    let world = World::new(|builder| builder.budget(BOT, tokens(100)).clock(clock));

    let mut latest = 0;
    for _ in 0..10 {
        let expires_at = world.acme.reserve(&hold(1)).ok()["expires_at_ms"].as_u64().expect("an instant");
        assert!(expires_at >= latest);
        latest = expires_at;
    }
}
