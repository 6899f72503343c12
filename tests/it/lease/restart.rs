//! What was spent of a lease outlives the process that spent it.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runcycles::{CyclesClient, JournalConfig, Scope, Settlement, SettlementStep, tokens};
use runcycles_authority::{Authority, Call};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Handle, Runtime};

use super::{LONG, authority, commits, ledger, sent};
use crate::support::clock::{pass, settle};
use crate::support::reply;
use crate::support::script::Script;
use crate::support::sent::Route;

/// How the process knows that it is one, and where its authority, its key and its journal are.
const LESSEE: [&str; 3] = ["LESSEE_URL", "LESSEE_KEY", "LESSEE_DIRECTORY"];

#[test]
#[ignore = "runs as another process"]
fn the_process_with_a_lease() {
    let [Ok(url), Ok(key), Ok(directory)] = LESSEE.map(env::var) else { return };
    let client = CyclesClient::builder(key, url).tenant("acme").journal(JournalConfig::in_directory(directory)).build();
    Runtime::new().unwrap().block_on(async {
        let lease = client.lease(Scope::agent("crawler"), tokens(100)).open().await.unwrap();
        eprintln!("opened");
        for line in std::io::stdin().lines() {
            match line.unwrap().split_once(' ') {
                Some(("spend", cost)) => {
                    let cost = tokens(cost.parse().unwrap());
                    lease.take(tokens(1)).await.unwrap().commit(cost).unwrap();
                    eprintln!("spent");
                }
                _ => break,
            }
        }
        lease.close().await.unwrap();
        client.shutdown(LONG).await;
    });
}

/// Another process, with a lease of 100 tokens.
struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStderr>>,
}

impl Process {
    fn start(url: &str, key: &str, directory: &Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "lease::restart::the_process_with_a_lease", "--ignored", "--nocapture"]);
        command.envs(LESSEE.into_iter().zip([url, key, &directory.display().to_string()]));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut process = Self { child, lines };
        process.hear("opened");
        process
    }

    fn hear(&mut self, expected: &str) {
        assert!(self.lines.by_ref().any(|line| line.unwrap() == expected), "the process has ended");
    }

    fn spend(&mut self, cost: u64) {
        writeln!(self.child.stdin.as_mut().unwrap(), "spend {cost}").unwrap();
        self.hear("spent");
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it in good order.
    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// An authority over HTTP, and a directory for journals.
struct World {
    runtime: Runtime,
    authority: Authority,
    url: String,
    key: String,
    directory: TempDir,
    _server: runcycles_authority::Server,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let authority = runtime.block_on(authority(1_000));
        let key = authority.api_key("acme");
        let server = runtime.block_on(authority.serve("127.0.0.1:0")).unwrap();
        let url = server.url();
        Self { runtime, authority, url, key, directory: TempDir::new().unwrap(), _server: server }
    }

    fn start(&self) -> Process {
        Process::start(&self.url, &self.key, self.directory.path())
    }

    /// A client of this process, which shares the journal.
    fn client(&self) -> CyclesClient {
        CyclesClient::builder(&self.key, &self.url)
            .tenant("acme")
            .journal(JournalConfig::in_directory(self.directory.path()))
            .transport(self.authority.transport())
            .build()
    }

    fn records(&self) -> Vec<(PathBuf, Value)> {
        records(self.directory.path())
    }

    /// The only record, as if its time had come.
    fn make_due(&self) -> Value {
        let [(path, record)] = &mut self.records()[..] else { panic!("one record") };
        record["not_before_ms"] = 1.into();
        fs::write(path, record.to_string()).unwrap();
        record.take()
    }
}

/// The records of a directory, and where they are.
fn records(directory: &Path) -> Vec<(PathBuf, Value)> {
    let folders = fs::read_dir(directory).unwrap();
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    let records = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|it| it == "json"));
    records.map(|path| (path.clone(), serde_json::from_slice(&fs::read(path).unwrap()).unwrap())).collect()
}

#[test]
fn what_a_killed_process_held_is_settled_as_spent_by_the_next_one() {
    let world = World::new();
    let mut process = world.start();
    process.spend(1);
    process.spend(1);
    process.kill();
    assert_eq!(ledger(&world.authority), (0, 100, 900));
    let record = world.make_due();
    assert_eq!(record["commit_body"]["actual"]["amount"], 100);
    assert_eq!(record["is_ahead"], true);

    let client = world.client();
    let report = world.runtime.block_on(client.flush(LONG));

    assert_eq!((report.settled, report.remaining), (1, 0));
    assert_eq!(ledger(&world.authority), (100, 0, 900), "known spend is in the ledger, and no limit is passed");
    let [commit] = &commits(&world.authority)[..] else { panic!("one commit") };
    assert_eq!(commit["idempotency_key"], record["commit_body"]["idempotency_key"]);
    assert_eq!(commit["metadata"]["actual_source"], "lease_chunk");
    assert_eq!(commit["metadata"]["settled_after"], "crash");
    assert!(world.records().is_empty());
}

