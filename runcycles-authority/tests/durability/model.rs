//! An authority in a directory, restarted between any two calls, against one in memory that never stops.

use std::time::Duration;

use http::StatusCode;
use proptest::prelude::*;
use runcycles::tokens;
use runcycles_authority::{Authority, AuthorityBuilder, Budget, Durability, Funding, Ledger, ManualClock};
use serde_json::{Value, json};

use crate::support::{API_KEY, Directory, get, lasting, post, start};

const SCOPES: [&str; 3] = ["tenant:acme", "tenant:acme/agent:a", "tenant:acme/agent:b"];
const HOUR_MS: u64 = 3_600_000;

#[derive(Clone, Debug)]
enum Step {
    Reserve {
        agent: &'static str,
        estimate: u64,
        policy: &'static str,
        ttl_ms: u64,
        dry_run: bool,
    },
    Decide {
        agent: &'static str,
        estimate: u64,
    },
    Commit {
        reservation: usize,
        actual: u64,
    },
    Release {
        reservation: usize,
    },
    Extend {
        reservation: usize,
        by_ms: u64,
    },
    Event {
        agent: &'static str,
        actual: u64,
        policy: &'static str,
    },
    /// The same request as one before.
    Again {
        call: usize,
    },
    Fund {
        scope: &'static str,
        amount: u64,
    },
    Freeze {
        scope: &'static str,
    },
    Unfreeze {
        scope: &'static str,
    },
    Advance {
        ms: u64,
    },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let agent = || prop::sample::select(&["a", "b"][..]);
    let scope = || prop::sample::select(&SCOPES[..]);
    let policy = || prop::sample::select(&["REJECT", "ALLOW_IF_AVAILABLE", "ALLOW_WITH_OVERDRAFT"][..]);
    prop_oneof![
        6 => (agent(), 0..60_u64, policy(), 1_000..4_000_u64, prop::bool::weighted(0.2)).prop_map(
            |(agent, estimate, policy, ttl_ms, dry_run)| Step::Reserve { agent, estimate, policy, ttl_ms, dry_run }
        ),
        1 => (agent(), 0..200_u64).prop_map(|(agent, estimate)| Step::Decide { agent, estimate }),
        4 => (any::<usize>(), 0..90_u64).prop_map(|(reservation, actual)| Step::Commit { reservation, actual }),
        2 => any::<usize>().prop_map(|reservation| Step::Release { reservation }),
        2 => (any::<usize>(), 1..3_000_u64).prop_map(|(reservation, by_ms)| Step::Extend { reservation, by_ms }),
        2 => (agent(), 0..50_u64, policy()).prop_map(|(agent, actual, policy)| Step::Event { agent, actual, policy }),
        4 => any::<usize>().prop_map(|call| Step::Again { call }),
        1 => (scope(), 0..100_u64).prop_map(|(scope, amount)| Step::Fund { scope, amount }),
        1 => scope().prop_map(|scope| Step::Freeze { scope }),
        1 => scope().prop_map(|scope| Step::Unfreeze { scope }),
        2 => (0..2_500_u64).prop_map(|ms| Step::Advance { ms }),
        // Past the retention of keys, or of everything.
        1 => prop::sample::select(&[25 * HOUR_MS, 8 * 24 * HOUR_MS, 31 * 24 * HOUR_MS][..]).prop_map(|ms| Step::Advance { ms }),
        6 => Just(Step::Restart),
    ]
}

/// An authority, and the ids that it gave out.
struct Side {
    authority: Authority,
    ids: Vec<String>,
}

impl Side {
    /// What a request says, with the ids of this side.
    fn fill(&self, text: &str) -> String {
        let filled = text.split_once('#').and_then(|(before, rest)| {
            let (number, after) = rest.split_once('#')?;
            Some(format!("{before}{}{after}", self.ids[number.parse::<usize>().ok()?]))
        });
        filled.unwrap_or_else(|| text.to_owned())
    }

    /// An answer without what is this side's alone: ids become numbers in the order in which they were seen.
    fn compare(&mut self, (status, body): (StatusCode, Value)) -> (StatusCode, Value) {
        for member in ["reservation_id", "event_id"] {
            if let Some(id) = body[member].as_str()
                && !self.ids.iter().any(|known| known == id)
            {
                self.ids.push(id.to_owned());
            }
        }
        let mut text = body.to_string();
        for (number, id) in self.ids.iter().enumerate() {
            text = text.replace(id, &format!("#{number}#"));
        }
        let mut body: Value = serde_json::from_str(&text).expect("JSON");
        if let Some(body) = body.as_object_mut() {
            body.remove("request_id");
            body.remove("trace_id");
        }
        (status, body)
    }
}

struct Both {
    dir: Directory,
    clock: ManualClock,
    memory: Side,
    disk: Option<Side>,
    /// Paths and bodies.
    calls: Vec<(String, Value)>,
    reservations: Vec<String>,
}

impl Both {
    fn new() -> Self {
        let dir = Directory::new();
        let clock = ManualClock::at_epoch_ms(1_763_775_000_000);
        let memory = Side { authority: start(budgets(Authority::builder()).clock(clock.clone())), ids: Vec::new() };
        let mut both = Self { dir, clock, memory, disk: None, calls: Vec::new(), reservations: Vec::new() };
        both.restart();
        both
    }

    fn restart(&mut self) {
        let ids = self.disk.take().map(|side| side.ids).unwrap_or_default();
        let builder = budgets(Authority::builder()).clock(self.clock.clone()).path(self.dir.path());
        // Every few calls fill a log.
        let authority = start(builder.durability(Durability::ProcessCrash).compact_at(4_000));
        self.disk = Some(Side { authority, ids });
    }

