//! Processes that know nothing of each other but what is on disk, and the machine that they run on one after the other.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runcycles::__simulation::{Host, Hosted, Work};
use runcycles::{CyclesClient, JournalConfig, ReservationGuard, Reserve, Transport, tokens};
use runcycles_authority::Authority;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::wire::{Fate, Wire, records};
use super::world_clock::WorldClock;
use crate::support::sent::Route;

/// Longer than anything in a scenario.
pub(super) const LONG: Duration = Duration::from_secs(86_400);

/// A machine with a disk and a clock, and the authority that its processes settle with.
pub(super) struct Machine {
    pub(super) authority: Authority,
    pub(super) clock: WorldClock,
    directory: TempDir,
    key: String,
}

/// A process: a runtime of its own, whose time passes by itself, and a client that was made from nothing but the disk.
pub(super) struct Process {
    runtime: Runtime,
    pub(super) client: CyclesClient,
    pub(super) wire: Wire,
    clock: WorldClock,
    _hosted: Hosted,
}

/// Work on the disk that nobody has done yet.
pub(super) type Undone = Arc<Mutex<VecDeque<Work>>>;

impl Machine {
    pub(super) fn new() -> Self {
        let clock = WorldClock::new();
        let authority = Authority::builder().clock(clock.clone()).budget("tenant:acme", tokens(1_000)).start();
        let authority = Runtime::new().unwrap().block_on(authority).unwrap();
        let key = authority.api_key("acme");
        Self { authority, clock, directory: TempDir::new().unwrap(), key }
    }

    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The key of the processes from now on is another.
    pub(super) fn rotate_key(&mut self) -> [String; 2] {
        let before = std::mem::replace(&mut self.key, self.authority.api_key("acme"));
        [before, self.key.clone()]
    }

    /// Starts a process to whose requests this happens.
    pub(super) fn start(&self, fates: impl IntoIterator<Item = (Route, Fate)>) -> Process {
        self.start_beyond(Arc::new(self.authority.transport()), self.host(), self.directory.path().into(), fates)
    }

    /// Starts a process in front of another authority.
    pub(super) fn start_with(
        &self,
        authority: impl Transport,
        fates: impl IntoIterator<Item = (Route, Fate)>,
    ) -> Process {
        self.start_beyond(Arc::new(authority), self.host(), self.directory.path().into(), fates)
    }

    /// Starts a process whose work on the disk is left to the test.
    pub(super) fn start_without_hands(&self, fates: impl IntoIterator<Item = (Route, Fate)>) -> (Process, Undone) {
        let undone = Undone::default();
        let later = Arc::clone(&undone);
        let host =
            self.host().with_worker(move |work| later.lock().unwrap_or_else(PoisonError::into_inner).push_back(work));
        let transport = Arc::new(self.authority.transport());
        (self.start_beyond(transport, host, self.directory.path().into(), fates), undone)
    }

    fn host(&self) -> Host {
        let clock = self.clock.clone();
        Host::on_system_disk(move || clock.time_of_day())
    }

    fn start_beyond(
        &self,
        authority: Arc<dyn Transport>,
        host: Host,
        directory: PathBuf,
        fates: impl IntoIterator<Item = (Route, Fate)>,
    ) -> Process {
        let hosted = host.enter();
        let wire = Wire::new(authority, directory.clone(), self.clock.clone(), fates);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async { self.clock.start() });
        let client = self.client(&wire, &directory);
        Process { runtime, client, wire, clock: self.clock.clone(), _hosted: hosted }
    }

    /// A client of this machine's tenant.
    pub(super) fn client(&self, wire: &Wire, directory: &Path) -> CyclesClient {
        CyclesClient::builder(&*self.key, "http://authority.test")
            .tenant("acme")
            .journal(JournalConfig::in_directory(directory))
            .transport(wire.clone())
            .build()
    }

    /// A journal with the commit of a process that was killed while it was in flight; what left.
    pub(super) fn leave_a_commit(&self, cost: u64) -> Wire {
        let process = self.start([(Route::Commit, Fate::StallBefore)]);
        process.run_until_stalled(async {
            let guard = reserve(&process.client).await;
            guard.commit(tokens(cost)).await.unwrap();
        });
        process.kill()
    }

    pub(super) fn records(&self) -> Vec<serde_json::Value> {
        records(self.directory.path())
    }

    pub(super) fn spent(&self) -> u64 {
        self.authority.ledger("tenant:acme").unwrap().spent.value()
    }
}

impl Process {
    pub(super) fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Runs a future until nothing happens any more for a second: its request is in flight.
    pub(super) fn run_until_stalled(&self, future: impl Future) {
        let run = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(1), future).await });
        assert!(run.is_err(), "it does not stall");
    }

    /// Ends the process as it stands; what left it.
    pub(super) fn kill(self) -> Wire {
        self.runtime.block_on(async { self.clock.stop(Duration::ZERO) });
        let Self { runtime, client, wire, _hosted, .. } = self;
        // The runtime and all its tasks go before anything can be put in order.
        runtime.shutdown_background();
        drop(client);
        wire
    }
}

/// A reservation of a minute.
pub(super) async fn reserve(client: &CyclesClient) -> ReservationGuard {
    client.reserve(Reserve::new("tool.call", "search").estimate(tokens(10))).await.unwrap()
}
