//! What holds after any sequence of calls.

use std::collections::BTreeMap;

use proptest::prelude::*;
use runcycles::{Amount, tokens};
use runcycles_authority::{Budget, Ledger};
use serde_json::{Value, json};

use crate::support::{Reply, World, fresh_key, tokens as tokens_json};

const SCOPES: [&str; 3] = ["tenant:acme", "tenant:acme/agent:a", "tenant:acme/agent:b"];
pub(crate) const POLICIES: [&str; 3] = ["REJECT", "ALLOW_IF_AVAILABLE", "ALLOW_WITH_OVERDRAFT"];

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Reserve { agent: &'static str, estimate: u64, policy: &'static str, ttl_ms: u64 },
    Commit { reservation: usize, actual: u64 },
    Release { reservation: usize },
    Extend { reservation: usize, by_ms: u64 },
    Event { agent: &'static str, actual: u64, policy: &'static str },
    Advance { ms: u64 },
}

pub(crate) fn call(policies: &'static [&'static str]) -> impl Strategy<Value = Call> {
    let agent = prop::sample::select(&["a", "b"][..]);
    let policy = prop::sample::select(policies);
    prop_oneof![
        4 => (agent.clone(), 0..60_u64, policy.clone(), 1_000..4_000_u64)
            .prop_map(|(agent, estimate, policy, ttl_ms)| Call::Reserve { agent, estimate, policy, ttl_ms }),
        3 => (any::<usize>(), 0..90_u64).prop_map(|(reservation, actual)| Call::Commit { reservation, actual }),
        1 => any::<usize>().prop_map(|reservation| Call::Release { reservation }),
        1 => (any::<usize>(), 1..3_000_u64).prop_map(|(reservation, by_ms)| Call::Extend { reservation, by_ms }),
        2 => (agent, 0..50_u64, policy).prop_map(|(agent, actual, policy)| Call::Event { agent, actual, policy }),
        1 => (0..2_500_u64).prop_map(|ms| Call::Advance { ms }),
    ]
}

/// Makes the calls, each as often as told, and keeps what was charged to each agent.
pub(crate) struct Session {
    world: World,
    reservations: Vec<(String, &'static str)>,
    charged: BTreeMap<&'static str, u64>,
}

impl Session {
    pub(crate) fn new(allocations: [u64; 3], limits: [u64; 3]) -> Self {
        let world = World::new(|builder| {
            let budgets = SCOPES.iter().zip(allocations).zip(limits);
            budgets.fold(builder, |builder, ((scope, allocated), limit)| {
                builder.budget(*scope, Budget::new(tokens(allocated)).overdraft_limit(tokens(limit)))
            })
        });
        Self { world, reservations: Vec::new(), charged: BTreeMap::new() }
    }

    /// The first answer, where the call asks anything.
    pub(crate) fn make(&mut self, call: &Call, times: usize) -> Option<Reply> {
        let (path, body, agent) = match call {
            Call::Advance { ms } => {
                self.world.advance(*ms);
                return None;
            }
            Call::Reserve { agent, estimate, policy, ttl_ms } => {
                let body = json!({
                    "idempotency_key": fresh_key(),
                    "subject": {"tenant": "acme", "agent": agent},
                    "action": {"kind": "k", "name": "n"},
                    "estimate": tokens_json(*estimate),
                    "overage_policy": policy,
                    "ttl_ms": ttl_ms,
                    "grace_period_ms": 500,
                });
                ("/v1/reservations".to_owned(), body, *agent)
            }
            Call::Event { agent, actual, policy } => {
                let body = json!({
                    "idempotency_key": fresh_key(),
                    "subject": {"tenant": "acme", "agent": agent},
                    "action": {"kind": "k", "name": "n"},
                    "actual": tokens_json(*actual),
                    "overage_policy": policy,
                });
                ("/v1/events".to_owned(), body, *agent)
            }
            Call::Commit { reservation, actual } => {
                let (id, agent) = self.pick(*reservation)?;
                let body = json!({"idempotency_key": fresh_key(), "actual": tokens_json(*actual)});
                (format!("/v1/reservations/{id}/commit"), body, agent)
            }
            Call::Release { reservation } => {
                let (id, agent) = self.pick(*reservation)?;
                (format!("/v1/reservations/{id}/release"), json!({"idempotency_key": fresh_key()}), agent)
            }
            Call::Extend { reservation, by_ms } => {
                let (id, agent) = self.pick(*reservation)?;
                let body = json!({"idempotency_key": fresh_key(), "extend_by_ms": by_ms});
                (format!("/v1/reservations/{id}/extend"), body, agent)
            }
        };
        let first = self.world.acme.post(&path, &body);
        for _ in 1..times {
            let again = self.world.acme.post(&path, &body);
            assert_eq!(first.status, again.status, "{call:?}");
            if first.status.is_success() {
                assert_eq!(first.body, again.body, "{call:?}");
            }
        }
        if first.status.is_success() {
            self.note(call, &first.body, agent);
        }
        Some(first)
    }

