//! Many clients that are connected and say nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Running;

/// How many clients there are to be, where the operating system has a file descriptor for each.
const CLIENTS: usize = 10_000;
/// Descriptors for everything else.
const OTHERS: usize = 200;
const THREADS: usize = 16;
/// How long any answer may take while they are there.
const AT_MOST: Duration = Duration::from_secs(2);

/// How many files this process, and those that it starts, may have open.
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(256)
}

/// Bytes of memory that a process has, where the operating system tells.
fn memory(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kibibytes: usize =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Does something on several threads, so that a busy machine takes turns with all of them.
fn side_by_side<T: Send>(act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let act = &act;
        let threads: Vec<_> = (0..THREADS).map(|number| scope.spawn(move || act(number))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread that does not panic")).collect()
    })
}

fn ask(mut stream: &TcpStream) {
    stream.write_all(b"GET /actuator/health HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
    let (mut answer, mut read) = ([0; 2_048], 0);
    while !answer[..read].ends_with(b"{\"status\":\"UP\"}") {
        let more = stream.read(&mut answer[read..]).expect("an answer");
        assert_ne!(more, 0, "the server closed a connection");
        read += more;
    }
}

/// The longest of some answers to clients that come now.
fn slowest_answer(program: &Running) -> Duration {
    let answer = |_| {
        let started = Instant::now();
        assert!(program.ask("GET /actuator/health", "", "").starts_with("HTTP/1.1 200"));
        started.elapsed()
    };
    (0..50).map(answer).max().unwrap_or_default()
}

#[test]
fn ten_thousand_idle_connections_leave_the_server_answering() {
    let program = Running::serve(&["--budget", "tenant:acme=$5", "--idle-timeout", "600"], "export CYCLES_TENANT=acme");
    let process = program.child.id();
    let clients = CLIENTS.min(descriptors().saturating_sub(OTHERS)) / THREADS * THREADS;
    slowest_answer(&program);
    let before = memory(process);

    let addr = program.addr();
    let connect = |_| TcpStream::connect(addr).expect("a connection");
    let idle = side_by_side(|_| (0..clients / THREADS).map(connect).collect::<Vec<_>>());
    let ask_all = || side_by_side(|number| idle[number].iter().for_each(ask));
    let while_silent = slowest_answer(&program);
    let silent = memory(process);
    ask_all();
    let while_known = slowest_answer(&program);
    let known = memory(process);

    let each = |now: Option<usize>| Some(now?.saturating_sub(before?) / clients.max(1));
    println!(
        "{clients} of {CLIENTS} connections: {:?} bytes each before their first request, then the slowest answer took {while_silent:?}; \
         {:?} bytes each after it, then {while_known:?}",
        each(silent),
        each(known),
    );
    assert!(while_silent < AT_MOST && while_known < AT_MOST, "{while_silent:?}, {while_known:?}");
    // Every one of them is still served.
    ask_all();
}
