//! One task that extends all of a client's live reservations.
//!
//! # Implementation rationale
//!
//! A task for each reservation costs a wake-up of another thread at its start and its end, more than a request's own work.
//! Here a call that ends before its first beat costs two short locks. The task starts with the first reservation and ends at
//! the first beat that finds none: ending it with the last guard would start and stop it once for every call of a client that
//! makes one at a time. It holds no client: a client that goes away takes its heartbeat along.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::extension::Extension;
use super::lease_ref::LeaseRef;
use super::live::Live;
use super::schedule::{BeatKey, Granted, Lease, Next, StopReason};
use crate::client::Shared;
use crate::planted::{Bug, planted};
use crate::reservation::Reservation;

/// The most extensions in flight at a time; the others wait their turn, well before their leases end.
const MAX_IN_FLIGHT: usize = 32;

/// Beats of reservations that have ended are left in the queue until they are this many more than the live ones.
const STALE_SLACK: usize = 1_024;

/// The heartbeat of a client.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    /// A synchronous lock: it is held for a few operations on the queue, and guards take it when they are dropped.
    beats: Mutex<Beats>,
    /// Tells the task that an earlier beat was planned, or that the client is gone.
    changed: Notify,
    /// Where monotonic time starts.
    epoch: Instant,
}

/// What is planned.
#[derive(Debug, Default)]
pub(super) struct Beats {
    live: HashMap<u64, Live>,
    /// Due times with the reservation's number. Those of reservations that have ended are skipped.
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    next_number: u64,
    running: bool,
    closed: bool,
    /// Until when the task sleeps, so that only an earlier beat wakes it.
    sleeping_until: Option<Instant>,
}

/// From how many live reservations on their beats are spread: those made in one second would all be due in one later.
const CROWD: usize = 256;

/// How much sooner than it must a beat comes in a crowd, as a part of its delay: between nothing and that of its turn. The numbers
/// of reservations make a sequence that fills that evenly, however many there are (multiples of the golden ratio).
fn spread(delay: Duration, number: u64, turn: Turn) -> Duration {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let most = match turn {
        Turn::First => 750,
        // Those that were spread the most come no sooner than the last of the first.
        Turn::Later => 500,
    };
    let thousandths = ((number.wrapping_mul(GOLDEN) >> 32) * most) >> 32;
    delay.saturating_sub(delay / 1_000 * u32::try_from(thousandths).unwrap_or(0))
}

/// Which beat of a reservation is planned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    Later,
}

/// Keeps a reservation alive until it is dropped.
pub(crate) struct Beat {
    heartbeat: Arc<Heartbeat>,
    number: u64,
}

impl Beat {
    /// Where the reservation's lease is kept, for those who outlive the beat.
    pub(crate) fn lease(&self) -> LeaseRef {
        LeaseRef::new(&self.heartbeat, self.number)
    }
}

impl Heartbeat {
    /// A heartbeat without a task.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { beats: Mutex::default(), changed: Notify::new(), epoch: Instant::now() })
    }

    /// Starts to keep a reservation alive, by the answer that granted it.
    pub(crate) fn start(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        reservation: &Arc<Reservation>,
        sent_at: Instant,
        received_at: Instant,
        remaining_ttl_ms: Option<u64>,
    ) -> Beat {
        let granted = self.granted(sent_at, received_at, reservation.expires_at_ms, remaining_ttl_ms);
        let (lease, next) = Lease::open(reservation.ttl, shared.config.attempt_timeout(), granted);
        let mut beats = self.lock();
        let number = beats.next_number;
        beats.next_number += 1;
        let mut live = Live::new(Arc::clone(reservation), lease);
        if beats.closed {
            live.stop(StopReason::ShutDown);
        }
        beats.live.insert(number, live);
        let wake = !beats.closed && beats.follow(number, &next, Turn::First, received_at);
        let start = !beats.running && !beats.queue.is_empty();
        beats.running |= start;
        drop(beats);
        if start {
            let run = Run { heartbeat: Arc::clone(self), shared: Arc::downgrade(shared), ended: false };
            tokio::spawn(run.beat());
        } else if wake {
            self.changed.notify_one();
        }
        Beat { heartbeat: Arc::clone(self), number }
    }

    /// Ends the task and with it all extending, since the client is gone or shut down.
    pub(crate) fn close(&self) {
        let mut beats = self.lock();
        beats.closed = true;
        for live in beats.live.values_mut() {
            live.stop(StopReason::ShutDown);
        }
        drop(beats);
        self.changed.notify_one();
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Beats> {
        // The queue's invariants hold between any two operations on it, so a panic elsewhere leaves it usable.
        self.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn since_epoch(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.epoch)
    }

    pub(super) fn granted(
        &self,
        sent_at: Instant,
        received_at: Instant,
        expires_at_ms: Option<u64>,
        remaining_ttl_ms: Option<u64>,
    ) -> Granted {
        let rtt = received_at.saturating_duration_since(sent_at);
        Granted { received_at: self.since_epoch(received_at), rtt, expires_at_ms, remaining_ttl_ms }
    }
}

