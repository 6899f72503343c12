//! What a sub-reservation of a lease costs, beside a reservation of its own: in process and over loopback.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use runcycles::{CyclesClient, JournalConfig, Lease, Reserve, Scope, tokens};
use runcycles_authority::{Authority, Server};
use tokio::runtime::Runtime;

/// More than any number of rounds spends.
const BUDGET: u64 = 1 << 60;

/// A chunk that lasts for some thousand calls.
const CHUNK: u64 = 100_000;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn lease(client: &CyclesClient, chunk: u64) -> Lease {
    let lease = client.lease(Scope::agent("crawler"), tokens(chunk)).action("llm.completion", "small");
    lease.settle_every(Duration::from_secs(3_600)).open().await.unwrap()
}

/// A reservation of its own, and its commit.
async fn plain(client: &CyclesClient) {
    let reserve = Reserve::new("llm.completion", "small").estimate(tokens(10)).subject(Scope::agent("crawler"));
    client.reserve(reserve).await.unwrap().commit(tokens(7)).await.unwrap();
}

/// The counter alone, without a refill.
fn counter(c: &mut Criterion) {
    let runtime = runtime();
    let authority = runtime.block_on(Authority::builder().budget("tenant:acme", tokens(BUDGET)).start()).unwrap();
    let lease = runtime.block_on(lease(&authority.client("acme"), BUDGET / 4));
    let mut group = c.benchmark_group("sub-reservation");
    group.bench_function("taken and committed", |b| {
        b.iter(|| lease.try_take(black_box(tokens(10))).unwrap().commit(black_box(tokens(7))).unwrap());
    });
    group.bench_function("taken and dropped", |b| b.iter(|| drop(lease.try_take(black_box(tokens(10))).unwrap())));
    group.bench_function("taken by a future and committed", |b| {
        b.iter_custom(|rounds| {
            runtime.block_on(async {
                let started = Instant::now();
                for _ in 0..rounds {
                    lease.take(black_box(tokens(10))).await.unwrap().commit(black_box(tokens(7))).unwrap();
                }
                started.elapsed()
            })
        });
    });
    group.bench_function("taken and committed by two threads at once", |b| {
        b.iter_custom(|rounds| {
            let started = Instant::now();
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| {
                        for _ in 0..rounds / 2 {
                            lease.try_take(black_box(tokens(10))).unwrap().commit(black_box(tokens(7))).unwrap();
                        }
                    });
                }
            });
            started.elapsed()
        });
    });
    group.finish();
}

/// Calls of an application, refills included.
fn calls(c: &mut Criterion) {
    let runtime = runtime();
    let (authority, server) = runtime.block_on(async {
        let authority = Authority::builder().budget("tenant:acme", tokens(BUDGET)).start().await.unwrap();
        let server: Server = authority.serve("127.0.0.1:0").await.unwrap();
        (authority, server)
    });
    let over_loopback = CyclesClient::builder(authority.api_key("acme"), server.url());
    let clients = [
        ("in process", authority.client("acme")),
        ("over loopback", over_loopback.tenant("acme").journal(JournalConfig::disabled()).build()),
    ];
    let mut group = c.benchmark_group("calls");
    group.throughput(Throughput::Elements(1));
    for (place, client) in &clients {
        group.bench_function(format!("{place}, one reservation each"), |b| {
            b.iter_custom(|rounds| {
                runtime.block_on(async {
                    let started = Instant::now();
                    for _ in 0..rounds {
                        plain(client).await;
                    }
                    started.elapsed()
                })
            });
        });
        let lease = runtime.block_on(lease(client, CHUNK));
        group.bench_function(format!("{place}, by a lease"), |b| {
            b.iter_custom(|rounds| {
                runtime.block_on(async {
                    let started = Instant::now();
                    for _ in 0..rounds {
                        lease.take(tokens(10)).await.unwrap().commit(tokens(7)).unwrap();
                    }
                    started.elapsed()
                })
            });
        });
        let stats = lease.stats();
        println!(
            "{place}: {} calls by a lease of {CHUNK} tokens: {} chunks, {} requests where {} would have been",
            stats.settled,
            stats.chunks,
            2 * stats.chunks,
            2 * stats.settled,
        );
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = counter, calls
}
criterion_main!(benches);
