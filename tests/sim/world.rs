//! The world of one run: its processes, their disk, their network, and the judgement in the end.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use runcycles::__simulation::Host;
use runcycles::models::{ReservationId, ReservationStatus};
use runcycles::{CyclesClient, Durability, JournalConfig, tokens};
use runcycles_authority::Authority;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::call::{Call, digit};
use crate::clock::WorldClock;
use crate::disk::{Health, Platter, ProcessDisk};
use crate::judge::Judge;
use crate::life::Life;
use crate::log::Log;
use crate::network::{Door, Network};
use crate::run::Outcome;
use crate::virtual_time::{take_panics, virtual_runtime};

/// Longer than anything takes that ends at all.
const LONGEST: Duration = Duration::from_secs(10 * 86_400);

/// The world of one run.
pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) platter: Platter,
    pub(crate) clock: WorldClock,
    rng: Rng,
    health: Arc<Mutex<Health>>,
    pub(crate) durability: Durability,
    /// The share of orders that the disk stalls at.
    stalling: f64,
    log: Log,
    keys: Vec<String>,
    processes: usize,
    pub(crate) calls: usize,
    /// Known spend that a crash may have lost.
    pub(crate) lost: BTreeSet<String>,
}

/// What a process does in the end.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum End {
    /// It ends with whatever is under way.
    Exits,
    /// It shuts down in the middle of everything, and has little time for it.
    ShutsDown,
    /// Everything is healthy again, and it flushes.
    Flushes,
}

