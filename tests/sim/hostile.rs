//! A server that keeps to nothing: the client neither panics nor hangs nor floods it, and callers get what their actions gave.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use http::{HeaderValue, Request, Response, StatusCode};
use runcycles::__simulation::Host;
use runcycles::{
    BoxFuture, CyclesClient, Error, HeartbeatPolicy, JournalConfig, Scope, Transport, TransportError, WithCyclesConfig,
    tokens,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::clock::WorldClock;
use crate::disk::{Health, Platter, ProcessDisk};
use crate::life::Life;
use crate::route::Route;
use crate::virtual_time::{take_panics, virtual_runtime};

/// Longer than any call takes, in virtual time.
const LONGEST: Duration = Duration::from_secs(10 * 86_400);

/// The most requests that a call makes, whatever it is answered: its reservation and a repetition, a day of beats at their
/// shortest distance of a second, and the attempts to settle.
const REQUESTS_PER_CALL: usize = 1_000;

/// Answers anything.
struct Hostile {
    rng: Mutex<Rng>,
    requests: AtomicUsize,
}

impl Transport for Hostile {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (route, _) = Route::of(&request);
        let (answer, latency) = {
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            (answer(&mut rng, route), Duration::from_millis(rng.u64(..9_000)))
        };
        Box::pin(async move {
            tokio::time::sleep(latency).await;
            Ok(answer)
        })
    }
}

/// Some answer: often a valid one with one thing wrong.
fn answer(rng: &mut Rng, route: Route) -> Response<Bytes> {
    let mut body = valid(rng, route);
    if rng.bool() {
        spoil(rng, &mut body);
    }
    let text = match rng.u32(..12) {
        0 => "[".repeat(100_000),
        1 => format!("{{\"reservation_id\":\"{}\"}}", "x".repeat(100_000)),
        2 => (0..rng.usize(..200)).map(|_| rng.char(..)).collect(),
        _ => body.to_string(),
    };
    let success = if route == Route::Event { 201 } else { 200 };
    let status = if rng.u32(..3) == 0 { rng.u16(200..1000) } else { success };
    let mut answer = Response::new(Bytes::from(text));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    if rng.bool() {
        let values = ["0", "1", "99999999999999999999999", "-1", "", "soon", "3600", "\u{7f}"];
        for name in ["retry-after", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "x-cycles-trace-id"] {
            if let Ok(value) = HeaderValue::from_str(values[rng.usize(..values.len())]) {
                answer.headers_mut().insert(name, value);
            }
        }
    }
    answer
}

fn valid(rng: &mut Rng, route: Route) -> Value {
    let amount = json!({ "unit": "TOKENS", "amount": 10 });
    let balance = json!({ "scope": "tenant:acme", "remaining": amount, "spent": amount });
    let code = ["BUDGET_EXCEEDED", "RESERVATION_EXPIRED", "LIMIT_EXCEEDED", "NOT_FOUND", "ANYTHING"][rng.usize(..5)];
    let decision = ["ALLOW", "ALLOW_WITH_CAPS", "DENY", "MAYBE"][rng.usize(..4)];
    let remaining_ttl_ms = [0, 1, 60_000, u64::MAX][rng.usize(..4)];
    match (rng.u32(..4), route) {
        (0, _) => {
            json!({ "error": code, "message": "no", "request_id": "req_1", "details": { "scope": "x", "remaining": -1 } })
        }
        (_, Route::Reserve) => json!({
            "decision": decision,
            "reservation_id": format!("rsv_{}", rng.u32(..)),
            "affected_scopes": ["tenant:acme"],
            "expires_at_ms": rng.u64(..1 << 60),
            "remaining_ttl_ms": remaining_ttl_ms,
            "caps": { "max_tokens": 1 },
            "balances": [balance],
        }),
        (_, Route::Extend) => {
            json!({ "status": "ACTIVE", "expires_at_ms": rng.u64(..), "remaining_ttl_ms": rng.u64(..100_000) })
        }
        (_, Route::Commit) => {
            json!({ "status": "COMMITTED", "charged": amount, "released": amount, "balances": [balance] })
        }
        (_, Route::Release) => json!({ "status": "RELEASED", "released": amount }),
        (_, Route::Event) => json!({ "status": "APPLIED", "event_id": "evt_1", "charged": amount }),
        (_, Route::List) => json!({ "reservations": [], "has_more": true, "next_cursor": "again" }),
    }
}

