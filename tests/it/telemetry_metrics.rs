//! Counters and gauges of guarded calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use runcycles::models::Level;
use runcycles::{Error, Mode, Priority, Reserve, Scope, WithCyclesConfig, tokens};
use runcycles_authority::Authority;

use crate::support::reply::{json, timeout};
use crate::support::script::Script;
use crate::support::sent::Route;

/// Sums of everything that is counted, by name and labels.
#[derive(Clone, Default)]
struct Sums(Arc<Mutex<BTreeMap<String, f64>>>);

struct One {
    name: String,
    sums: Sums,
}

impl One {
    fn add(&self, value: f64) {
        *self.sums.0.lock().unwrap().entry(self.name.clone()).or_default() += value;
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
impl CounterFn for One {
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }

    fn absolute(&self, value: u64) {
        self.add(value as f64);
    }
}

impl GaugeFn for One {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, value: f64) {
        self.add(value);
    }
}

impl HistogramFn for One {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

impl Sums {
    fn one(&self, key: &Key) -> Arc<One> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(One { name: format!("{}{{{}}}", key.name(), labels.join(",")), sums: self.clone() })
    }

    fn get(&self, name: &str) -> f64 {
        self.0.lock().unwrap().get(name).copied().unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
    }
}

impl Recorder for Sums {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.one(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.one(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.one(key))
    }
}

/// Runs a future on this thread, and gives what was counted.
fn counted<F: Future<Output = ()>>(future: F) -> Sums {
    let sums = Sums::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    metrics::with_local_recorder(&sums, || runtime.block_on(future));
    sums
}

fn request() -> Reserve<runcycles::models::Action, runcycles::models::Amount> {
    Reserve::new("llm.completion", "gpt-4o").estimate(tokens(10)).subject(Scope::agent("bot-7"))
}

#[test]
fn calls_are_counted_from_the_decision_to_the_settlement() {
    let sums = counted(async {
        let script = Script::new();
        let guard = script.client().reserve(request()).await.unwrap();
        guard.commit(tokens(5)).await.unwrap();
        drop(script.client().reserve(Reserve::new("mine.own", "x").estimate(tokens(1))).await.unwrap());
        script.wait_for(Route::Release, 1).await;
    });
    for (name, value) in [
        ("cycles.decisions{decision=ALLOW,action_kind=llm.completion}", 1.0),
        ("cycles.decisions{decision=ALLOW,action_kind=other}", 1.0),
        ("cycles.estimated{unit=TOKENS}", 11.0),
        ("cycles.actual{unit=TOKENS}", 5.0),
        ("cycles.commit.ratio{unit=TOKENS}", 0.5),
        ("cycles.settlements{settlement=committed}", 1.0),
        ("cycles.leases{}", 0.0),
    ] {
        assert!((sums.get(name) - value).abs() < 1e-9, "{name}: {}", sums.get(name));
    }
}

#[test]
fn a_settlement_counts_as_pending_while_it_is_in_the_background() {
    let sums = counted(async {
        let script = Script::new();
        script.next(Route::Commit, [timeout(), timeout()]);
        let client = script.client();
        drop(client.reserve(request()).await.unwrap().commit(tokens(5)).await);
        client.flush(std::time::Duration::from_secs(60)).await;
    });
    assert!(sums.get("cycles.settlements{settlement=detached}") > 0.0);
    assert!(sums.get("cycles.settlements.pending{}").abs() < 1e-9, "and not any more");
}

#[test]
fn denials_are_counted_by_scopes_that_are_few_unless_the_client_is_told_otherwise() {
    let denial = || {
        let details = serde_json::json!({ "scope": "tenant:acme/app:chat/agent:bot-7" });
        json(
            409,
            &serde_json::json!({
                "error": "BUDGET_EXCEEDED", "message": "no", "request_id": "r", "details": details,
            }),
        )
    };
    let sums = counted(async {
        let script = Script::new();
        script.always(Route::Reserve, denial());
        script.client().reserve(request()).await.unwrap_err();
        let told = script.builder().metric_scopes(Level::Agent).build();
        told.reserve(request()).await.unwrap_err();
    });
    for scope in ["tenant:acme/app:chat", "tenant:acme/app:chat/agent:bot-7"] {
        let name = format!("cycles.denials{{scope={scope},reason=BUDGET_EXCEEDED}}");
        assert!((sums.get(&name) - 1.0).abs() < 1e-9, "{name}");
    }
}

#[test]
fn denials_by_a_calls_own_conditions_are_counted_too() {
    let sums = counted(async {
        let authority = Authority::builder().budget("tenant:acme", tokens(100)).start().await.unwrap();
        let client = authority.client("acme");
        let config =
            || WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o").subject(Scope::app("chat"));
        let run = async |config| client.execute(config, async |_| Ok::<_, Error>(())).await.unwrap_err();
        run(config().require([Level::App])).await;
        run(config().priority(Priority::new("nightly", 100))).await;
    });
    for (scope, reason) in [("tenant:acme/app:chat", "unbudgeted_scope"), ("tenant:acme", "PRIORITY_FLOOR")] {
        let name = format!("cycles.denials{{scope={scope},reason={reason}}}");
        assert!((sums.get(&name) - 1.0).abs() < 1e-9, "{name}");
    }
}

#[test]
fn what_nothing_is_held_for_does_not_count_as_reserved() {
    let sums = counted(async {
        let script = Script::new();
        let client = script.client();
        for mode in [Mode::Shadow, Mode::Off, Mode::Enforce] {
            let config = WithCyclesConfig::new(tokens(10)).action("llm.completion", "gpt-4o").mode(mode);
            client.execute(config, async |_| Ok::<_, Error>(())).await.unwrap();
        }
    });
    assert!((sums.get("cycles.estimated{unit=TOKENS}") - 10.0).abs() < 1e-9, "{:?}", sums.0);
}