    fn note(&mut self, call: &Call, body: &Value, agent: &'static str) {
        let charged = match call {
            Call::Reserve { .. } => {
                let id = body["reservation_id"].as_str().expect("an id").to_owned();
                return self.reservations.push((id, agent));
            }
            Call::Commit { .. } => body["charged"]["amount"].as_u64().expect("a charge"),
            Call::Event { actual, .. } => body["charged"]["amount"].as_u64().unwrap_or(*actual),
            _ => return,
        };
        *self.charged.entry(agent).or_default() += charged;
    }

    fn pick(&self, reservation: usize) -> Option<(String, &'static str)> {
        let count = self.reservations.len();
        (count > 0).then(|| self.reservations[reservation % count].clone())
    }

    pub(crate) fn ledgers(&self) -> Vec<Ledger> {
        SCOPES.iter().map(|scope| self.world.ledger(scope)).collect()
    }

    /// What live reservations hold, by agent, as a list shows them.
    fn held(&self) -> BTreeMap<String, u64> {
        let mut held = BTreeMap::new();
        let mut path = "/v1/reservations?status=ACTIVE&limit=200".to_owned();
        loop {
            let page = self.world.acme.get(&path).ok();
            for row in page["reservations"].as_array().expect("a list") {
                let agent = row["subject"]["agent"].as_str().expect("an agent").to_owned();
                *held.entry(agent).or_default() += row["reserved"]["amount"].as_u64().expect("an amount");
            }
            let Some(next) = page["next_cursor"].as_str() else { return held };
            path = format!("/v1/reservations?status=ACTIVE&limit=200&cursor={next}");
        }
    }

    fn check(&self) {
        let (held, total_charged) = (self.held(), self.charged.values().sum::<u64>());
        for (scope, ledger) in SCOPES.iter().zip(self.ledgers()) {
            let agent = scope.rsplit_once("agent:").map(|(_, agent)| agent);
            let expected_hold = agent.map_or(held.values().sum(), |agent| held.get(agent).copied().unwrap_or(0));
            let expected_charge = agent.map_or(total_charged, |agent| self.charged.get(agent).copied().unwrap_or(0));
            let [allocated, spent, reserved, debt] =
                [&ledger.allocated, &ledger.spent, &ledger.reserved, &ledger.debt].map(Amount::value);
            assert_eq!(
                ledger.remaining.value(),
                allocated.cast_signed() - (spent + reserved + debt).cast_signed(),
                "{ledger}"
            );
            assert_eq!(reserved, expected_hold, "{ledger}");
            assert_eq!(spent + debt, expected_charge, "{ledger}");
            assert!(debt <= ledger.overdraft_limit.value(), "{ledger}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ledgers_add_up_after_any_calls(
        calls in prop::collection::vec(call(&POLICIES), 1..60),
        allocations in prop::array::uniform3(0..400_u64),
        limits in prop::array::uniform3(prop_oneof![Just(0), 0..80_u64]),
    ) {
        let mut session = Session::new(allocations, limits);
        for call in &calls {
            session.make(call, 1);
            session.check();
        }
    }

    #[test]
    fn repeating_every_call_changes_nothing(
        calls in prop::collection::vec((call(&POLICIES), 1..4_usize), 1..60),
        allocations in prop::array::uniform3(0..400_u64),
    ) {
        let (mut once, mut often) = (Session::new(allocations, [30; 3]), Session::new(allocations, [30; 3]));
        for (call, times) in &calls {
            once.make(call, 1);
            often.make(call, *times);
        }
        prop_assert_eq!(once.ledgers(), often.ledgers());
        often.check();
    }

    #[test]
    fn rejecting_overage_never_overspends(
        calls in prop::collection::vec(call(&POLICIES[..1]), 1..60),
        allocations in prop::array::uniform3(0..400_u64),
    ) {
        let mut session = Session::new(allocations, [50; 3]);
        for call in &calls {
            session.make(call, 1);
            for ledger in session.ledgers() {
                prop_assert!(ledger.spent.value() <= ledger.allocated.value());
                prop_assert!(ledger.debt.is_zero() && !ledger.is_over_limit);
            }
        }
    }

    #[test]
    fn debt_never_exceeds_the_overdraft_limit(
        calls in prop::collection::vec(call(&POLICIES), 1..60),
        allocations in prop::array::uniform3(0..400_u64),
        limits in prop::array::uniform3(prop_oneof![Just(0), 0..80_u64]),
    ) {
        let mut session = Session::new(allocations, limits);
        for call in &calls {
            session.make(call, 1);
            for (ledger, limit) in session.ledgers().iter().zip(limits) {
                prop_assert!(ledger.debt.value() <= limit, "{}", ledger);
            }
        }
    }

    #[test]
    fn a_parent_has_spent_at_least_what_each_child_has(
        calls in prop::collection::vec(call(&POLICIES[..2]), 1..60),
        allocations in prop::array::uniform3(0..400_u64),
    ) {
        let mut session = Session::new(allocations, [0; 3]);
        for call in &calls {
            session.make(call, 1);
            let ledgers = session.ledgers();
            for child in &ledgers[1..] {
                prop_assert!(ledgers[0].spent.value() >= child.spent.value(), "{} under {}", child, ledgers[0]);
            }
        }
    }
}
