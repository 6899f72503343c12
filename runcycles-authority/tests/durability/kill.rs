//! An authority in another process, killed again and again.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use runcycles::tokens;
use runcycles_authority::{Durability, Ledger};
use serde_json::{Value, json};

use crate::support::{Directory, block_on, call, get, lasting, ok, request, start};

const DIRECTORY: &str = "CYCLES_DURABILITY_DIRECTORY";
const LEVEL: &str = "CYCLES_DURABILITY_LEVEL";
const AGENTS: [&str; 3] = ["a", "b", "c"];

/// Small enough that logs are replaced many times.
const COMPACT_AT: u64 = 60_000;

/// Requests that wait for an answer at a time.
const WINDOW: usize = 24;

fn builder(dir: &std::path::Path) -> runcycles_authority::AuthorityBuilder {
    let builder = runcycles_authority::Authority::builder().api_key(crate::support::API_KEY, "acme");
    let builder = builder.budget("tenant:acme", tokens(1_000_000_000)).path(dir).compact_at(COMPACT_AT);
    AGENTS
        .iter()
        .fold(builder, |builder, agent| builder.budget(format!("tenant:acme/agent:{agent}"), tokens(1_000_000_000)))
}

/// The process that is killed: answers the requests on its input, all of them at the same time.
#[test]
#[ignore = "the tests here start it in another process"]
fn child() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let level = std::env::var(LEVEL).unwrap_or_default();
    let durability = if level == "power loss" { Durability::PowerLoss } else { Durability::ProcessCrash };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let authority = runtime.block_on(builder(dir.as_ref()).durability(durability).start()).expect("the directory");
    println!("\nready");
    for line in std::io::stdin().lines() {
        let line: Value = serde_json::from_str(&line.expect("a pipe")).expect("a request");
        let transport = authority.transport();
        runtime.spawn(async move {
            let path = line["path"].as_str().expect("a path");
            let (status, body) = call(&transport, request("POST", path, &line["body"].to_string())).await;
            println!("{}", json!({"number": line["number"], "status": status.as_u16(), "body": body}));
        });
    }
}

/// The process, and what is known of it.
struct Process {
    child: Child,
    input: ChildStdin,
    answers: Receiver<Value>,
    reader: JoinHandle<()>,
}

impl Process {
    fn start(dir: &Directory, level: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "kill::child", "--ignored", "--nocapture"])
            .env(DIRECTORY, dir.path())
            .env(LEVEL, level)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("a process");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output")).lines();
        let (sender, answers) = channel();
        let reader = thread::spawn(move || read(output, &|answer| drop(sender.send(answer))));
        Self { child, input, answers, reader }
    }

    /// Kills it, and returns what it had answered beside what was received. A line that was cut off is no answer.
    fn kill(mut self) -> Vec<Value> {
        self.child.kill().expect("a process of this test");
        self.child.wait().expect("a process of this test");
        self.reader.join().expect("the reader");
        self.answers.try_iter().collect()
    }
}

fn read(output: Lines<BufReader<ChildStdout>>, take: &dyn Fn(Value)) {
    for line in output.map_while(Result::ok) {
        if let Ok(answer @ Value::Object(_)) = serde_json::from_str(&line) {
            take(answer);
        }
    }
}

/// A request, and its first answer.
#[derive(Debug)]
struct Request {
    path: String,
    body: Value,
    answer: Option<Value>,
}

