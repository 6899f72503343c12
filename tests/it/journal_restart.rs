//! Known spend outlives the process that knows it: what is on disk when a request leaves, and what the next process makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use runcycles::models::Amount;
use runcycles::{
    BoxFuture, CyclesClient, JournalConfig, Reserve, Settlement, Transport, TransportError, TransportErrorKind, tokens,
};
use runcycles_authority::{Authority, InProcess};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const LONG: Duration = Duration::from_secs(20);

/// What happens to requests that settle.
#[derive(Clone, Copy, PartialEq)]
enum Network {
    /// They arrive, and so do their answers.
    Whole,
    /// They arrive, and their answers do not.
    LosesAnswers,
    /// They neither arrive nor fail.
    Stalls,
    /// The authority asks to wait.
    Throttles(&'static str),
}

/// The authority behind a network, and what was on disk whenever a settling request left.
#[derive(Clone)]
struct Wire {
    authority: InProcess,
    network: Network,
    directory: PathBuf,
    sent: Arc<Mutex<Vec<Sent>>>,
}

#[derive(Clone)]
struct Sent {
    path: String,
    key: String,
    on_disk: Vec<Value>,
}

impl Transport for Wire {
    fn call(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let path = request.uri().path().to_owned();
        if path == "/v1/reservations" {
            return self.authority.call(request);
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let key = body["idempotency_key"].as_str().unwrap().to_owned();
        self.sent.lock().unwrap().push(Sent { path, key, on_disk: records(&self.directory) });
        Box::pin(async move {
            match self.network {
                Network::Whole => self.authority.call(request).await,
                Network::LosesAnswers => {
                    self.authority.call(request).await?;
                    Err(TransportError::new(TransportErrorKind::Interrupted))
                }
                Network::Stalls => std::future::pending().await,
                Network::Throttles(after) => {
                    let answer = http::Response::builder().status(429).header("retry-after", after);
                    Ok(answer.body(Bytes::new()).unwrap())
                }
            }
        })
    }
}

/// The records below a directory, in the order of their names.
fn records(directory: &Path) -> Vec<Value> {
    let Ok(folders) = fs::read_dir(directory) else { return Vec::new() };
    let files = folders.flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let records = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    records.map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
}

/// A process: a runtime, and a client with a journal.
struct Process {
    runtime: Runtime,
    client: CyclesClient,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Process {
    fn start(authority: &Authority, directory: &TempDir, network: Network) -> Self {
        let directory = directory.path().to_owned();
        let wire =
            Wire { authority: authority.transport(), network, directory: directory.clone(), sent: Arc::default() };
        let sent = Arc::clone(&wire.sent);
        let client = CyclesClient::builder(authority.api_key("acme"), "http://authority.test")
            .tenant("acme")
            .journal(JournalConfig::in_directory(directory))
            .transport(wire)
            .build();
        Self { runtime: Runtime::new().unwrap(), client, sent }
    }

    /// Makes a call that costs an amount, and ends as its settlement does.
    fn call(&self, cost: Amount) -> Settlement {
        self.runtime.block_on(async {
            let guard = self.client.reserve(Reserve::new("tool.call", "a").estimate(tokens(10))).await.unwrap();
            guard.commit(cost).await.unwrap()
        })
    }

    /// Makes a call whose settlement does not end.
    fn call_that_stalls(&self, cost: Amount) {
        let guard =
            self.runtime.block_on(self.client.reserve(Reserve::new("tool.call", "a").estimate(tokens(10)))).unwrap();
        let settling = self.runtime.spawn(guard.commit(cost));
        while self.sent().is_empty() {
            std::thread::yield_now();
        }
        settling.abort();
    }

    /// Ends as a crash does: nothing that is under way goes on.
    fn crash(self) -> Vec<Sent> {
        let sent = self.sent();
        self.runtime.shutdown_timeout(LONG);
        sent
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
}

fn authority() -> Authority {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(Authority::builder().budget("tenant:acme", tokens(1_000)).start()).unwrap()
}

fn spent(authority: &Authority) -> u64 {
    authority.ledger("tenant:acme").unwrap().spent.value()
}

#[test]
fn a_record_is_on_disk_before_its_commit_leaves_and_gone_once_it_is_settled() {
    let (authority, directory) = (authority(), TempDir::new().unwrap());
    let process = Process::start(&authority, &directory, Network::Whole);

    assert!(matches!(process.call(tokens(7)), Settlement::Committed { .. }));
    process.runtime.block_on(process.client.flush(LONG));

    let [sent] = &process.sent()[..] else { panic!("one settling request") };
    let [record] = &sent.on_disk[..] else { panic!("one record") };
    assert_eq!(record["mode"], "commit");
    assert_eq!(record["base_url"], "http://authority.test");
    assert_eq!(record["commit_body"]["idempotency_key"], sent.key.as_str());
    assert_eq!(record["commit_body"]["actual"]["amount"], 7);
    assert_eq!(record["event_fallback_body"]["subject"]["tenant"], "acme");
    assert_eq!(record["event_fallback_body"]["metadata"]["recovery_reason"], "commit_after_reservation_expired");
    assert!(records(directory.path()).is_empty());
    assert_eq!(spent(&authority), 7);
}

#[test]
fn a_commit_that_was_in_flight_when_the_process_ended_is_settled_once_by_the_next() {
    for network in [Network::Stalls, Network::LosesAnswers] {
        let (authority, directory) = (authority(), TempDir::new().unwrap());
        let first = Process::start(&authority, &directory, network);
        first.call_that_stalls(tokens(7));
        let before = first.crash();
        assert_eq!(records(directory.path()).len(), 1);

        let next = Process::start(&authority, &directory, Network::Whole);
        let report = next.runtime.block_on(next.client.flush(LONG));

        assert_eq!((report.settled, report.remaining), (1, 0));
        let [sent] = &next.sent()[..] else { panic!("one settling request") };
        assert_eq!((&sent.path, &sent.key), (&before[0].path, &before[0].key));
        assert_eq!(spent(&authority), 7);
        authority.assert_settled();
        assert!(records(directory.path()).is_empty());
    }
}

#[test]
fn how_long_the_authority_asked_to_wait_outlives_the_process() {
    let (authority, directory) = (authority(), TempDir::new().unwrap());
    let first = Process::start(&authority, &directory, Network::Throttles("3600"));
    assert_eq!(first.call(tokens(7)), Settlement::Pending);
    first.crash();
    let [record] = &records(directory.path())[..] else { panic!("one record") };
    assert!(record["not_before_ms"].is_u64(), "{record}");

    let next = Process::start(&authority, &directory, Network::Whole);
    let report = next.runtime.block_on(next.client.flush(Duration::from_millis(200)));
    assert_eq!((report.settled, report.remaining), (0, 1));
    assert!(next.sent().is_empty(), "nothing leaves before the time is up");
}

#[test]
fn an_event_in_place_of_a_commit_that_came_too_late_is_on_disk_before_it_leaves() {
    let (directory, clock) = (TempDir::new().unwrap(), runcycles_authority::ManualClock::new());
    let runtime = Runtime::new().unwrap();
    let builder = Authority::builder().budget("tenant:acme", tokens(1_000)).clock(clock.clone());
    let authority = runtime.block_on(builder.start()).unwrap();
    let process = Process::start(&authority, &directory, Network::Whole);

    let settlement = process.runtime.block_on(async {
        let guard = process.client.reserve(Reserve::new("tool.call", "a").estimate(tokens(10))).await.unwrap();
        clock.advance(Duration::from_secs(3_600));
        guard.commit(tokens(7)).await.unwrap()
    });

    assert!(matches!(settlement, Settlement::RecoveredByEvent { .. }), "{settlement}");
    let [commit, event] = &process.sent()[..] else { panic!("a commit and an event") };
    assert!(commit.path.ends_with("/commit") && event.path == "/v1/events");
    assert_eq!(commit.key, event.key);
    assert_eq!((&commit.on_disk[0]["mode"], &event.on_disk[0]["mode"]), (&"commit".into(), &"event".into()));
    process.runtime.block_on(process.client.flush(LONG));
    assert!(records(directory.path()).is_empty());
    assert_eq!(spent(&authority), 7);
}

#[test]
fn a_disk_that_fails_keeps_nothing_from_being_settled() {
    let (authority, directory) = (authority(), TempDir::new().unwrap());
    let file = directory.path().join("a-file");
    fs::write(&file, "").unwrap();
    let blocked = TempDir::new_in(directory.path()).unwrap();
    let process = Process::start(&authority, &blocked, Network::Whole);
    fs::remove_dir(blocked.path()).unwrap();
    fs::rename(&file, blocked.path()).unwrap();

    assert!(matches!(process.call(tokens(7)), Settlement::Committed { .. }));
    assert_eq!(spent(&authority), 7);
    fs::remove_file(blocked.path()).unwrap();
    fs::create_dir(blocked.path()).unwrap();
}
