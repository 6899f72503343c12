//! The journal where things go wrong: disks that fail or stall, hostile records, several workers, keys and clocks that change.

use std::collections::VecDeque;
use std::fs;
use std::future::Future as _;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::{Duration, SystemTime};

use runcycles::__simulation::{Disk, Entry, Host, OpenFile, Work};
use runcycles::{CyclesClient, JournalConfig, ReservationGuard, Reserve, Settlement, tokens};
use runcycles_authority::Authority;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;
use tracing::Level;

use crate::support::clock::{pass, settle};
use crate::support::log::Log;
use crate::support::reply::{self, Reply};
use crate::support::script::{API_KEY, Script};
use crate::support::sent::Route;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A client with a journal in a directory. What it does to the disk is done where it is asked for.
fn client(script: &Script, directory: &Path) -> CyclesClient {
    let _hosted = Host::on_system_disk(SystemTime::now).enter();
    script.builder().journal(JournalConfig::in_directory(directory)).build()
}

async fn guard(client: &CyclesClient) -> ReservationGuard {
    client.reserve(Reserve::new("llm.completion", "gpt-4o").estimate(tokens(10))).await.unwrap()
}

/// The paths below a directory that end in an extension.
fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn records(directory: &Path) -> Vec<Value> {
    files(directory, "json").iter().map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
}