impl World {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let clock = WorldClock::new();
        let platter = Platter::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let authority = Authority::builder()
            .clock(clock.clone())
            .budget("tenant:acme", tokens(1 << 60))
            .budget("tenant:acme/agent:poor", tokens(1))
            .start();
        let authority = runtime.block_on(authority).expect("an authority");
        let keys = vec![authority.api_key("acme")];
        let mut judge = Judge::new(platter.clone());
        let (failing, stalling) = match rng.u32(..10) {
            0..6 => (0.0, 0.0),
            6 | 7 => (0.05, 0.0),
            8 => (0.3, 0.05),
            _ => (0.0, 0.1),
        };
        judge.disk_is_sound = failing == 0.0 && stalling == 0.0;
        let network = Network::new(authority, clock.clone(), Arc::new(Mutex::new(judge)), rng.fork());
        let durability = if rng.u32(..3) == 0 { Durability::PowerLoss } else { Durability::ProcessCrash };
        let health = Arc::new(Mutex::new(Health { rng: rng.fork(), failing, failed: 0 }));
        let log = Log::start();
        let (rng, lost) = (rng.fork(), BTreeSet::new());
        Self { network, platter, clock, rng, health, durability, stalling, log, keys, processes: 0, calls: 0, lost }
    }

    /// A machine runs until its processes have ended, and stands still for a while.
    /// Says whether one has crashed.
    pub(crate) fn run_machine(&mut self, processes: Vec<(Life, Vec<Call>)>, end: End) -> bool {
        self.network.judge().is_alone &= processes.len() == 1;
        let runtime = virtual_runtime();
        let crashes = runtime.block_on(async {
            self.clock.start();
            let mut running = Vec::new();
            for (life, calls) in processes {
                let process = self.processes;
                self.processes += 1;
                self.network.judge().started(process, self.clock.now_ms());
                let client = self.start(process, &life);
                running.push((process, client, life, calls));
            }
            let mut ended = JoinSet::new();
            for (process, client, life, calls) in running {
                let network = self.network.clone();
                ended.spawn(async move {
                    tokio::select! {
                        biased;
                        () = life.over() => {}
                        () = work(&client, &network, process, calls) => {}
                    }
                    (process, client, life)
                });
            }
            let ended = ended.join_all().await;
            if end == End::Flushes {
                for (process, client, life) in &ended {
                    self.flush(*process, client, life).await;
                }
            }
            if end == End::ShutsDown {
                for (_, client, life) in &ended {
                    let time = Duration::from_millis(self.rng.u64(..5_000));
                    tokio::select! {
                        biased;
                        () = life.over() => {}
                        _ = client.shutdown(time) => {}
                    }
                }
            }
            let crashes = ended.iter().filter(|(_, _, life)| life.is_over()).count();
            for (_, _, life) in &ended {
                self.network.judge().counts.steps += life.steps();
                // What its futures do when they are dropped has no effect any more.
                life.end();
            }
            let down = Duration::from_millis(if self.rng.bool() { 0 } else { self.rng.u64(..5_000_000) });
            self.clock.stop(down);
            crashes
        });
        self.network.judge().counts.crashes += crashes;
        drop(runtime);
        crashes > 0
    }

    /// A process starts: a client of nothing but the disk and the network.
    fn start(&mut self, process: usize, life: &Life) -> CyclesClient {
        if self.rng.u32(..4) == 0 {
            self.keys.push(self.network.authority.api_key("acme"));
        }
        let mount = PathBuf::from(format!("/run-{:?}-{process}", std::thread::current().id()));
        let disk = ProcessDisk {
            platter: self.platter.clone(),
            mount: mount.clone(),
            life: life.clone(),
            clock: self.clock.clone(),
            health: Arc::clone(&self.health),
        };
        let (give, mut orders) = mpsc::unbounded_channel::<runcycles::__simulation::Work>();
        let (mut rng, stalling, worker_life) = (self.rng.fork(), self.stalling, life.clone());
        tokio::spawn(async move {
            while let Some(work) = orders.recv().await {
                let stalls = rng.f64() < stalling;
                let latency = if stalls { rng.u64(4_000..30_000) } else { rng.u64(..4) };
                if latency > 0 {
                    tokio::time::sleep(Duration::from_millis(latency)).await;
                }
                if !worker_life.is_over() {
                    work();
                }
            }
        });
        let clock = self.clock.clone();
        let host = Host::new(Arc::new(disk), move || clock.time_of_day())
            // Who has nobody left to do it loses the order with the process.
            .with_worker(move |work| drop(give.send(work)));
        let _hosted = host.enter();
        let key = self.keys.last().expect("a key").clone();
        CyclesClient::builder(key, "http://authority.test")
            .tenant("acme")
            .journal(JournalConfig::in_directory(mount.join("journal")).durability(self.durability))
            .transport(Door { network: self.network.clone(), process, life: life.clone() })
            .build()
    }

    /// Everything is healthy again, and a process settles what it knows.
    async fn flush(&mut self, process: usize, client: &CyclesClient, life: &Life) {
        if life.is_over() {
            return;
        }
        self.network.set_trouble(0.0);
        (self.stalling, self.health().failing) = (0.0, 0.0);
        let shuts_down = self.rng.bool();
        let all_settled = async {
            if shuts_down {
                let report = client.shutdown(LONGEST).await;
                report.remaining + report.live
            } else {
                client.flush(LONGEST).await.remaining
            }
        };
        let remaining = tokio::select! {
            biased;
            () = life.over() => return,
            remaining = all_settled => remaining,
        };
        self.network.judge().rests(self.clock.now_ms());
        self.network.judge().flushed(remaining);
        // What a reservation that nobody has holds is returned before its time to live is over.
        let observer = self.network.authority.client("acme");
        let orphans = self.network.judge().orphans(process);
        for orphan in orphans {
            let id = ReservationId::new(self.network.real(&orphan)).expect("an id");
            // One that has lapsed is refused.
            if observer.get_reservation(&id).await.is_ok_and(|row| row.status == ReservationStatus::Active) {
                self.network.judge().broken(format!("{orphan}: nobody has it, and it is not released"));
            }
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last process settles what all before it have left, and the ledger is judged.
    pub(crate) fn settle(&mut self) {
        if self.network.judge().broken.is_some() {
            return;
        }
        self.network.set_trouble(0.0);
        (self.stalling, self.health().failing) = (0.0, 0.0);
        let runtime = virtual_runtime();
        runtime.block_on(async {
            self.clock.start();
            let process = self.processes;
            self.network.judge().started(process, self.clock.now_ms());
            let life = Life::until(usize::MAX);
            let client = self.start(process, &life);
            self.flush(process, &client, &life).await;
            tokio::time::sleep(LONGEST).await;
            drop(client);
            tokio::time::sleep(LONGEST).await;
            let tasks = Handle::current().metrics().num_alive_tasks();
            if tasks > 0 {
                self.network.judge().broken(format!("{tasks} tasks outlive their clients"));
            }
            self.judge_ledger();
            self.clock.stop(Duration::ZERO);
        });
        self.judge_traces();
    }

    /// Every call that knows what it has spent is in the ledger, once.
    fn judge_ledger(&mut self) {
        let ledger = self.network.authority.ledger("tenant:acme").expect("a ledger");
        let mut judge = self.network.judge();
        let mut left = ledger.spent.value();
        let known: Vec<_> = judge.known().map(|(id, amount, refused)| (id.to_owned(), amount, refused)).collect();
        for (id, amount, refused) in known {
            let call = amount.ilog2() as usize / 3;
            let charged = (ledger.spent.value() / digit(call) % 8) * digit(call);
            left -= charged;
            let may_be_missing = refused || self.lost.contains(&id);
            if charged != amount && !(may_be_missing && charged == 0) {
                judge.broken(format!("{id} spent {amount:o}, and the ledger has {charged:o} of it"));
            }
        }
        if left > 0 {
            judge.broken(format!("the ledger has {left:o} that nobody spent"));
        }
        if ledger.reserved.value() > 0 {
            judge.broken(format!("{:o} is still held", ledger.reserved.value()));
        }
    }

    /// Nothing is left on the disk, the key is nowhere, and every refusal has been told.
    fn judge_traces(&mut self) {
        let mut judge = self.network.judge();
        for name in self.platter.names("json").iter().chain(&self.platter.names("corrupt")) {
            judge.broken(format!("{name} is left on the disk"));
        }
        for key in &self.keys {
            if self.platter.holds(key) {
                judge.broken("the key is on the disk".to_owned());
            }
            if self.log.lines().iter().any(|line| line.contains(&**key)) {
                judge.broken("the key is in the log".to_owned());
            }
        }
        let refused: Vec<_> = judge.known().filter(|(_, _, refused)| *refused).map(|(id, ..)| id.to_owned()).collect();
        for id in refused {
            let told = |line: &String| line.starts_with("ERROR") && line.contains(&id) && line.contains("refused");
            if !self.log.lines().iter().any(told) && !self.lost.contains(&id) {
                judge.broken(format!("{id}: nobody is told that its spend is refused"));
            }
        }
        let failed: Vec<_> = judge.to_be_told().map(str::to_owned).collect();
        for id in failed {
            let told = |line: &String| line.starts_with("WARN") && line.contains(&format!("reservation_id={id} "));
            if !self.log.lines().iter().any(told) {
                judge.broken(format!("{id}: nobody is told that its extension failed"));
            }
        }
        for panic in take_panics() {
            judge.broken(format!("a panic: {panic}"));
        }
    }

    pub(crate) fn outcome(self, steps: usize) -> Outcome {
        let mut judge = self.network.judge();
        let mut counts = judge.counts;
        counts.disk_faults = self.health().failed;
        counts.calls = self.calls;
        let trace = std::mem::take(&mut judge.trace);
        Outcome { broken: judge.broken.take(), trace, counts, steps, gave_up: counts.cancellations > 0 }
    }
}

/// Makes the calls of a process, all at a time.
async fn work(client: &CyclesClient, network: &Network, process: usize, calls: Vec<Call>) {
    let mut making = JoinSet::new();
    for call in calls {
        making.spawn(call.make(client.clone(), network.clone(), process));
    }
    let all = async { while making.join_next().await.is_some() {} };
    if tokio::time::timeout(LONGEST, all).await.is_err() {
        network.judge().broken("a call does not end".to_owned());
    }
}
