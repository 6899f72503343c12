//! What the journal costs, measured on request:
//!
//! `cargo test --release --lib -p runcycles --no-default-features --features journal -- --ignored --nocapture cost`

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::{identity, load, record};
use crate::client::{Durability, JournalConfig};
use crate::journal::{Journal, Origin, Place, Record, SystemDisk};

const CALLS: usize = 10_000;

fn in_directory(base: &Path, durability: Durability) -> Journal {
    Journal::new(&JournalConfig::in_directory(base).durability(durability), identity())
}

fn records(count: usize) -> Vec<Record> {
    (0..count).map(|n| record(&format!("rsv_{n:08}"), 42)).collect()
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    println!("{what:<58} p50 {:>7.1} µs   p90 {:>7.1} µs   p99 {:>7.1} µs", at(50), at(90), at(99));
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// What the disk takes for the same files without a journal.
fn bare(directory: &Path, sync: bool) -> Vec<Duration> {
    let text = record("rsv_00000001", 42).encode(super::BASE_URL);
    let one = |n: usize| {
        use std::io::Write as _;
        let (unfinished, name) = (directory.join(format!("{n}.tmp")), directory.join(format!("{n}.json")));
        let start = Instant::now();
        let mut file = fs::File::create_new(&unfinished).expect("a file");
        file.write_all(&text).expect("written");
        if sync {
            file.sync_data().expect("synchronised");
        }
        drop(file);
        fs::rename(&unfinished, &name).expect("renamed");
        if sync {
            fs::File::open(directory).expect("a directory").sync_all().expect("synchronised");
        }
        let taken = start.elapsed();
        fs::remove_file(&name).expect("removed");
        taken
    };
    (0..CALLS / if sync { 10 } else { 1 }).map(one).collect()
}

async fn one_at_a_time(journal: Journal, count: usize) -> Vec<Duration> {
    let mut times = Vec::with_capacity(count);
    for record in records(count) {
        let start = Instant::now();
        journal.write(&record).await.expect("written");
        times.push(start.elapsed());
        journal.remove(&record.reservation_id, Origin::Written);
        // The answer of an authority takes longer than the removal.
        let answered = Instant::now() + Duration::from_micros(30);
        while Instant::now() < answered {
            std::hint::spin_loop();
        }
    }
    journal.drained().await.expect("drained");
    times
}

/// How long a record takes where 64 tasks write and remove some.
async fn at_once(journal: Journal, count: usize) -> Duration {
    let journal = Arc::new(journal);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for records in records(count).chunks(count / 64) {
        let (journal, records) = (Arc::clone(&journal), records.to_vec());
        tasks.spawn(async move {
            for record in records {
                journal.write(&record).await.expect("written");
                journal.remove(&record.reservation_id, Origin::Written);
            }
        });
    }
    tasks.join_all().await;
    journal.drained().await.expect("drained");
    start.elapsed() / u32::try_from(count).expect("a small count")
}

#[test]
#[ignore = "a measurement"]
fn cost() {
    let directory =
        TempDir::new_in(std::env::var("JOURNAL_COST_DIR").map_or_else(|_| std::env::temp_dir(), Into::into))
            .expect("a directory");
    let base = directory.path();
    show("the bare files: create, write, rename", bare(base, false));
    show("the bare files with file and directory synchronised", bare(base, true));
    let config = JournalConfig::in_directory(base);
    let on_caller = Journal::on(Arc::new(SystemDisk), Place::Caller, &config, identity());
    show("ProcessCrash, without a thread: write", one_thread().block_on(one_at_a_time(on_caller, CALLS)));
    for durability in [Durability::ProcessCrash, Durability::PowerLoss] {
        let calls = if durability == Durability::PowerLoss { CALLS / 10 } else { CALLS };
        for (threads, runtime) in [("one thread", one_thread()), ("two threads", two_threads())] {
            let times = runtime.block_on(runtime.spawn(one_at_a_time(in_directory(base, durability), calls)));
            show(&format!("{durability:?}, {threads}, one at a time: write"), times.expect("no panic"));
            let taken = runtime.block_on(runtime.spawn(at_once(in_directory(base, durability), calls)));
            println!(
                "{:<58} {:>7.0} a second",
                format!("{durability:?}, {threads}, 64 at a time"),
                1.0 / taken.expect("no panic").as_secs_f64()
            );
        }
    }
}

/// For `strace -f -c`: `CALLS` records are written and removed.
#[test]
#[ignore = "a measurement"]
fn system_calls() {
    let directory = TempDir::new().expect("a directory");
    let count = std::env::var("JOURNAL_CALLS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000);
    one_thread().block_on(one_at_a_time(in_directory(directory.path(), Durability::ProcessCrash), count));
}

#[test]
#[ignore = "a measurement"]
fn replay() {
    let directory = TempDir::new().expect("a directory");
    let runtime = one_thread();
    runtime.block_on(async {
        let journal = in_directory(directory.path(), Durability::ProcessCrash);
        for record in records(10_000) {
            journal.write(&record).await.expect("written");
        }
        drop(journal);
        let journal = in_directory(directory.path(), Durability::ProcessCrash);
        let start = Instant::now();
        let found = load(&journal).await.len();
        println!("{found} records read in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    });
}
