//! What a stream may deliver, and what it has.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context as Waker, Poll};

use tokio::time::Instant;

use super::slices::Slices;
use crate::client::CyclesClient;
use crate::error::Error;
use crate::guard::{DropReason, ReservationGuard};
use crate::lifecycle::{Context, context};
use crate::protocol::{Amount, CommitRequest, MAX_AMOUNT, Metadata, ReservationCreateRequest, Unit};
use crate::reservation::Spend;
use crate::settlement::Settlement;
use crate::transport::BoxFuture;

/// Why a slice is returned that was reserved ahead.
const NOT_NEEDED: &str = "stream_slice_not_needed";

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It had nothing more.
    Complete,
    /// Its last item was an error.
    Failed,
    /// Nobody reads on.
    Dropped,
    /// No more was authorised; an item of this size was withheld.
    Cut { withheld: u64 },
}

/// The slices that a stream is delivered from, and the one that is being asked for.
pub(super) struct Meter {
    /// The slices that hold budget: the first is being delivered from, and nothing of the others has been used.
    slices: VecDeque<ReservationGuard>,
    /// The slice that is being asked for.
    asking: Option<Asking>,
    /// Whether asking ahead was in vain since the last slice was taken up.
    ahead_in_vain: bool,
    plan: Slices,
    /// What has been delivered from the first slice.
    used: u64,
    delivered: u64,
    /// What has been authorised, with the slices that are settled.
    authorised: u64,
    /// What earlier slices were settled with.
    settled: u64,
    /// The number of slices so far.
    taken: u64,
    client: CyclesClient,
    /// The context of the first slice.
    context: Context,
    /// Whether the authority only observes: then nothing is held, and nothing cut.
    observed: bool,
    started: Instant,
    /// The context that the stream was made in.
    outer: Option<Context>,
}

/// A slice on its way.
struct Asking {
    size: u64,
    answer: BoxFuture<'static, Result<ReservationGuard, Error>>,
    /// Whether the stream has waited for it.
    is_awaited: bool,
}

impl Meter {
    pub(super) fn new(guard: ReservationGuard) -> Self {
        let first = guard.reserved().value();
        Self {
            asking: None,
            ahead_in_vain: false,
            plan: Slices::after(first),
            used: 0,
            delivered: 0,
            authorised: first,
            settled: 0,
            taken: 1,
            client: guard.client().clone(),
            context: context_of(&guard),
            observed: guard.is_observed(),
            started: Instant::now(),
            outer: context(),
            slices: VecDeque::from([guard]),
        }
    }

    pub(super) fn unit(&self) -> &Unit {
        self.context.reserved().unit()
    }

    pub(super) fn amount(&self, value: u64) -> Amount {
        Amount::new(self.unit().clone(), value)
    }

    pub(super) fn delivered(&self) -> Amount {
        self.amount(self.delivered)
    }

    pub(super) fn authorised(&self) -> Amount {
        self.amount(self.authorised)
    }

    /// The context of the slice that is being delivered from.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Ready once an item of a size may be delivered, which is counted then, or once it may not.
    pub(super) fn poll_deliver(&mut self, waker: &mut Waker<'_>, size: u64) -> Poll<Result<(), Error>> {
        loop {
            let room = self.room();
            if size <= room || self.observed {
                self.deliver(size);
                return Poll::Ready(Ok(()));
            }
            let missing = size - room;
            let Some(asking) = &mut self.asking else {
                self.ask(self.plan.size(missing));
                continue;
            };
            let asked = asking.size;
            let Poll::Ready(answer) = asking.answer.as_mut().poll(waker) else {
                if !std::mem::replace(&mut asking.is_awaited, true) {
                    self.plan.waited_for(asked);
                }
                return Poll::Pending;
            };
            self.asking = None;
            match answer {
                Ok(guard) => self.take_up(guard),
                Err(error) if error.is_budget_exceeded() && asked > missing => self.plan.denied(),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Asks for the next slice before it is needed.
    pub(super) fn poll_ahead(&mut self, waker: &mut Waker<'_>) {
        if self.asking.is_none() {
            let due = self.slices.len() == 1 && Slices::is_next_due(self.spent(), self.reserved());
            if !due || self.ahead_in_vain || self.observed {
                return;
            }
            self.ask(self.plan.size(1));
        }
        let Some(asking) = &mut self.asking else { return };
        let Poll::Ready(answer) = asking.answer.as_mut().poll(waker) else { return };
        self.asking = None;
        match answer {
            Ok(guard) => self.take_up(guard),
            Err(error) => {
                tracing::debug!(%error, "no further slice of a stream yet; asking again once it is needed");
                self.ahead_in_vain = true;
                if error.is_budget_exceeded() {
                    self.plan.denied();
                }
            }
        }
    }

    /// Begins to settle: what was delivered is committed, and what was reserved ahead is returned. The future tells how the
    /// last slice was settled; dropping it leaves the settlement to the background.
    pub(super) fn end(&mut self, end: End) -> BoxFuture<'static, Result<Settlement, Error>> {
        let settling = self.settle(end);
        for slice in self.slices.drain(..) {
            drop(slice.release(NOT_NEEDED));
        }
        let asking = self.asking.take();
        Box::pin(async move {
            let Some(settling) = settling else { return Ok(Settlement::Pending) };
            // A slice that is on its way is returned once it has arrived.
            let unneeded = async {
                if let Some(asking) = asking {
                    if let Ok(slice) = asking.answer.await {
                        drop(slice.release(NOT_NEEDED));
                    }
                }
            };
            tokio::join!(settling, unneeded).0
        })
    }

    /// Begins to settle the first slice: an end without a cost of its own is settled by what is known, and otherwise by the
    /// call's policy.
    fn settle(&mut self, end: End) -> Option<BoxFuture<'static, Result<Settlement, Error>>> {
        let is_known = self.used > 0 || self.settled > 0 || self.reported() != Spend::Unknown;
        let spent = self.amount(self.spent());
        let slice = self.slices.pop_front()?;
        self.charge_outer(spent.value());
        let latency_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).min(i32::MAX as u64);
        let mut report = slice.reservation().report();
        report.metrics.get_or_insert_default().latency_ms.get_or_insert(latency_ms);
        if is_known || end == End::Complete {
            report.spend = Spend::Exactly(spent.clone());
        }
        let reason = match end {
            End::Complete => {
                let commit = slice.reservation().commit_of(spent, report.clone());
                drop(report);
                return Some(Box::pin(slice.commit(commit)));
            }
            End::Failed => DropReason::Failed,
            End::Dropped => DropReason::Cancelled,
            End::Cut { withheld } => {
                report.metadata.insert("withheld".to_owned(), withheld.into());
                DropReason::Cut
            }
        };
        drop(report);
        slice.abandon(reason)
    }