#[test]
fn spend_beyond_a_chunk_is_on_disk_at_once() {
    let world = World::new();
    let mut process = world.start();
    process.spend(130);
    // The disk is another thread's work; the second chunk may have a record too.
    let known = || world.records().iter().any(|(_, record)| record["commit_body"]["actual"]["amount"] == 130);
    while !known() {
        std::thread::yield_now();
    }
    process.kill();
}

#[test]
fn a_lease_that_ends_in_good_order_is_settled_exactly_and_leaves_no_record() {
    let world = World::new();
    let mut process = world.start();
    process.spend(1);
    assert_eq!(world.records().len(), 1);
    process.end();
    assert_eq!(ledger(&world.authority), (1, 0, 999));
    assert!(world.records().is_empty());
}

#[test]
fn a_process_that_starts_meanwhile_leaves_the_lease_of_a_living_one_alone() {
    let world = World::new();
    let mut process = world.start();
    process.spend(1);
    let client = world.client();
    // Its time flies, while that of the other process and of the disk does not.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let report = client.flush(LONG).await;
        assert_eq!((report.settled, report.remaining), (0, 0), "it has nothing to do with it");
        tokio::time::sleep(Duration::from_secs(600)).await;
    });
    assert_eq!(ledger(&world.authority), (0, 100, 900));
    process.spend(1);
    process.end();
    assert_eq!(ledger(&world.authority), (2, 0, 998));
    assert_eq!(sent(&world.authority, Call::Commit).len(), 1);
    assert!(runtime.block_on(client.shutdown(LONG)).is_clean());
}

#[test]
fn a_process_that_starts_before_another_is_overdue_takes_its_lease_up_when_it_is() {
    let world = World::new();
    let settled = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let mut process = world.start();
    process.spend(1);
    process.kill();
    let count = std::sync::Arc::clone(&settled);
    let client = CyclesClient::builder(&world.key, &world.url)
        .tenant("acme")
        .journal(JournalConfig::in_directory(world.directory.path()))
        .transport(world.authority.transport())
        .on_settlement(move |event| {
            if let SettlementStep::Settled(Settlement::Committed { .. }) = event.step {
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        })
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        client.flush(LONG).await;
        assert_eq!(ledger(&world.authority), (0, 100, 900));
        world.make_due();
        while settled.load(std::sync::atomic::Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(client.shutdown(LONG).await.is_clean());
    });
    assert_eq!(ledger(&world.authority), (100, 0, 900));
    // The journal's thread removes the record when it comes to it.
    let started = std::time::Instant::now();
    while !world.records().is_empty() {
        assert!(started.elapsed() < LONG, "the record stays");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_lease_is_left_alone_by_others_where_the_authority_does_not_say_how_long_it_lives() {
    let script = Script::new();
    let granted = json!({
        "decision": "ALLOW",
        "reservation_id": "rsv_1",
        "reserved": { "unit": "TOKENS", "amount": 100 },
        "expires_at_ms": 60_000,
        "affected_scopes": ["tenant:acme"],
    });
    script.always(Route::Reserve, reply::json(200, &granted));
    script.always(Route::Extend, reply::json(200, &json!({ "status": "ACTIVE", "expires_at_ms": 60_000 })));
    let directory = TempDir::new().unwrap();
    let client = script.builder().journal(JournalConfig::in_directory(directory.path())).build();
    let lease = client.lease(Scope::agent("crawler"), tokens(100)).open().await.unwrap();

    let [(path, record)] = &records(directory.path())[..] else { panic!("one record") };
    let wait_ms = record["not_before_ms"].as_u64().unwrap() - record["recorded_at_ms"].as_u64().unwrap();
    assert!(wait_ms >= 30_000, "{wait_ms} ms");
    // It is written again in good time.
    fs::remove_file(path).unwrap();
    tokio::time::pause();
    let sub = lease.take(tokens(1)).await.unwrap();
    pass(Duration::from_secs(20)).await;
    let started = std::time::Instant::now();
    while records(directory.path()).is_empty() {
        assert!(started.elapsed() < LONG, "it is not written again");
        std::thread::yield_now();
    }
    sub.commit(tokens(1)).unwrap();
    lease.close().await.unwrap();
}

#[tokio::test]
async fn nothing_is_written_any_more_after_a_shutdown_that_a_call_outlasts() {
    let directory = TempDir::new().unwrap();
    let script = Script::new();
    let client = script.builder().journal(JournalConfig::in_directory(directory.path())).build();
    let lease = client.lease(Scope::agent("crawler"), tokens(100)).open().await.unwrap();
    let sub = lease.take(tokens(1)).await.unwrap();
    tokio::time::pause();
    assert_eq!(client.shutdown(Duration::from_secs(1)).await.live, 1);
    settle().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
    drop((sub, lease));
}