/// Puts something wrong in place of a part, or takes the part away.
fn spoil(rng: &mut Rng, value: &mut Value) {
    match value {
        Value::Object(members) if !members.is_empty() && rng.u32(..6) > 0 => {
            let at = rng.usize(..members.len());
            let name = members.keys().nth(at).cloned().unwrap_or_default();
            match members.get_mut(&name) {
                Some(member) if rng.u32(..4) > 0 => spoil(rng, member),
                _ => drop(members.remove(&name)),
            }
        }
        Value::Array(items) if !items.is_empty() && rng.bool() => {
            let at = rng.usize(..items.len());
            spoil(rng, &mut items[at]);
        }
        other => {
            let wrongs = [
                Value::Null,
                json!(-1),
                json!(0),
                json!(u64::MAX),
                json!(i64::MIN),
                json!(1e308),
                json!(0.5),
                json!(true),
                json!(""),
                json!("\u{0}\u{202e}ALLOW"),
                json!("9".repeat(10_000)),
                json!([]),
                json!({}),
                json!([[[[[[[[[[]]]]]]]]]]),
            ];
            *other = wrongs[rng.usize(..wrongs.len())].clone();
        }
    }
}

/// Some calls against a hostile server. What is broken, if anything is.
fn run(seed: u64) -> Result<usize, String> {
    let mut rng = Rng::with_seed(seed);
    fastrand::seed(rng.u64(..));
    let clock = WorldClock::new();
    let health = Arc::new(Mutex::new(Health { rng: rng.fork(), failing: 0.0, failed: 0 }));
    let mount = PathBuf::from(format!("/hostile-{:?}", std::thread::current().id()));
    let disk = ProcessDisk {
        platter: Platter::new(),
        mount: mount.clone(),
        life: Life::until(usize::MAX),
        clock: clock.clone(),
        health,
    };
    let host_clock = clock.clone();
    let _hosted = Host::new(Arc::new(disk), move || host_clock.time_of_day()).enter();
    let hostile = Arc::new(Hostile { rng: Mutex::new(rng.fork()), requests: AtomicUsize::new(0) });
    let calls = rng.usize(1..6);
    virtual_runtime().block_on(async {
        clock.start();
        let client = CyclesClient::builder("cyc_live_secret", "http://authority.test")
            .tenant("acme")
            .journal(JournalConfig::in_directory(mount.join("journal")))
            .transport(Shared(Arc::clone(&hostile)))
            .build();
        let mut making = JoinSet::new();
        for number in 0..calls {
            making.spawn(call(client.clone(), number, Duration::from_millis(rng.u64(..100_000)), rng.bool()));
        }
        let made = tokio::time::timeout(LONGEST, making.join_all()).await;
        made.map_err(|_| "a call does not end")?.into_iter().collect::<Result<Vec<_>, _>>()?;
        let ends = async {
            client.flush(Duration::from_secs(60)).await;
            client.shutdown(Duration::from_secs(60)).await;
        };
        tokio::time::timeout(LONGEST, ends).await.map_err(|_| "a shutdown does not end")?;
        drop(client);
        tokio::time::sleep(LONGEST).await;
        match Handle::current().metrics().num_alive_tasks() {
            0 => Ok::<(), String>(()),
            tasks => Err(format!("{tasks} tasks outlive their client")),
        }
    })?;
    let requests = hostile.requests.load(Ordering::Relaxed);
    if requests > calls * REQUESTS_PER_CALL {
        return Err(format!("{requests} requests of {calls} calls"));
    }
    match take_panics().pop() {
        None => Ok(requests),
        Some(panic) => Err(format!("a panic: {panic}")),
    }
}

/// The server behind the transport.
struct Shared(Arc<Hostile>);

impl Transport for Shared {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        self.0.call(request)
    }
}

/// One call, whose caller gets its value, or an error before it ran.
async fn call(client: CyclesClient, number: usize, works_for: Duration, cancels: bool) -> Result<(), String> {
    let heartbeat = if cancels { HeartbeatPolicy::Cancel } else { HeartbeatPolicy::Warn };
    let config = WithCyclesConfig::new(tokens(10))
        .action("tool.call", "any")
        .subject(Scope::agent("bot"))
        .ttl(Duration::from_secs(20))
        .heartbeat(heartbeat);
    let ran = AtomicUsize::new(0);
    let result: Result<usize, Error> = client
        .execute(config, |_| async {
            ran.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(works_for).await;
            Ok(number)
        })
        .await;
    match (result, ran.into_inner()) {
        (Ok(value), 1) if value == number => Ok(()),
        (Err(Error::LeaseLost { .. }), 1) if cancels => Ok(()),
        (Err(_), 0) => Ok(()),
        (other, ran) => Err(format!("an action that ran {ran} times gives {other:?}")),
    }
}

#[test]
fn a_hostile_server_can_neither_break_a_client_nor_have_it_flood_or_wait_for_ever() {
    let seeds = crate::from_env("SIMULATION_SEEDS").unwrap_or(300);
    let mut requests = 0;
    for seed in 0..seeds {
        match run(seed) {
            Ok(sent) => requests += sent,
            Err(broken) => panic!("seed {seed}: {broken}"),
        }
    }
    println!("{seeds} seeds: {requests} requests to a hostile server");
}