    /// Tells the context that the stream was made in.
    fn charge_outer(&self, spent: u64) {
        if let Some(outer) = &self.outer {
            outer.charge_inside(&self.amount(spent));
        }
    }

    fn commit_of(&self, slice: &ReservationGuard, spent: u64) -> CommitRequest {
        let reservation = slice.reservation();
        let report = reservation.report().clone();
        reservation.commit_of(self.amount(spent), report)
    }

    /// Counts what is delivered, slice after slice. A slice that is used up is settled in the background.
    fn deliver(&mut self, size: u64) {
        self.delivered = self.delivered.saturating_add(size);
        let mut left = size;
        while self.slices.len() > 1 {
            let room = self.reserved().saturating_sub(self.spent());
            if left <= room {
                break;
            }
            left -= room;
            self.used += room;
            self.turn_to_next();
        }
        self.used = self.used.saturating_add(left);
    }

    /// Settles the first slice in the background, and delivers from the next.
    fn turn_to_next(&mut self) {
        let spent = self.spent();
        let Some(slice) = self.slices.pop_front() else { return };
        let commit = self.commit_of(&slice, spent);
        self.charge_outer(spent);
        drop(slice.commit(commit));
        self.settled = self.settled.saturating_add(spent);
        self.used = 0;
        if let Some(next) = self.slices.front() {
            self.context = context_of(next);
        }
    }

    /// Asks for a slice.
    fn ask(&mut self, size: u64) {
        let Some(first) = self.slices.front() else { return };
        let size = size.min(MAX_AMOUNT);
        let mut metadata = Metadata::new();
        metadata.insert("stream_slice".to_owned(), (self.taken + 1).into());
        let request = ReservationCreateRequest::builder()
            .action(first.action().clone())
            .estimate(self.amount(size))
            .subject(first.subject().clone())
            .ttl(first.reservation().ttl)
            .metadata(metadata)
            .build();
        let client = self.client.clone();
        let answer = Box::pin(async move { client.reserve_as_it_is(request).await });
        self.asking = Some(Asking { size, answer, is_awaited: false });
    }

    /// Puts a slice behind those that are held.
    fn take_up(&mut self, mut slice: ReservationGuard) {
        if let Some(first) = self.slices.front() {
            slice.set_unknown_spend(first.unknown_spend());
        }
        self.taken += 1;
        self.ahead_in_vain = false;
        self.authorised = self.authorised.saturating_add(slice.reserved().value());
        self.slices.push_back(slice);
    }

    /// How much may be delivered.
    fn room(&self) -> u64 {
        let held = self.slices.iter().fold(0_u64, |sum, slice| sum.saturating_add(slice.reserved().value()));
        held.saturating_sub(self.spent())
    }

    fn reserved(&self) -> u64 {
        self.slices.front().map_or(0, |slice| slice.reserved().value())
    }

    /// What has been spent of the first slice: what was delivered, and what the stream itself recorded beside that; or what it
    /// said it cost, all in all, where that is more.
    fn spent(&self) -> u64 {
        let spent = match self.reported() {
            Spend::Unknown => self.used,
            Spend::AtLeast(recorded) => self.used.saturating_add(recorded.value()),
            Spend::Exactly(total) => total.value().saturating_sub(self.settled).max(self.used),
        };
        spent.min(MAX_AMOUNT)
    }

    /// What the stream has said of its spend while the first slice was being delivered from.
    fn reported(&self) -> Spend {
        self.slices.front().map_or(Spend::Unknown, |slice| slice.reservation().report().spend.clone())
    }
}

fn context_of(slice: &ReservationGuard) -> Context {
    Context::new(Arc::clone(slice.reservation()), slice.lease_ref())
}
