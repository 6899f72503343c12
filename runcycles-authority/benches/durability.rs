//! What durability costs, against the same authority in memory: a governed call one at a time, calls over HTTP on many
//! connections, starting with what a directory holds.

use std::future::Future;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use runcycles::models::Level;
use runcycles::{Transport as _, usd};
use runcycles_authority::__private::EngineProbe;
use runcycles_authority::{Authority, AuthorityBuilder, Durability, InProcess, Server};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const LEVELS: [(Level, &str); 4] =
    [(Level::Tenant, "acme"), (Level::Workspace, "prod"), (Level::App, "chatbot"), (Level::Agent, "bot")];
const API_KEY: &str = "cyc_live_benchmark_of_durability";
const CONNECTIONS: u64 = 64;
const FINISHED: u64 = 1_000_000;

/// Where an authority keeps its state.
#[derive(Clone, Copy, Debug)]
enum Keeping {
    Memory,
    Disk(Durability),
}

impl Keeping {
    const ALL: [(Self, &str); 3] = [
        (Self::Memory, "in memory"),
        (Self::Disk(Durability::ProcessCrash), "process crash"),
        (Self::Disk(Durability::PowerLoss), "power loss"),
    ];

    /// A builder with a budget at every level of a call.
    fn builder(self, dir: &Path) -> AuthorityBuilder {
        let mut builder = Authority::builder().api_key(API_KEY, "acme");
        for scope in [
            "tenant:acme",
            "tenant:acme/workspace:prod",
            "tenant:acme/workspace:prod/app:chatbot",
            "tenant:acme/workspace:prod/app:chatbot/agent:bot",
        ] {
            builder = builder.budget(scope, usd!(90_000_000_000));
        }
        match self {
            Self::Memory => builder,
            Self::Disk(durability) => builder.path(dir).durability(durability),
        }
    }
}

/// A directory that is removed again.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("durability-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn fresh() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// Sends a request's body and returns the answer's.
trait Caller {
    fn post(&mut self, path: &str, body: String) -> impl Future<Output = Bytes>;
}

/// Reserves and commits.
async fn cycle(caller: &mut impl Caller) {
    let count = fresh();
    let reserve = format!(
        r#"{{"idempotency_key":"key-{count:032}","subject":{{"tenant":"acme","workspace":"prod","app":"chatbot","agent":"bot"}},"action":{{"kind":"llm.completion","name":"gpt-4o"}},"estimate":{{"unit":"USD_MICROCENTS","amount":2000000}},"ttl_ms":60000}}"#
    );
    let answer = caller.post("/v1/reservations", reserve).await;
    let id_at = answer.windows(18).position(|window| window == b"\"reservation_id\":\"").expect("an id") + 18;
    let id = std::str::from_utf8(&answer[id_at..id_at + 36]).expect("an id of text");
    let commit = format!(
        r#"{{"idempotency_key":"commit-{count:032}","actual":{{"unit":"USD_MICROCENTS","amount":1300000}},"metrics":{{"latency_ms":850}}}}"#
    );
    black_box(caller.post(&format!("/v1/reservations/{id}/commit"), commit).await);
}

impl Caller for InProcess {
    async fn post(&mut self, path: &str, body: String) -> Bytes {
        let request = Request::post(format!("http://in-process{path}"))
            .header("x-cycles-api-key", API_KEY)
            .header("content-type", "application/json")
            .body(Bytes::from(body))
            .expect("a valid request");
        let response = self.call(request).await.expect("an answer");
        assert!(response.status().is_success(), "{:?}", response.body());
        response.into_body()
    }
}

/// A connection that is kept.
struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    async fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.addr()).await.expect("a server");
        stream.set_nodelay(true).expect("a socket");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
        tokio::spawn(connection);
        Self(sender)
    }
}

impl Caller for Connection {
    async fn post(&mut self, path: &str, body: String) -> Bytes {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("x-cycles-api-key", API_KEY)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .expect("a valid request");
        self.0.ready().await.expect("an open connection");
        let response = self.0.send_request(request).await.expect("an answer");
        assert!(response.status().is_success(), "{}", response.status());
        response.into_body().collect().await.expect("a body").to_bytes()
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn one_at_a_time(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reserve and commit in process, one at a time");
    group.throughput(Throughput::Elements(1));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for (keeping, name) in Keeping::ALL {
        let dir = Directory::new();
        let authority = runtime.block_on(keeping.builder(&dir.0).start()).expect("a valid set-up");
        let mut transport = authority.transport();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                runtime.block_on(async {
                    let start = Instant::now();
                    for _ in 0..times {
                        cycle(&mut transport).await;
                    }
                    start.elapsed()
                })
            });
        });
    }
    group.finish();
}

fn over_http(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reserve and commit over HTTP, 64 connections, client included");
    group.throughput(Throughput::Elements(1)).sampling_mode(SamplingMode::Flat).sample_size(10);
    let runtime = runtime();
    for (keeping, name) in Keeping::ALL {
        let dir = Directory::new();
        let authority = runtime.block_on(keeping.builder(&dir.0).start()).expect("a valid set-up");
        let server = runtime.block_on(authority.serve("127.0.0.1:0")).expect("a free port");
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| runtime.block_on(share(times, &server)));
        });
        runtime.block_on(server.shutdown());
    }
    group.finish();
}

/// How long a number of cycles takes that every connection has its share of.
async fn share(times: u64, server: &Server) -> Duration {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS.min(times) {
        connections.push(Connection::open(server).await);
    }
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, mut connection) in (0..).zip(connections) {
        let share = times / CONNECTIONS + u64::from(number < times % CONNECTIONS);
        tasks.spawn(async move {
            for _ in 0..share {
                cycle(&mut connection).await;
            }
        });
    }
    tasks.join_all().await;
    start.elapsed()
}

fn starting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    let runtime = runtime();
    let dir = Directory::new();
    let keeping = Keeping::Disk(Durability::ProcessCrash);
    let mut is_filled = false;
    group.bench_function(format!("with {FINISHED} finished reservations and their idempotency records"), |bencher| {
        if !is_filled {
            let authority = runtime.block_on(keeping.builder(&dir.0).start()).expect("a valid set-up");
            let probe = EngineProbe::new(&authority);
            (0..FINISHED).for_each(|_| assert!(probe.cycle(&LEVELS, 1)));
            runtime.block_on(authority.close()).expect("a disk that works");
            is_filled = true;
        }
        bencher.iter_custom(|times| {
            let mut taken = Duration::ZERO;
            for _ in 0..times {
                let start = Instant::now();
                let authority = runtime.block_on(keeping.builder(&dir.0).start()).expect("the directory");
                taken += start.elapsed();
                runtime.block_on(authority.close()).expect("a disk that works");
            }
            taken
        });
    });
    group.finish();
}

criterion_group!(benches, one_at_a_time, over_http, starting);
criterion_main!(benches);
