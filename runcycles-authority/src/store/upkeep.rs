//! What is done beside the writing: synchronising, and replacing logs by a snapshot.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::compaction::compact;
use super::disk::{Disk, DiskFile};
use super::log::{Log, Synchronisation, create_log};
use super::queue::Queue;
use super::{Durability, StoreError};

/// How long what was written may wait to be synchronised, where answers do not wait for it.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The writer's side of the thread that does it.
#[derive(Debug)]
pub(super) struct Upkeep {
    durability: Durability,
    compact_at: u64,
    /// Bytes in logs that no snapshot has, at which they are replaced by one.
    limit: u64,
    /// Bytes in the logs that no snapshot has and that no compaction is about.
    logged: u64,
    is_compacting: bool,
    shared: Arc<Shared>,
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Whether to give up what takes long.
    stopping: AtomicBool,
    /// Whether a request to synchronise is under way.
    is_told: AtomicBool,
    results: Mutex<Results>,
}

#[derive(Debug, Default)]
struct Results {
    next_log: Option<Arc<dyn DiskFile>>,
    compacted: Option<Result<u64, StoreError>>,
}

enum Request {
    /// Something was written that is not synchronised.
    Synchronise,
    /// Make the log with this number.
    NextLog(u64),
    /// Replace the logs up to this one, which is not written any more.
    Compact(u64),
}

/// What a store holds when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holdings {
    /// The snapshot's number, where there is one.
    pub(super) snapshot: Option<u64>,
    pub(super) snapshot_bytes: u64,
    /// The number of the first log that the snapshot does not have.
    pub(super) first_log: u64,
    pub(super) log_bytes: u64,
}

impl Upkeep {
    /// Starts the thread. Logs are replaced once they have `compact_at` bytes, and half as many as the snapshot.
    pub(super) fn start(
        disk: Arc<dyn Disk>,
        queue: Arc<Queue>,
        log: &Log,
        holdings: Holdings,
        compact_at: u64,
        durability: Durability,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (requests, inbox) = mpsc::channel();
        let worker = Worker { disk, queue, sync: log.synchronisation(), shared: shared.clone(), holdings, due: None };
        let thread = thread::Builder::new().name("cycles-upkeep".to_owned()).spawn(move || worker.run(&inbox))?;
        Ok(Self {
            durability,
            compact_at,
            limit: limit(compact_at, holdings.snapshot_bytes),
            logged: holdings.log_bytes,
            is_compacting: false,
            shared,
            requests: Some(requests),
            thread: Some(thread),
        })
    }

    /// Sees to what follows from a batch that was written: the log goes on in the next file where that is ready.
    pub(super) fn wrote(&mut self, log: &mut Log, bytes: usize) {
        self.logged += bytes as u64;
        if self.durability == Durability::ProcessCrash && !self.shared.is_told.swap(true, Ordering::AcqRel) {
            self.request(Request::Synchronise);
        }
        if !self.is_compacting && self.logged >= self.limit {
            self.is_compacting = true;
            self.request(Request::NextLog(log.number() + 1));
        }
        if self.is_compacting {
            self.look_for_results(log);
        }
    }

    fn look_for_results(&mut self, log: &mut Log) {
        let mut results = self.shared.results.lock().unwrap_or_else(PoisonError::into_inner);
        let Results { next_log, compacted } = &mut *results;
        if let Some(next) = next_log.take() {
            let last = log.number();
            log.switch(next);
            self.logged = 0;
            drop(results);
            self.request(Request::Compact(last));
            return;
        }
        match compacted.take() {
            Some(Ok(snapshot_bytes)) => {
                self.limit = limit(self.compact_at, snapshot_bytes);
                self.is_compacting = false;
            }
            Some(Err(error)) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, source, "the store's logs could not be replaced by a snapshot; they are kept, and more is tried later");
                self.limit = self.logged.saturating_add(self.limit);
                self.is_compacting = false;
            }
            None => {}
        }
    }

    fn request(&self, request: Request) {
        // A thread that is gone has nothing to do any more.
        let _ = self.requests.as_ref().map(|requests| requests.send(request));
    }

    /// Ends the thread.
    pub(super) fn stop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.requests = None;
        // A panic has been reported by its hook.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// How long logs may become beside a snapshot. A start reads both; what is written is copied about twice later on.
fn limit(compact_at: u64, snapshot_bytes: u64) -> u64 {
    compact_at.max(snapshot_bytes / 2)
}

/// The thread's side.
struct Worker {
    disk: Arc<dyn Disk>,
    queue: Arc<Queue>,
    sync: Arc<Synchronisation>,
    shared: Arc<Shared>,
    holdings: Holdings,
    /// When to synchronise next, where there is something to synchronise.
    due: Option<Instant>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Request>) {
        loop {
            let request = match self.due {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match request {
                Ok(Request::Synchronise) => self.due = Some(Instant::now() + SYNC_EVERY),
                Ok(Request::NextLog(number)) => {
                    let made = create_log(&*self.disk, number);
                    let mut results = self.shared.results.lock().unwrap_or_else(PoisonError::into_inner);
                    match made {
                        Ok(file) => results.next_log = Some(file),
                        Err(error) => results.compacted = Some(Err(error)),
                    }
                }
                Ok(Request::Compact(last)) => self.compact(last),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.synchronise_if_due();
        }
    }

    fn compact(&mut self, last: u64) {
        // The snapshot may hold nothing that a power cut could take out of the logs.
        if !self.synchronise() {
            return;
        }
        let Holdings { snapshot, first_log, .. } = self.holdings;
        let disk = self.disk.clone();
        let stopping = self.shared.clone();
        let compacted = compact(&*disk, snapshot, first_log..=last, &mut || {
            self.synchronise_if_due();
            if stopping.stopping.load(Ordering::Acquire) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let compacted = match compacted {
            Ok(ControlFlow::Break(())) => return,
            Ok(ControlFlow::Continue(bytes)) => {
                self.holdings.snapshot = Some(last + 1);
                self.holdings.first_log = last + 1;
                Ok(bytes)
            }
            Err(error) => Err(error),
        };
        self.shared.results.lock().unwrap_or_else(PoisonError::into_inner).compacted = Some(compacted);
    }

    fn synchronise_if_due(&mut self) {
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.synchronise();
        }
    }

    /// Synchronises what was written; where that fails, nothing that was written can be relied on.
    fn synchronise(&mut self) -> bool {
        self.due = None;
        // Before, so that what is written meanwhile is told again.
        self.shared.is_told.store(false, Ordering::Release);
        match self.sync.catch_up() {
            Ok(()) => true,
            Err(error) => {
                let dir = self.disk.path("");
                self.queue.fail(StoreError::io("synchronise", &dir)(error));
                false
            }
        }
    }
}
