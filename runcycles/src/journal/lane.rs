//! The way from the async threads to the disk.

use std::collections::VecDeque;
use std::iter;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::desk::{Desk, Order};
use super::error::JournalError;

/// The most orders at a time, which share one synchronisation of the directory.
const LARGEST_GROUP: usize = 64;

/// The most orders that wait for a stalled disk.
const LONGEST_QUEUE: usize = 16_384;

/// How long the thread stays without work.
const IDLE: Duration = Duration::from_secs(10);

/// Where orders are carried out.
#[derive(Clone)]
pub(crate) enum Place {
    /// On a thread of the journal's own, which starts with the first order and ends when it has had none for a while. A slow
    /// disk holds up nobody but those who wait for it.
    Thread,
    /// Where they are given, before the call returns: for a disk in memory, and for programs under a clock of their own.
    #[cfg(any(test, feature = "__simulation"))]
    Caller,
    /// With somebody who does it later, one piece after the other.
    #[cfg(feature = "__simulation")]
    Worker(Arc<dyn Fn(Work) + Send + Sync>),
}

/// Some work on the disk.
#[cfg(feature = "__simulation")]
pub type Work = Box<dyn FnOnce() + Send>;

/// Brings orders to the disk, in the sequence in which they are given.
pub(super) struct Lane {
    place: Place,
    /// How long the disk may be at one group of orders before it counts as stalled.
    patience: Duration,
    /// A lock that only the one who works on the disk takes; held while the disk works.
    desk: Mutex<Desk>,
    /// A lock because any thread gives orders; held for a few operations on the queue.
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    orders: VecDeque<Order>,
    /// The thread that works, where there is one.
    thread: Option<Thread>,
    /// Since when it has been at one group of orders.
    busy_since: Option<Instant>,
    /// Whether the journal is gone, so that the thread ends with its work.
    closed: bool,
}

/// How an order was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is carried out, or will be soon.
    Promptly,
    /// It waits behind orders that the disk has been at for this long.
    Behind(Duration),
}

impl Lane {
    pub(super) fn new(place: Place, patience: Duration, desk: Desk) -> Self {
        Self { place, patience, desk: Mutex::new(desk), queue: Mutex::default() }
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Gives an order. It blocks at [`Place::Caller`] alone.
    pub(super) fn give(self: &Arc<Self>, order: Order) -> Result<Taken, JournalError> {
        match &self.place {
            Place::Thread => self.give_thread(order),
            #[cfg(any(test, feature = "__simulation"))]
            Place::Caller => {
                self.desk().work([order]);
                Ok(Taken::Promptly)
            }
            #[cfg(feature = "__simulation")]
            Place::Worker(worker) => {
                let lane = Arc::clone(self);
                worker(Box::new(move || lane.desk().work([order])));
                Ok(Taken::Promptly)
            }
        }
    }

    fn give_thread(self: &Arc<Self>, order: Order) -> Result<Taken, JournalError> {
        let mut queue = self.queue();
        let busy_for = queue.busy_since.map_or(Duration::ZERO, |since| since.elapsed());
        if queue.orders.len() >= LONGEST_QUEUE {
            return Err(JournalError::Stalled { waited: busy_for });
        }
        let thread = match &queue.thread {
            Some(thread) => thread.clone(),
            None => self.start_thread(&mut queue)?,
        };
        queue.orders.push_back(order);
        drop(queue);
        thread.unpark();
        Ok(if busy_for > self.patience { Taken::Behind(busy_for) } else { Taken::Promptly })
    }

    /// Lets the thread end when its work is done.
    pub(super) fn close(&self) {
        let mut queue = self.queue();
        queue.closed = true;
        if let Some(thread) = &queue.thread {
            thread.unpark();
        }
    }

    fn start_thread(self: &Arc<Self>, queue: &mut Queue) -> Result<Thread, JournalError> {
        let lane = Arc::clone(self);
        let started = thread::Builder::new().name("cycles-journal".to_owned()).spawn(move || work(&lane));
        let thread = started.map_err(|error| JournalError::NoThread(Arc::new(error)))?.thread().clone();
        queue.thread = Some(thread.clone());
        Ok(thread)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // A panic in a tracing subscriber leaves the desk between two steps on the disk, each of which may be the last.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // The queue is whole between any two operations on it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread does until it has had nothing to do for a while.
fn work(lane: &Lane) {
    let mut group = Vec::with_capacity(LARGEST_GROUP);
    let mut idle_since = Instant::now();
    loop {
        let mut queue = lane.queue();
        if queue.orders.is_empty() {
            queue.busy_since = None;
            if queue.closed || idle_since.elapsed() >= IDLE {
                queue.thread = None;
                return;
            }
            drop(queue);
            thread::park_timeout(IDLE);
            continue;
        }
        let size = queue.orders.len().min(LARGEST_GROUP);
        group.extend(queue.orders.drain(..size));
        queue.busy_since = Some(Instant::now());
        drop(queue);
        let mut orders = group.drain(..);
        while let Some(first) = orders.next() {
            let rest = iter::once(first).chain(&mut orders);
            // Whoever waits for what panicked learns of it, since the answer is dropped; the other orders are carried out.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| lane.desk().work(rest)));
        }
        drop(orders);
        idle_since = Instant::now();
    }
}