    fn on_both<T>(&mut self, mut act: impl FnMut(&mut Side) -> T) -> (T, T) {
        let disk = self.disk.as_mut().expect("started");
        (act(&mut self.memory), act(disk))
    }

    fn call(&mut self, path: &str, body: &Value) {
        let (memory, disk) = self.on_both(|side| {
            let answer = post(&side.authority, &side.fill(path), body);
            side.compare(answer)
        });
        assert_eq!(memory, disk, "{path} {body}");
        if let Some(id) = memory.1["reservation_id"].as_str()
            && !self.reservations.iter().any(|known| known == id)
        {
            self.reservations.push(id.to_owned());
        }
    }

    fn make(&mut self, step: &Step) {
        let key = format!("key-{}", self.calls.len());
        let tokens_json = |amount: u64| json!({"unit": "TOKENS", "amount": amount});
        let action = json!({"kind": "k", "name": "n"});
        let subject = |agent: &str| json!({"tenant": "acme", "agent": agent});
        let (path, body) = match step {
            Step::Restart => return self.restart(),
            Step::Advance { ms } => return self.clock.advance(Duration::from_millis(*ms)),
            Step::Fund { scope, amount } => {
                let funded = |side: &mut Side| {
                    side.authority.fund(scope, Funding::Credit(tokens(*amount))).map_err(|error| error.to_string())
                };
                let (memory, disk) = self.on_both(funded);
                return assert_eq!(memory, disk);
            }
            Step::Freeze { scope } => {
                let (memory, disk) = self.on_both(|side| side.authority.freeze(scope).is_ok());
                return assert_eq!(memory, disk);
            }
            Step::Unfreeze { scope } => {
                let (memory, disk) = self.on_both(|side| side.authority.unfreeze(scope).is_ok());
                return assert_eq!(memory, disk);
            }
            Step::Again { call } => {
                let Some((path, body)) = self.calls.get(call % self.calls.len().max(1)).cloned() else { return };
                return self.call(&path, &body);
            }
            Step::Reserve { agent, estimate, policy, ttl_ms, dry_run } => {
                let body = json!({
                    "idempotency_key": key,
                    "subject": subject(agent),
                    "action": action,
                    "estimate": tokens_json(*estimate),
                    "overage_policy": policy,
                    "ttl_ms": ttl_ms,
                    "grace_period_ms": 500,
                    "dry_run": dry_run,
                });
                ("/v1/reservations".to_owned(), body)
            }
            Step::Decide { agent, estimate } => {
                let body = json!({
                    "idempotency_key": key,
                    "subject": subject(agent),
                    "action": action,
                    "estimate": tokens_json(*estimate),
                });
                ("/v1/decide".to_owned(), body)
            }
            Step::Event { agent, actual, policy } => {
                let body = json!({
                    "idempotency_key": key,
                    "subject": subject(agent),
                    "action": action,
                    "actual": tokens_json(*actual),
                    "overage_policy": policy,
                });
                ("/v1/events".to_owned(), body)
            }
            Step::Commit { reservation, actual } => {
                let Some(id) = self.pick(*reservation) else { return };
                let body = json!({"idempotency_key": key, "actual": tokens_json(*actual)});
                (format!("/v1/reservations/{id}/commit"), body)
            }
            Step::Release { reservation } => {
                let Some(id) = self.pick(*reservation) else { return };
                (format!("/v1/reservations/{id}/release"), json!({"idempotency_key": key}))
            }
            Step::Extend { reservation, by_ms } => {
                let Some(id) = self.pick(*reservation) else { return };
                (format!("/v1/reservations/{id}/extend"), json!({"idempotency_key": key, "extend_by_ms": by_ms}))
            }
        };
        self.call(&path, &body);
        self.calls.push((path, body));
    }

    fn pick(&self, reservation: usize) -> Option<&String> {
        (!self.reservations.is_empty()).then(|| &self.reservations[reservation % self.reservations.len()])
    }

    /// Everything that can be read is the same.
    fn compare_all(&mut self) {
        let ledgers = |side: &mut Side| SCOPES.map(|scope| side.authority.ledger(scope));
        let (memory, disk): ([Option<Ledger>; 3], [Option<Ledger>; 3]) = self.on_both(ledgers);
        assert_eq!(memory, disk);
        let paths = self.reservations.iter().map(|id| format!("/v1/reservations/{id}"));
        let paths = paths.chain(["/v1/balances?tenant=acme".to_owned()]);
        for path in paths.collect::<Vec<_>>() {
            let (memory, disk) = self.on_both(|side| {
                let (status, body) = get(&side.authority, &side.fill(&path));
                side.compare((status, lasting(body)))
            });
            assert_eq!(memory, disk, "{path}");
        }
    }
}

fn budgets(builder: AuthorityBuilder) -> AuthorityBuilder {
    let builder = builder.api_key(API_KEY, "acme");
    SCOPES.iter().zip([900, 400, 500]).zip([0, 0, 60]).fold(builder, |builder, ((scope, allocated), limit)| {
        builder.budget(*scope, Budget::new(tokens(allocated)).overdraft_limit(tokens(limit)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_directory_and_restarts_change_no_answer(steps in prop::collection::vec(step(), 1..60)) {
        let mut both = Both::new();
        for step in &steps {
            both.make(step);
        }
        both.compare_all();
        both.restart();
        both.compare_all();
    }
}
