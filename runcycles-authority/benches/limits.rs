//! How an authority holds up: what a governed call costs beside many ledgers and reservations, what a server on this
//! machine does with its clients beside it, how long a start takes, and what a live reservation weighs.
//!
//! Prints a table. Each time is of the best of a number of rounds, since whatever else the machine does only adds to it.
//! `cargo bench -p runcycles-authority --bench limits -- http start` measures two parts of `live`, `in-process`, `http`,
//! `shared-budget` and `start`.

mod common;

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use runcycles::usd;
use runcycles_authority::__private::EngineProbe;
use runcycles_authority::{Authority, Durability, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::common::{API_KEY, Caller, Direct, Directory, Keeping, LEVELS, cycle, reserve};

const MANY: usize = 1_000_000;
const ROUNDS: usize = 9;

/// What is measured, by name.
type Part = (&'static str, fn(&Runtime));

fn main() {
    // First what a live reservation weighs, while no memory was given back that would be used again.
    let parts: [Part; 5] = [
        ("live", live),
        ("in-process", in_process),
        ("http", over_http),
        ("shared-budget", at_one_budget),
        ("start", starting),
    ];
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for (name, measure) in parts {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            measure(&runtime);
        }
    }
}

fn in_memory(runtime: &Runtime, others: usize) -> Authority {
    let mut builder = Keeping::Memory.builder(Path::new(""));
    for other in 0..others {
        builder = builder.budget(format!("tenant:acme/agent:user-{other}"), usd!(1));
    }
    runtime.block_on(builder.start()).expect("a valid set-up")
}

fn in_process(runtime: &Runtime) {
    const CYCLES: u32 = 20_000;
    println!("\nreserve and commit in process, four budgets          engine   transport");
    let mut first = None;
    for (others, finished) in [(6, 0), (MANY - 4, 0), (6, MANY)] {
        let authority = in_memory(runtime, others);
        let probe = EngineProbe::new(&authority);
        (0..finished).for_each(|_| assert!(probe.cycle(&LEVELS, 1)));
        let mut transport = Direct::new(authority.transport());
        let engine = best(|| (0..CYCLES).for_each(|_| assert!(probe.cycle(&LEVELS, 1)))) / CYCLES;
        let through = best(|| {
            runtime.block_on(async {
                for _ in 0..CYCLES {
                    cycle(&mut transport).await;
                }
            });
        }) / CYCLES;
        let (engine, through) = (engine.as_secs_f64() * 1e6, through.as_secs_f64() * 1e6);
        let (first_engine, first_through) = *first.get_or_insert((engine, through));
        println!(
            "{:>9} ledgers, {finished:>9} finished      {engine:5.2} µs {:4.2}×   {through:5.2} µs {:4.2}×",
            others + 4,
            engine / first_engine,
            through / first_through,
        );
    }
}

/// A connection that is kept, with as little on it as a load generator needs.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.addr()).await.expect("a server");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, buffer: Vec::with_capacity(8_192) }
    }

    /// The end of the head and of the body, once the answer is there.
    fn ends(&self) -> Option<(usize, usize)> {
        let head_end = self.buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&self.buffer[..head_end]).expect("a head of text");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let end = head_end + length.parse::<usize>().expect("a number");
        (self.buffer.len() >= end).then_some((head_end, end))
    }
}

impl Caller for Connection {
    async fn post(&mut self, path: &str, body: String) -> Bytes {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-cycles-api-key: {API_KEY}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await.expect("an open connection");
        self.buffer.clear();
        loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.expect("an open connection") > 0);
            if let Some((head_end, end)) = self.ends() {
                return Bytes::copy_from_slice(&self.buffer[head_end..end]);
            }
        }
    }
}