/// All requests of a test, and what is known from their answers.
#[derive(Debug)]
struct Traffic {
    random: u64,
    requests: Vec<Request>,
    /// Reservations whose fate is open.
    live: Vec<(String, &'static str)>,
    /// The agent and hold of each reservation.
    holds: BTreeMap<String, (&'static str, u64)>,
}

impl Traffic {
    fn new(seed: u64) -> Self {
        Self { random: seed, requests: Vec::new(), live: Vec::new(), holds: BTreeMap::new() }
    }

    fn below(&mut self, end: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).expect("31 bits") % end
    }

    /// The number of a request that was not made before.
    fn next(&mut self) -> usize {
        let key = format!("key-{}", self.requests.len());
        let agent = AGENTS[self.below(AGENTS.len())];
        let amount = self.below(1_000) as u64;
        let tokens = json!({"unit": "TOKENS", "amount": amount});
        let subject = json!({"tenant": "acme", "agent": agent});
        let action = json!({"kind": "llm.completion", "name": "gpt-4o"});
        let kind = self.below(10);
        let chosen = if self.live.is_empty() { None } else { Some(self.below(self.live.len())) };
        let (path, body) = match (kind, chosen) {
            (0..3, Some(at)) => {
                let (id, _) = self.live.swap_remove(at);
                let body = json!({"idempotency_key": key, "actual": tokens, "metadata": {"note": "y".repeat(200)}});
                (format!("/v1/reservations/{id}/commit"), body)
            }
            (3, Some(at)) => {
                let (id, _) = self.live.swap_remove(at);
                (format!("/v1/reservations/{id}/release"), json!({"idempotency_key": key}))
            }
            (4, Some(at)) => {
                let id = &self.live[at].0;
                (format!("/v1/reservations/{id}/extend"), json!({"idempotency_key": key, "extend_by_ms": 1_000}))
            }
            (5..7, _) => {
                let body = json!({"idempotency_key": key, "subject": subject, "action": action, "actual": tokens});
                ("/v1/events".to_owned(), body)
            }
            _ => {
                let body = json!({
                    "idempotency_key": key,
                    "subject": subject,
                    "action": action,
                    "estimate": tokens,
                    "ttl_ms": 3_600_000,
                });
                ("/v1/reservations".to_owned(), body)
            }
        };
        self.requests.push(Request { path, body, answer: None });
        self.requests.len() - 1
    }

    fn line(&self, number: usize) -> String {
        let Request { path, body, .. } = &self.requests[number];
        json!({"number": number, "path": path, "body": body}).to_string()
    }

    /// Takes an answer: the first one to a request, or the same one again.
    fn take(&mut self, answer: &Value) {
        let number = usize::try_from(answer["number"].as_u64().expect("a number")).expect("a small number");
        let request = &mut self.requests[number];
        let body = lasting(answer["body"].clone());
        if answer["status"] == 409 && request.path.ends_with("/extend") {
            // The reservation was settled meanwhile, or extended often enough. That is no answer to be kept.
            request.answer.get_or_insert(Value::Null);
            return;
        }
        assert!(answer["status"] == 200 || answer["status"] == 201, "{request:?} was answered {answer}");
        match &request.answer {
            Some(before) => assert_eq!(before, &body, "{} was answered differently", request.path),
            None => {
                if let Some(id) = body["reservation_id"].as_str() {
                    let agent = request.body["subject"]["agent"].as_str().expect("an agent");
                    let agent = AGENTS.into_iter().find(|known| *known == agent).expect("one of the agents");
                    let hold = request.body["estimate"]["amount"].as_u64().expect("an amount");
                    self.holds.insert(id.to_owned(), (agent, hold));
                    self.live.push((id.to_owned(), agent));
                }
                request.answer = Some(body);
            }
        }
    }

    /// Requests that were made and have no answer.
    fn open(&self) -> Vec<usize> {
        let open = |(number, request): (usize, &Request)| request.answer.is_none().then_some(number);
        self.requests.iter().enumerate().filter_map(open).collect()
    }

    /// What each agent has spent and holds, as the answers say.
    fn figures(&self) -> BTreeMap<&'static str, (u64, u64)> {
        let mut figures: BTreeMap<&'static str, (u64, u64)> = AGENTS.iter().map(|agent| (*agent, (0, 0))).collect();
        for (agent, hold) in self.holds.values() {
            figures.get_mut(agent).expect("an agent").1 += hold;
        }
        for Request { path, body, answer } in &self.requests {
            let Some(answer) = answer else { continue };
            let settled = path.strip_prefix("/v1/reservations/").and_then(|rest| rest.split_once('/'));
            match settled {
                Some((id, operation @ ("commit" | "release"))) => {
                    let (agent, hold) = self.holds[id];
                    let figures = figures.get_mut(agent).expect("an agent");
                    figures.1 -= hold;
                    if operation == "commit" {
                        figures.0 += answer["charged"]["amount"].as_u64().expect("a charge");
                    }
                }
                None if path == "/v1/events" => {
                    let agent = body["subject"]["agent"].as_str().expect("an agent");
                    figures.get_mut(agent).expect("an agent").0 +=
                        body["actual"]["amount"].as_u64().expect("an amount");
                }
                _ => {}
            }
        }
        figures
    }
}

/// One life of the process: first what was left open is asked again, then new requests, until it is killed. A part of what
/// was answered long ago is asked again in between.
fn live(process: Process, traffic: &mut Traffic, answers: usize) {
    let mut process = process;
    let mut to_send = traffic.open();
    to_send.reverse();
    let mut waiting = 0;
    for _ in 0..answers {
        while waiting < WINDOW {
            let number = match to_send.pop() {
                Some(number) => number,
                None if traffic.below(5) == 0 && !traffic.requests.is_empty() => traffic.below(traffic.requests.len()),
                None => traffic.next(),
            };
            writeln!(process.input, "{}", traffic.line(number)).expect("a process that reads");
            waiting += 1;
        }
        let answer = process.answers.recv().expect("a process that answers");
        traffic.take(&answer);
        waiting -= 1;
    }
    for answer in process.kill() {
        traffic.take(&answer);
    }
}

fn survive(level: &str, seed: u64) {
    let kills = std::env::var("CYCLES_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(30);
    let dir = Directory::new();
    let mut traffic = Traffic::new(seed);
    for _ in 0..kills {
        // Sometimes before it answers anything.
        let answers = traffic.below(120).saturating_sub(10);
        live(Process::start(&dir, level), &mut traffic, answers);
    }

    // In this process: everything is there, once.
    let authority = start(builder(dir.path()));
    let transport = authority.transport();
    for number in 0..traffic.requests.len() {
        let Request { path, body, .. } = &traffic.requests[number];
        let (status, body) = block_on(call(&transport, request("POST", path, &body.to_string())));
        traffic.take(&json!({"number": number, "status": status.as_u16(), "body": body}));
    }
    let figures = traffic.figures();
    let ledger = |scope: &str| authority.ledger(scope).expect("a budget");
    for (agent, (spent, held)) in &figures {
        let Ledger { spent: found_spent, reserved, .. } = ledger(&format!("tenant:acme/agent:{agent}"));
        assert_eq!((found_spent.value(), reserved.value()), (*spent, *held), "agent {agent}");
    }
    let all = figures.values().fold((0, 0), |all, agent| (all.0 + agent.0, all.1 + agent.1));
    assert_eq!((ledger("tenant:acme").spent.value(), ledger("tenant:acme").reserved.value()), all);
    for id in traffic.holds.keys() {
        ok(get(&authority, &format!("/v1/reservations/{id}")));
    }
    println!("{kills} kills, {} requests, {} reservations", traffic.requests.len(), traffic.holds.len());
}

#[test]
fn a_killed_process_has_kept_what_it_answered() {
    survive("process crash", 0x9e37_79b9_7f4a_7c15);
}

#[test]
fn a_killed_process_has_kept_what_it_answered_where_it_would_survive_a_power_cut_too() {
    survive("power loss", 0x2545_f491_4f6c_dd1d);
}
