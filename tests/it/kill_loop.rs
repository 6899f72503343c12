//! A real process is killed at any instant, again and again, and what it knew to have spent is in the ledger, once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use fastrand::Rng;
use runcycles::models::CommitRequest;
use runcycles::{CyclesClient, JournalConfig, Reserve, tokens};
use runcycles_authority::{Authority, Call, Fault, ManualClock};
use serde_json::Value;
use tokio::runtime::Runtime;

/// How the killed process knows that it is one, and where its authority, its key and its journal are.
const SPENDER: [&str; 4] = ["SPENDER_URL", "SPENDER_KEY", "SPENDER_DIRECTORY", "SPENDER_FIRST_CALL"];

/// Calls of one process that are under way at a time.
const AT_A_TIME: u64 = 4;

/// What a call costs.
fn cost(call: u64) -> u64 {
    call % 97 + 1
}

fn client(url: &str, key: &str, directory: &Path) -> CyclesClient {
    CyclesClient::builder(key, url).tenant("acme").journal(JournalConfig::in_directory(directory)).build()
}

/// Tells the parent in one write, so that it is told all or nothing.
fn tell(what: &str, call: u64) {
    // A parent that has stopped listening is about to kill this process.
    drop(std::io::stderr().write_all(format!("{what} {call}\n").as_bytes()));
}

#[test]
#[ignore = "runs as the process that is killed"]
fn the_process_that_is_killed() {
    let [Ok(url), Ok(key), Ok(directory), Ok(first)] = SPENDER.map(env::var) else { return };
    let (client, first) = (client(&url, &key, Path::new(&directory)), first.parse::<u64>().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let spenders = (0..AT_A_TIME).map(|lane| tokio::spawn(spend(client.clone(), first + lane)));
        for spender in spenders.collect::<Vec<_>>() {
            spender.await.unwrap();
        }
    });
}

/// Makes calls, one after the other, until the process ends.
async fn spend(client: CyclesClient, first: u64) {
    for call in (first..first + 10_000 * AT_A_TIME).step_by(usize::try_from(AT_A_TIME).unwrap()) {
        let Ok(guard) = client.reserve(Reserve::new("tool.call", "any").estimate(tokens(100))).await else { continue };
        tell("spends", call);
        let mut commit = CommitRequest::new(tokens(cost(call)));
        commit.metadata.insert("call".to_owned(), call.into());
        if guard.commit(commit).await.is_ok() {
            // Whatever the settlement is, it is known to be in the ledger or on disk.
            tell("keeps", call);
        }
    }
}

/// What the killed processes told.
#[derive(Default)]
struct Told {
    spends: BTreeSet<u64>,
    keeps: BTreeSet<u64>,
}

impl Told {
    fn hear(&mut self, line: &str) {
        let Some((what, call)) = line.split_once(' ') else { return };
        let Ok(call) = call.parse() else { return };
        match what {
            "spends" => self.spends.insert(call),
            "keeps" => self.keeps.insert(call),
            _ => return,
        };
    }
}

/// Runs a process, and kills it at an instant that the generator draws.
fn run_and_kill(url: &str, key: &str, directory: &Path, first: u64, rng: &mut Rng, told: &mut Told) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "kill_loop::the_process_that_is_killed", "--ignored", "--nocapture"]);
    let values = [url.to_owned(), key.to_owned(), directory.display().to_string(), first.to_string()];
    command.envs(SPENDER.into_iter().zip(values));
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    // So many lines after its start, and then somewhere between two of its instructions.
    for line in lines.by_ref().take(rng.usize(..60)) {
        told.hear(&line.unwrap());
    }
    let instant = Instant::now() + Duration::from_micros(rng.u64(..1_500));
    while Instant::now() < instant {
        std::hint::spin_loop();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    // What it told before it died counts.
    for line in lines.map_while(Result::ok) {
        told.hear(&line);
    }
}

/// The calls that are in the ledger, with their keys: what the authority has answered with success.
fn settled(authority: &Authority) -> BTreeMap<u64, BTreeSet<String>> {
    let mut settled = BTreeMap::<u64, BTreeSet<String>>::new();
    for request in authority.requests() {
        let acted = request.status.is_none_or(|status| status.is_success());
        if !acted || !matches!(request.call, Some(Call::Commit | Call::Event)) {
            continue;
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let call = body["metadata"]["call"].as_u64().unwrap();
        settled.entry(call).or_default().insert(body["idempotency_key"].as_str().unwrap().to_owned());
    }
    settled
}

/// Kills a process so many times, and judges the ledger.
fn kill(times: u64, seed: u64) {
    let (mut rng, mut told, clock) = (Rng::with_seed(seed), Told::default(), ManualClock::new());
    let directory = tempfile::TempDir::new().unwrap();
    let runtime = Runtime::new().unwrap();
    let builder = Authority::builder().budget("tenant:acme", tokens(1 << 50)).clock(clock.clone()).record_requests();
    let authority = runtime.block_on(builder.start()).unwrap();
    let server = runtime.block_on(authority.serve("127.0.0.1:0")).unwrap();
    let (url, key) = (server.url(), authority.api_key("acme"));

    let records = || records(directory.path());
    let (mut interrupted, mut left) = (0, 0);
    for time in 0..times {
        match rng.u32(..4) {
            0 => authority.inject_on(Call::Commit, Fault::LoseResponse),
            1 => authority.inject_on(Call::Commit, Fault::MalformedSuccess),
            // What the process before has left comes too late.
            2 => clock.advance(Duration::from_secs(120)),
            _ => {}
        }
        run_and_kill(&url, &key, directory.path(), time * 1_000_000, &mut rng, &mut told);
        left += records();
        interrupted += u64::from(records() > 0);
    }

    let last = client(&url, &key, directory.path());
    let report = runtime.block_on(last.flush(Duration::from_secs(60)));
    assert_eq!(report.remaining, 0, "seed {seed}");
    assert_eq!(records(), 0, "seed {seed}");
    let settled = settled(&authority);
    println!(
        "{times} kills, {interrupted} of them with {left} settlements on disk: {} calls spent, {} kept, {} in the ledger",
        told.spends.len(),
        told.keeps.len(),
        settled.len()
    );
    for (call, keys) in &settled {
        assert!(told.spends.contains(call), "seed {seed}: nobody spent {call}");
        assert_eq!(keys.len(), 1, "seed {seed}: {call} has {keys:?}");
    }
    for call in &told.keeps {
        assert!(settled.contains_key(call), "seed {seed}: {call} was kept, and is not in the ledger");
    }
    let ledger = authority.ledger("tenant:acme").unwrap();
    assert_eq!(ledger.spent.value(), settled.keys().map(|call| cost(*call)).sum::<u64>(), "seed {seed}");
    // The holds of those that were killed lapse.
    clock.advance(Duration::from_secs(86_400));
    authority.assert_settled();
}

/// How many records there are below a directory.
fn records(directory: &Path) -> usize {
    let folders = fs::read_dir(directory).into_iter().flatten().flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
    files.filter(|file| file.path().extension().is_some_and(|extension| extension == "json")).count()
}

#[test]
fn a_process_that_is_killed_at_any_instant_loses_no_known_spend() {
    kill(12, 1);
}

/// `KILLS=1000 cargo test -p runcycles-tests --test it -- --ignored --nocapture killed_hundreds`
#[test]
#[ignore = "takes minutes"]
fn a_process_that_is_killed_hundreds_of_times_loses_no_known_spend() {
    let times = env::var("KILLS").map_or(300, |times| times.parse().expect("KILLS is a number"));
    kill(times, fastrand::u64(..));
}