fn over_http(runtime: &Runtime) {
    const CONNECTIONS: u32 = 64;
    const EACH: u32 = 400;
    println!("\nreserve and commit over HTTP, {CONNECTIONS} connections, client included");
    for (keeping, name) in Keeping::ALL {
        let dir = Directory::new();
        let authority = runtime.block_on(keeping.builder(&dir.0).start()).expect("a valid set-up");
        let server = runtime.block_on(authority.serve("127.0.0.1:0")).expect("a free port");
        let taken = best(|| {
            runtime.block_on(on_each(&server, CONNECTIONS, |mut connection| async move {
                for _ in 0..EACH {
                    cycle(&mut connection).await;
                }
            }));
        });
        println!("  {name:<14} {:>9.0} cycles/s", f64::from(CONNECTIONS * EACH) / taken.as_secs_f64());
        runtime.block_on(server.shutdown());
    }
}

/// Does something on a number of connections at the same time.
async fn on_each<T, F>(server: &Server, connections: u32, act: impl Fn(Connection) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(server).await);
    }
    opened.into_iter().map(act).collect::<JoinSet<_>>().join_all().await
}

fn at_one_budget(runtime: &Runtime) {
    const CONNECTIONS: u32 = 200;
    const EACH: usize = 100;
    println!("\nreserve over HTTP, {CONNECTIONS} connections, one shared budget");
    let authority = runtime
        .block_on(Authority::builder().api_key(API_KEY, "acme").budget("tenant:acme", usd!(90_000_000_000)).start())
        .expect("a valid set-up");
    let server = runtime.block_on(authority.serve("127.0.0.1:0")).expect("a free port");
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        let all = runtime.block_on(on_each(&server, CONNECTIONS, |mut connection| async move {
            let mut waits = Vec::with_capacity(EACH);
            for _ in 0..EACH {
                let start = Instant::now();
                reserve(&mut connection).await;
                waits.push(start.elapsed());
            }
            waits
        }));
        let taken = start.elapsed();
        let mut waits: Vec<_> = all.into_iter().flatten().collect();
        waits.sort_unstable();
        let at = |percent: usize| waits[waits.len() * percent / 100].as_secs_f64() * 1e3;
        let rate = f64::from(u32::try_from(waits.len()).expect("few")) / taken.as_secs_f64();
        (at(99), at(50), rate)
    });
    let best = rounds.min_by(|a, b| a.0.total_cmp(&b.0)).expect("a round");
    println!("  p50 {:.1} ms   p99 {:.1} ms   {:.0} reserves/s", best.1, best.0, best.2);
    runtime.block_on(server.shutdown());
}

fn starting(runtime: &Runtime) {
    let dir = Directory::new();
    let keeping = Keeping::Disk(Durability::ProcessCrash);
    let start = || runtime.block_on(keeping.builder(&dir.0).start()).expect("the directory");
    let close = |authority: Authority| runtime.block_on(authority.close()).expect("a disk that works");
    let authority = start();
    let probe = EngineProbe::new(&authority);
    (0..MANY).for_each(|_| assert!(probe.cycle(&LEVELS, 1)));
    drop(probe);
    close(authority);
    let rounds = (0..3).map(|_| {
        let before = Instant::now();
        let authority = start();
        let taken = before.elapsed();
        close(authority);
        taken
    });
    println!("\nstart with {MANY} finished reservations and their idempotency records");
    println!("  {:.2} s", rounds.min().expect("a round").as_secs_f64());
}

/// What live reservations add to the memory of this process.
fn live(runtime: &Runtime) {
    const LIVE: usize = 200_000;
    let authority = in_memory(runtime, 0);
    let mut transport = Direct::new(authority.transport());
    let Some(before) = resident_bytes() else { return };
    runtime.block_on(async {
        for _ in 0..LIVE {
            reserve(&mut transport).await;
        }
    });
    let grown = resident_bytes().unwrap_or(before).saturating_sub(before);
    println!("\nmemory of a live reservation\n  {} bytes", grown / LIVE);
}

/// The process's resident memory, where the operating system tells.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}

fn best(mut act: impl FnMut()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        act();
        start.elapsed()
    });
    rounds.min().expect("a round")
}
