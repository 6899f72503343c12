//! What the journal adds to a governed call, measured on request:
//!
//! `cargo test --release --lib -p runcycles --no-default-features --features journal -- --ignored --nocapture governed`
//!
//! Under `taskset -c 0` it is the processor time of both threads; on two processors, a sleeping one has to be woken up twice.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::client::{CyclesClient, Durability, JournalConfig};
use crate::error::TransportError;
use crate::protocol::{Reserve, tokens};
use crate::transport::{BoxFuture, Transport};

const CALLS: usize = 20_000;

/// Grants and settles everything at once, without a network.
struct Granting;

impl Transport for Granting {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let body = if request.uri().path().ends_with("/commit") {
            Bytes::from_static(br#"{"status":"COMMITTED","charged":{"unit":"TOKENS","amount":7}}"#)
        } else {
            let id = fastrand::u64(..);
            let text = format!(
                r#"{{"decision":"ALLOW","reservation_id":"rsv_{id:016x}","affected_scopes":["tenant:acme"],"expires_at_ms":1763775060000,"remaining_ttl_ms":60000}}"#
            );
            Bytes::from(text)
        };
        Box::pin(async move { Ok(http::Response::new(body)) })
    }
}

/// How long governed calls take, one at a time, with this long of work in between, as for an answer of an authority.
async fn calls(journal: JournalConfig, count: usize) -> Vec<Duration> {
    let client = CyclesClient::builder("key", "http://authority.test")
        .tenant("acme")
        .journal(journal)
        .transport(Granting)
        .build();
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        let guard =
            client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(tokens(10))).await.expect("granted");
        guard.commit(tokens(7)).await.expect("settled");
        times.push(start.elapsed());
        let answered = Instant::now() + Duration::from_micros(30);
        while Instant::now() < answered {
            std::hint::spin_loop();
        }
    }
    client.flush(Duration::from_secs(60)).await;
    times
}

/// How long the disk itself takes to keep a record of a usual length and to remove it.
fn records(directory: &Path, count: usize) -> Vec<Duration> {
    let record = directory.join(format!("v2-{:064x}.json", 7));
    let unfinished = directory.join(format!("v2-{:064x}.json.4711.{:08x}.tmp", 7, 7));
    let keep = || -> std::io::Result<()> {
        std::fs::write(&unfinished, [b'x'; 900])?;
        std::fs::rename(&unfinished, &record)?;
        std::fs::remove_file(&record)
    };
    let timed = |_| {
        let start = Instant::now();
        keep().expect("a disk that works");
        start.elapsed()
    };
    (0..count).map(timed).collect()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

#[test]
#[ignore = "a measurement"]
fn governed_calls() {
    let directory =
        TempDir::new_in(std::env::var("JOURNAL_COST_DIR").map_or_else(|_| std::env::temp_dir(), Into::into))
            .expect("a directory");
    println!("the disk: {:.1} µs a record", median(records(directory.path(), CALLS)));
    for (threads, runtime) in [("one thread", one_thread()), ("two threads", two_threads())] {
        let without = median(runtime.block_on(calls(JournalConfig::disabled(), CALLS)));
        for durability in [Durability::ProcessCrash, Durability::PowerLoss] {
            let count = if durability == Durability::PowerLoss { CALLS / 20 } else { CALLS };
            let journal = JournalConfig::in_directory(directory.path()).durability(durability);
            let with = median(runtime.block_on(calls(journal, count)));
            println!("{threads}, {durability:?}: {with:.1} µs with a journal, {without:.1} µs without");
        }
    }
}