impl Beats {
    pub(super) fn live(&mut self, number: u64) -> Option<&mut Live> {
        self.live.get_mut(&number)
    }

    /// Plans what comes next for a reservation; whether the task sleeps too long for it.
    ///
    /// In a crowd, a beat comes sooner: the first one, and the others where the server adds extensions to what is left. Nothing is
    /// lost by it there, and leases that began together end together, however their first extensions were spread.
    fn follow(&mut self, number: u64, next: &Next, turn: Turn, now: Instant) -> bool {
        let is_crowd = self.live.len() > CROWD;
        let Some(live) = self.live.get_mut(&number) else { return false };
        live.follow(next);
        let Next::Beat { after, key } = next else { return false };
        let may_be_sooner = matches!(key, BeatKey::New) && (turn == Turn::First || live.lease.is_added_to());
        let due = now + if is_crowd && may_be_sooner { spread(*after, number, turn) } else { *after };
        self.queue.push(Reverse((due, number)));
        self.sleeping_until.is_none_or(|until| due < until)
    }

    /// Forgets a reservation, and now and then the planned beats of those forgotten before.
    fn forget(&mut self, number: u64) {
        self.live.remove(&number);
        if self.queue.len() > 2 * self.live.len() + STALE_SLACK {
            let live = &self.live;
            self.queue.retain(|Reverse((_, number))| live.contains_key(number));
        }
    }

    /// When the next beat is planned. Those of reservations that have ended are passed over once one of them comes due, not
    /// before: the task outlives calls that end before it runs, and so is not started again by each.
    fn first_due(&mut self, now: Instant) -> Option<Instant> {
        if self.queue.peek().is_some_and(|Reverse((due, _))| *due <= now) {
            while self.queue.peek().is_some_and(|Reverse((_, number))| !self.live.contains_key(number)) {
                self.queue.pop();
            }
        }
        self.queue.peek().map(|Reverse((due, _))| *due)
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        if planted(Bug::HeartbeatNotStopped) {
            return;
        }
        self.heartbeat.lock().forget(self.number);
    }
}

/// The task.
struct Run {
    heartbeat: Arc<Heartbeat>,
    shared: Weak<Shared>,
    /// Whether the task has handed over: the next reservation starts another.
    ended: bool,
}

/// What the task does next.
enum Step {
    Extend(u64, Duration, Box<Extension>),
    Sleep(Option<Instant>),
    End,
}

impl Run {
    async fn beat(mut self) {
        let mut in_flight = JoinSet::new();
        loop {
            match self.step(in_flight.len()) {
                Step::End => return,
                Step::Extend(number, timeout, extension) => {
                    // Reservations hold their client, so that a client that is gone has none.
                    let Some(shared) = self.shared.upgrade() else { return };
                    in_flight.spawn(async move { (number, extension.attempt(&shared, timeout).await) });
                }
                Step::Sleep(until) => {
                    let due = async {
                        match until {
                            Some(until) => tokio::time::sleep_until(until).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        // In this order, so that the same events lead to the same requests.
                        biased;
                        () = due => {}
                        () = self.heartbeat.changed.notified() => {}
                        Some(Ok((number, attempt))) = in_flight.join_next(), if !in_flight.is_empty() => {
                            let mut beats = self.heartbeat.lock();
                            let Some(live) = beats.live.get_mut(&number) else { continue };
                            let next = attempt.outcome.apply(&mut live.lease, &self.heartbeat, &live.reservation);
                            live.extension = Some(attempt.extension);
                            beats.follow(number, &next, Turn::Later, attempt.finished_at);
                        }
                    }
                }
            }
        }
    }

    /// Takes the next due beat, or says how long to sleep.
    fn step(&mut self, in_flight: usize) -> Step {
        let mut beats = self.heartbeat.lock();
        beats.sleeping_until = None;
        let now = Instant::now();
        let first_due = beats.first_due(now);
        if beats.closed || (first_due.is_none() && in_flight == 0) {
            beats.running = false;
            self.ended = true;
            return Step::End;
        }
        let Some(due) = first_due else { return Step::Sleep(None) };
        if due > now || in_flight >= MAX_IN_FLIGHT {
            let until = (in_flight < MAX_IN_FLIGHT).then_some(due);
            beats.sleeping_until = until;
            return Step::Sleep(until);
        }
        let Some(Reverse((_, number))) = beats.queue.pop() else { return Step::Sleep(None) };
        let Some(live) = beats.live.get_mut(&number) else { return Step::Sleep(None) };
        let extension = match live.extension.take() {
            Some(extension) => extension,
            None => Box::new(Extension::new(&live.reservation, live.lease.extend_by())),
        };
        Step::Extend(number, live.lease.attempt_timeout(), extension)
    }
}

impl Drop for Run {
    /// The runtime ends with the task on it; the next reservation starts another.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let mut beats = self.heartbeat.lock();
        beats.running = false;
        beats.sleeping_until = None;
    }
}
