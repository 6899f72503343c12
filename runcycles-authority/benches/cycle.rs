//! What a governed call costs the authority: one reservation and its commit.

use std::cell::LazyCell;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use runcycles::models::Level;
use runcycles::{Transport as _, usd};
use runcycles_authority::__private::EngineProbe;
use runcycles_authority::{Authority, InProcess};

const LEVELS: [(Level, &str); 4] =
    [(Level::Tenant, "acme"), (Level::Workspace, "prod"), (Level::App, "chatbot"), (Level::Agent, "bot")];

/// An authority with a budget at every level of a call, and others beside.
fn authority(others: usize) -> Authority {
    let mut builder = Authority::builder().budget("tenant:acme", usd!(90_000_000_000));
    for scope in [
        "tenant:acme/workspace:prod",
        "tenant:acme/workspace:prod/app:chatbot",
        "tenant:acme/workspace:prod/app:chatbot/agent:bot",
    ] {
        builder = builder.budget(scope, usd!(90_000_000_000));
    }
    for other in 0..others {
        builder = builder.budget(format!("tenant:acme/agent:user-{other}"), usd!(1));
    }
    at_once(builder.start()).expect("a valid set-up")
}

/// A client that sends the same two requests with fresh keys.
struct Caller {
    transport: InProcess,
    key: String,
    count: u64,
}

impl Caller {
    fn new(authority: &Authority) -> Self {
        Self { transport: authority.transport(), key: authority.api_key("acme"), count: 0 }
    }

    fn cycle(&mut self) {
        self.count += 1;
        let count = self.count;
        let reserve = format!(
            r#"{{"idempotency_key":"key-{count:032}","subject":{{"tenant":"acme","workspace":"prod","app":"chatbot","agent":"bot"}},"action":{{"kind":"llm.completion","name":"gpt-4o"}},"estimate":{{"unit":"USD_MICROCENTS","amount":2000000}},"ttl_ms":60000}}"#
        );
        let answer = self.post("/v1/reservations", reserve);
        let id_at = answer.windows(18).position(|window| window == b"\"reservation_id\":\"").expect("an id") + 18;
        let id = std::str::from_utf8(&answer[id_at..id_at + 36]).expect("an id of text");
        let commit = format!(
            r#"{{"idempotency_key":"commit-{count:032}","actual":{{"unit":"USD_MICROCENTS","amount":1300000}},"metrics":{{"latency_ms":850}}}}"#
        );
        black_box(self.post(&format!("/v1/reservations/{id}/commit"), commit));
    }

    fn post(&self, path: &str, body: String) -> Bytes {
        let request = Request::post(format!("http://in-process{path}"))
            .header("x-cycles-api-key", &self.key)
            .header("content-type", "application/json")
            .body(Bytes::from(body))
            .expect("a valid request");
        let response = at_once(self.transport.call(request)).expect("an answer");
        assert!(response.status().is_success());
        response.into_body()
    }
}

fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("expected an outcome at once"),
    }
}

fn cycles(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reserve and commit, four budgets");
    for others in [0, 1_000_000] {
        let authority = LazyCell::new(|| authority(others));
        let probe = LazyCell::new(|| EngineProbe::new(&authority));
        group.bench_function(format!("engine, {others} other ledgers"), |bencher| {
            LazyCell::force(&probe);
            bencher.iter(|| assert!(probe.cycle(&LEVELS, black_box(1))));
        });
        let mut caller = None;
        group.bench_function(format!("in-process transport, {others} other ledgers"), |bencher| {
            let caller = caller.get_or_insert_with(|| Caller::new(&authority));
            bencher.iter(|| caller.cycle());
        });
    }
    group.finish();
}

criterion_group!(benches, cycles);
criterion_main!(benches);