/// Leaves a record of a commit of 7 tokens behind, as a process does that ends before its commit is answered, and returns the
/// directory of the records.
async fn leave_a_record(directory: &Path) -> PathBuf {
    let script = Script::new();
    script.always(Route::Commit, reply::refusal(401, "UNAUTHORIZED"));
    let client = client(&script, directory);
    assert_eq!(guard(&client).await.commit(tokens(7)).await.unwrap(), Settlement::Pending);
    client.shutdown(Duration::ZERO).await;
    settle().await;
    files(directory, "json")[0].parent().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn known_spend_is_on_disk_when_its_commit_is_asked_for_whether_or_not_that_is_ever_polled() {
    let (script, directory) = (Script::new(), TempDir::new().unwrap());
    let client = client(&script, directory.path());
    let commit = guard(&client).await.commit(tokens(7));
    assert_eq!(records(directory.path()).len(), 1);
    assert_eq!(script.routes(), [Route::Reserve]);
    drop(commit);
    assert_eq!(client.flush(SECOND).await.settled, 1);
    assert!(records(directory.path()).is_empty());
}

#[test]
fn known_spend_reaches_the_disk_even_if_its_runtime_is_gone() {
    let (script, directory) = (Script::new(), TempDir::new().unwrap());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let client = script.builder().journal(JournalConfig::in_directory(directory.path())).build();
    let (committed, dropped) = first.block_on(async { (guard(&client).await, guard(&client).await) });
    dropped.set_actual(tokens(3)).unwrap();
    drop(first);
    drop(committed.commit(tokens(7)));
    drop(dropped);
    for waiting in 0_u64.. {
        if files(directory.path(), "json").len() == 2 {
            break;
        }
        assert!(waiting < 10_000_000, "no records");
        std::thread::yield_now();
    }
    drop(client);

    let next = script.builder().journal(JournalConfig::in_directory(directory.path())).build();
    let report = runtime().block_on(next.flush(20 * SECOND));
    assert_eq!((report.settled, report.remaining), (2, 0));
    let mut amounts: Vec<_> =
        script.of(Route::Commit).iter().map(|sent| sent.json()["actual"]["amount"].clone()).collect();
    amounts.sort_by_key(Value::as_u64);
    assert_eq!(amounts, [3, 7]);
}

/// A disk whose work is done when the test says so.
#[derive(Clone, Default)]
struct Later(Arc<Mutex<VecDeque<Work>>>);

impl Later {
    fn client(&self, script: &Script, directory: &Path) -> CyclesClient {
        let queue = Arc::clone(&self.0);
        let host = Host::on_system_disk(SystemTime::now);
        let _hosted = host.with_worker(move |work| queue.lock().unwrap().push_back(work)).enter();
        script.builder().journal(JournalConfig::in_directory(directory)).build()
    }

    /// Does everything that has been asked for.
    fn work(&self) {
        loop {
            let next = self.0.lock().unwrap().pop_front();
            match next {
                Some(work) => work(),
                None => return,
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_leaves_before_the_record_is_on_disk_also_where_its_future_was_dropped_meanwhile() {
    let (script, directory, disk) = (Script::new(), TempDir::new().unwrap(), Later::default());
    let client = disk.client(&script, directory.path());
    let mut commit = Box::pin(guard(&client).await.commit(tokens(7)));
    assert!(commit.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(commit);
    pass(SECOND).await;
    assert_eq!(script.routes(), [Route::Reserve]);
    disk.work();
    assert_eq!(records(directory.path()).len(), 1);
    script.wait_for(Route::Commit, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_authority_asked_for_outlives_a_future_that_is_dropped_while_the_disk_writes_it() {
    let (script, directory, disk) = (Script::new(), TempDir::new().unwrap(), Later::default());
    script.next(Route::Commit, [reply::throttled("60")]);
    let client = disk.client(&script, directory.path());
    let guard = guard(&client).await;
    let mut commit = Box::pin(guard.commit(tokens(7)));
    let mut cx = Context::from_waker(Waker::noop());
    while script.of(Route::Commit).is_empty() {
        disk.work();
        assert!(commit.as_mut().poll(&mut cx).is_pending(), "it waits for the disk");
    }
    drop(commit);
    disk.work();
    assert!(records(directory.path())[0]["not_before_ms"].is_u64());
    let sent = script.wait_for(Route::Commit, 2).await;
    assert!(sent[1].at - sent[0].at >= 60 * SECOND, "{:?}", sent[1].at - sent[0].at);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_stalls_holds_up_nobody_and_its_commit_for_five_seconds() {
    let (script, directory, disk) = (Script::new(), TempDir::new().unwrap(), Later::default());
    let log = Log::start();
    let client = disk.client(&script, directory.path());
    let guard = guard(&client).await;
    let started = Instant::now();
    let others = tokio::spawn(async move {
        for _ in 0..100 {
            pass(SECOND / 1_000).await;
        }
        started.elapsed()
    });
    assert!(matches!(guard.commit(tokens(7)).await, Ok(Settlement::Committed { .. })));
    assert_eq!(started.elapsed().as_secs(), 5);
    assert!(others.await.unwrap() < SECOND, "the only thread was free");
    assert_eq!(client.settlement_counters().journal_failures, 1);
    log.told(Level::ERROR, &["may not be on disk", "rsv_1"]);
    // Written and removed when the disk answers.
    disk.work();
    assert!(records(directory.path()).is_empty());
}

/// A disk on which nothing can be made.
struct Broken(ErrorKind);

impl Disk for Broken {
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        Err(self.0.into())
    }

    fn create_file(&self, _: &Path) -> io::Result<Box<dyn OpenFile>> {
        Err(self.0.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(self.0.into())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(ErrorKind::NotFound.into())
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        Err(self.0.into())
    }

    fn entries(&self, _: &Path) -> io::Result<Vec<Entry>> {
        Ok(Vec::new())
    }

    fn modified(&self, _: &Path) -> io::Result<SystemTime> {
        Err(self.0.into())
    }

    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        Err(self.0.into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_is_full_or_read_only_is_told_and_keeps_nothing_from_being_settled() {
    for problem in [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::ReadOnlyFilesystem,
        ErrorKind::PermissionDenied,
        ErrorKind::NotADirectory,
        ErrorKind::Other,
    ] {
        for (answers, failures) in [
            (vec![], 1),
            // The wait cannot be written either, and the event not.
            (vec![reply::throttled("1")], 2),
            (vec![reply::refusal(410, "RESERVATION_EXPIRED")], 2),
        ] {
            let (script, log) = (Script::new(), Log::start());
            script.next(Route::Commit, answers);
            let client = {
                let _hosted = Host::new(Arc::new(Broken(problem)), SystemTime::now).enter();
                script.builder().journal(JournalConfig::in_directory("/journal")).build()
            };
            guard(&client).await.commit(tokens(7)).await.unwrap();
            client.flush(DAY).await;
            let counters = client.settlement_counters();
            assert_eq!((counters.settled(), counters.journal_failures), (1, failures), "{problem:?}");
            log.told(Level::ERROR, &["not on disk", "rsv_1", "/journal"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_rotated_settles_what_the_old_one_could_not_and_neither_is_on_disk() {
    let directory = TempDir::new().unwrap();
    leave_a_record(directory.path()).await;
    for path in files(directory.path(), "json") {
        assert!(!fs::read_to_string(path).unwrap().contains(API_KEY));
    }

    let script = Script::new();
    let client = {
        let _hosted = Host::on_system_disk(SystemTime::now).enter();
        CyclesClient::builder("cyc_live_rotated", "http://authority.test")
            .tenant("acme")
            .transport(script.clone())
            .journal(JournalConfig::in_directory(directory.path()))
            .build()
    };
    let report = client.flush(SECOND).await;
    assert_eq!((report.settled, report.remaining), (1, 0));
    let sent = script.only();
    assert_eq!(sent.headers["x-cycles-api-key"], "cyc_live_rotated");
    assert_eq!((sent.reservation(), &sent.json()["actual"]["amount"]), ("rsv_1", &json!(7)));
    assert!(records(directory.path()).is_empty());
    assert_eq!(client.settlement_counters().taken_up, 1);
}

#[tokio::test(start_paused = true)]
async fn hostile_records_are_put_aside_or_left_and_the_others_are_settled() {
    let (directory, log) = (TempDir::new().unwrap(), Log::start());
    let folder = leave_a_record(directory.path()).await;
    let good = records(directory.path()).remove(0);
    let write = |name: &str, text: &[u8]| fs::write(folder.join(name), text).unwrap();
    let with = |change: fn(&mut Value)| {
        let mut record = good.clone();
        change(&mut record);
        record.to_string().into_bytes()
    };
    // No records: put aside.
    write("a.json", b"");
    write("b.json", &[0xff, 0xfe, 0x00]);
    write("c.json", b"{\"version\":1");
    write("d.json", &"[".repeat(100_000).into_bytes());
    write("e.json", &with(|record| record["version"] = json!(2)));
    write("f.json", &with(|record| record["mode"] = json!("refund")));
    write("g.json", &with(|record| record["commit_body"] = json!([])));
    // Records that are not this client's, or cannot be sent: left.
    write(
        "h.json",
        &with(|record| {
            record["base_url"] = json!("http://elsewhere.test");
            record["reservation_id"] = json!("rsv_elsewhere");
        }),
    );
    write("i.json", &with(|record| record["reservation_id"] = json!("x".repeat(129))));
    // Records like any other, whatever their ids look like.
    for (name, id) in [("j.json", "../../v1/admin/tenants"), ("k.json", "a?b#c%2f"), ("l.json", "réservation 😀")] {
        let mut record = good.clone();
        record["reservation_id"] = json!(id);
        write(name, record.to_string().as_bytes());
    }
    fs::create_dir(folder.join("m.json")).unwrap();

    let script = Script::new();
    let client = client(&script, directory.path());
    let report = client.flush(DAY).await;
    assert_eq!((report.settled, report.remaining), (4, 0));
    let sent = script.sent();
    assert!(sent.iter().all(|sent| sent.route == Route::Commit), "{sent:?}");
    let mut ids: Vec<_> = sent.iter().map(|sent| sent.reservation().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["..%2F..%2Fv1%2Fadmin%2Ftenants", "a%3Fb%23c%252f", "r%C3%A9servation%20%F0%9F%98%80", "rsv_1"]);
    assert_eq!(files(directory.path(), "corrupt").len(), 7);
    log.told(Level::WARN, &["took up", "quarantined: 7"]);
    log.told(Level::ERROR, &["no id of the protocol"]);
    assert_eq!(files(&folder, "json").len(), 2, "{:?}", files(&folder, "json"));
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn two_workers_on_one_journal_settle_its_records_once() {
    let directory = TempDir::new().unwrap();
    let authority = Authority::builder().budget("tenant:acme", tokens(1_000)).start().await.unwrap();
    let lossy = Script::around(authority.transport());
    lossy.always(Route::Commit, Reply::Fail(runcycles::TransportErrorKind::Connect));
    let build = |script: &Script, directory: &Path| {
        let _hosted = Host::on_system_disk(SystemTime::now).enter();
        CyclesClient::builder(authority.api_key("acme"), "http://authority.test")
            .tenant("acme")
            .transport(script.clone())
            .journal(JournalConfig::in_directory(directory))
            .build()
    };
    let first = build(&lossy, directory.path());
    for _ in 0..20 {
        guard(&first).await.commit(tokens(7)).await.unwrap();
    }
    first.shutdown(Duration::ZERO).await;
    drop(first);
    settle().await;
    assert_eq!(records(directory.path()).len(), 20);

    // Another name of the directory stands for another process: in one process, one client replays a directory.
    let other_name = TempDir::new().unwrap();
    let link = other_name.path().join("link");
    std::os::unix::fs::symlink(directory.path(), &link).unwrap();
    // Answers are on their way until both workers have sent everything they can.
    let slow = Script::around(authority.transport());
    slow.always(Route::Commit, Reply::Pass.after(SECOND));
    let workers = [build(&slow, directory.path()), build(&slow, &link)];
    let (one, other) = tokio::join!(workers[0].flush(DAY), workers[1].flush(DAY));
    assert_eq!((one.remaining, other.remaining), (0, 0));
    assert!(one.settled + other.settled > 20, "both replayed: {one:?}, {other:?}");
    assert_eq!(authority.ledger("tenant:acme").unwrap().spent.value(), 140);
    assert!(records(directory.path()).is_empty());
    authority.assert_settled();
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_a_year_is_one_of_an_hour_in_this_process_and_in_the_next() {
    for asked in ["31536000", "9999999999999999999999"] {
        let (script, directory) = (Script::new(), TempDir::new().unwrap());
        script.next(Route::Commit, [reply::throttled(asked), reply::throttled(asked)]);
        let first = client(&script, directory.path());
        guard(&first).await.commit(tokens(7)).await.unwrap();
        let sent = script.wait_for(Route::Commit, 2).await;
        let waited = sent[1].at - sent[0].at;
        assert!(waited >= HOUR && waited < HOUR + SECOND, "{waited:?}");
        settle().await;
        first.shutdown(Duration::ZERO).await;
        drop(first);
        settle().await;

        let next = client(&script, directory.path());
        let started = Instant::now();
        assert_eq!(next.flush(DAY).await.settled, 1);
        // By the time of day, which does not stand still.
        assert!(
            started.elapsed() <= HOUR + SECOND && started.elapsed() + 60 * SECOND > HOUR,
            "{:?}",
            started.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_between_processes_neither_loses_a_record_nor_keeps_it_longer_than_an_hour() {
    let long_ago = SystemTime::UNIX_EPOCH;
    let today = long_ago + 20_000 * DAY;
    for (clock, longest) in [(today, HOUR), (today - DAY, HOUR), (long_ago, HOUR), (today + DAY, SECOND)] {
        let (script, directory) = (Script::new(), TempDir::new().unwrap());
        script.next(Route::Commit, [reply::throttled("3600")]);
        let at = |time: SystemTime| {
            let host = Host::on_system_disk(move || time).enter();
            let client = script.builder().journal(JournalConfig::in_directory(directory.path())).build();
            (client, host)
        };
        let (first, host) = at(today);
        guard(&first).await.commit(tokens(7)).await.unwrap();
        first.shutdown(Duration::ZERO).await;
        drop((first, host));
        settle().await;

        let (next, _host) = at(clock);
        let started = Instant::now();
        let report = next.flush(DAY).await;
        assert_eq!((report.settled, report.remaining), (1, 0));
        assert!(started.elapsed() <= longest + SECOND, "{:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_records_are_settled_a_few_at_a_time() {
    let directory = TempDir::new().unwrap();
    let folder = leave_a_record(directory.path()).await;
    let good = records(directory.path()).remove(0).to_string();
    for n in 2..=10_000 {
        let id = format!("rsv_{n}");
        fs::write(folder.join(format!("{id}.json")), good.replace("rsv_1", &id)).unwrap();
    }
    let script = Script::new();
    script.always(Route::Commit, Reply::Pass.after(SECOND / 100));
    let client = client(&script, directory.path());
    let watching = tokio::spawn({
        let client = client.clone();
        async move {
            let mut most = 0;
            while client.settlement_counters().committed < 10_000 {
                let counters = client.settlement_counters();
                most = most.max(counters.taken_up - counters.committed);
                pass(SECOND / 100).await;
            }
            most
        }
    });
    let report = client.flush(DAY).await;
    assert_eq!((report.settled, report.remaining), (10_000, 0));
    assert_eq!(script.most_in_flight(), 8);
    let most = watching.await.unwrap();
    assert!(most < 100, "{most} records in memory");
    assert!(files(directory.path(), "json").is_empty());
}

#[test]
fn a_client_is_made_in_less_than_a_millisecond() {
    let directory = TempDir::new().unwrap();
    let make = || {
        let started = std::time::Instant::now();
        let client = CyclesClient::builder(API_KEY, "https://authority.test")
            .tenant("acme")
            .journal(JournalConfig::in_directory(directory.path().join("journal")))
            .build();
        (started.elapsed(), client)
    };
    let (fastest, _client) = (0..20).map(|_| make()).min_by_key(|(time, _)| *time).unwrap();
    assert!(fastest < Duration::from_millis(1), "{fastest:?}");
    assert!(!directory.path().join("journal").exists());
}
