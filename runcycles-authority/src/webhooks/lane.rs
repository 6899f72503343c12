//! The lane of a subscription: what is to be delivered, in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use runcycles::webhooks::EventType;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::delivery::{Delivery, DeliveryStatus};
use super::desk::Courier;
use super::target::{Attempt, Target};
use super::{DeliveryRecord, Health, Told};
use crate::clock::Millis;
use crate::engine::Engine;
use crate::engine::admin::{DisableSubscription, FindSubscription, TellOfFailure};
use crate::state::Subscription;

/// Deliveries that may wait for their turn, and as many for another attempt; the oldest are given up for newer ones.
const MOST_WAITING: usize = 10_000;

/// Deliveries that are remembered.
const MOST_RECORDS: usize = 1_000;

/// How long a delivery may wait, in milliseconds: 24 hours.
const MOST_AGE_MS: Millis = 24 * 3_600_000;

/// What is to be delivered to a subscription.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Looked at and changed in a few instructions, never across an await.
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Delivery>,
    /// By the time of their next attempt, and in the order in which they failed.
    retries: BTreeMap<(Instant, u64), Delivery>,
    failures: u64,
    records: VecDeque<Delivery>,
    health: Health,
    /// Whether nothing is delivered until the subscription is resumed.
    is_held: bool,
    /// How often it was held or resumed.
    turns: u64,
    is_closed: bool,
}

impl Lane {
    /// Queues an event.
    pub(super) fn push(&self, told: Arc<Told>, at: Millis) {
        self.with(|queue| {
            let delivery = Delivery::new(told, at);
            queue.health.last_triggered_at = Some(at);
            queue.records.push_back(delivery.clone());
            if queue.records.len() > MOST_RECORDS {
                queue.records.pop_front();
            }
            queue.waiting.push_back(delivery);
            if queue.waiting.len() > MOST_WAITING
                && let Some(oldest) = queue.waiting.pop_front()
            {
                give_up(&oldest, at);
            }
        });
        self.changed.notify_one();
    }

    /// Delivers nothing until it is resumed.
    pub(super) fn hold(&self) {
        self.with(|queue| {
            queue.is_held = true;
            queue.turns += 1;
        });
    }

    /// Delivers again after a pause, and counts failures anew.
    pub(super) fn resume(&self) {
        self.with(|queue| {
            queue.turns += 1;
            if std::mem::take(&mut queue.is_held) {
                queue.health.consecutive_failures = 0;
            }
        });
        self.changed.notify_one();
    }

    /// Ends the lane with its subscription, or with the authority.
    pub(super) fn close(&self) {
        self.with(|queue| queue.is_closed = true);
        self.changed.notify_one();
    }

    pub(super) fn records(&self) -> Vec<DeliveryRecord> {
        self.with(|queue| queue.records.iter().map(Delivery::record).collect())
    }

    pub(super) fn health(&self) -> Health {
        self.with(|queue| queue.health)
    }

    fn with<T>(&self, look: impl FnOnce(&mut Queue) -> T) -> T {
        look(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next delivery whose time has come; none once the lane is closed.
    async fn next(&self) -> Option<Delivery> {
        loop {
            let due = match self.with(Queue::take) {
                Next::Closed => return None,
                Next::Now(delivery) => return Some(delivery),
                Next::At(due) => due,
            };
            match due {
                None => self.changed.notified().await,
                Some(due) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = sleep_until(due) => {}
                },
            }
        }
    }
}

enum Next {
    Closed,
    Now(Delivery),
    At(Option<Instant>),
}

impl Queue {
    fn take(&mut self) -> Next {
        if self.is_closed {
            return Next::Closed;
        }
        if self.is_held {
            return Next::At(None);
        }
        let earliest = self.retries.first_entry();
        let due = earliest.as_ref().map(|retry| retry.key().0);
        match earliest {
            Some(retry) if due <= Some(Instant::now()) => Next::Now(retry.remove()),
            _ => self.waiting.pop_front().map_or(Next::At(due), Next::Now),
        }
    }
}

/// Delivers what is on a lane until the lane is closed or the authority is gone.
///
/// The authority is not held while an attempt is under way, so that dropping it ends it.
pub(super) async fn work(courier: Arc<Courier>, lane: Arc<Lane>, id: Arc<str>) {
    while let Some(delivery) = lane.next().await {
        let turn = lane.with(|queue| queue.turns);
        let Some((subscription, is_exposed, now)) = ask(&courier.engine, &id).await else { return };
        if !subscription.is_active() {
            lane.with(|queue| {
                queue.waiting.push_front(delivery);
                // Unless it was resumed since it was asked about.
                queue.is_held |= queue.turns == turn;
            });
            continue;
        }
        if now.saturating_sub(delivery.queued_at) > MOST_AGE_MS {
            delivery.is_given_up(now, "it waited for more than 24 hours");
            continue;
        }
        let target = Target { subscription: &subscription, is_exposed, transport: courier.transport() };
        let attempt = target.deliver(&delivery.told).await;
        let Some(engine) = courier.engine.upgrade() else { return };
        lane.conclude(&engine, &subscription, delivery, attempt);
    }
}

/// The subscription as it stands, once what events say is kept: nobody outside may learn of what could still be lost.
async fn ask(engine: &Weak<Engine>, id: &str) -> Option<(Subscription, bool, Millis)> {
    let unwritten = engine.upgrade()?.unwritten();
    if let Some(unwritten) = unwritten {
        unwritten.written().await.ok()?;
    }
    let engine = engine.upgrade()?;
    Some((engine.execute(FindSubscription { id })?, engine.desk().is_exposed(), engine.clock_ms()))
}

impl Lane {
    /// Notes how an attempt went, and what comes of it.
    fn conclude(&self, engine: &Engine, subscription: &Subscription, delivery: Delivery, attempt: Attempt) {
        let now = engine.clock_ms();
        let failures = delivery.note(&attempt, now);
        let Some(error) = attempt.error else {
            delivery.ends(DeliveryStatus::Success, now);
            return self.with(|queue| {
                queue.health.consecutive_failures = 0;
                queue.health.last_success_at = Some(now);
            });
        };
        self.with(|queue| queue.health.last_failure_at = Some(now));
        if let Some(delay) = subscription.retries.delay_after(failures) {
            delivery.retries_at(now.saturating_add(millis(delay)));
            return self.with(|queue| {
                queue.failures += 1;
                queue.retries.insert((Instant::now() + delay, queue.failures), delivery);
                if queue.retries.len() > MOST_WAITING
                    && let Some((_, oldest)) = queue.retries.pop_first()
                {
                    give_up(&oldest, now);
                }
            });
        }
        delivery.ends(DeliveryStatus::Failed, now);
        let failed = self.with(|queue| {
            queue.health.consecutive_failures += 1;
            queue.health.consecutive_failures
        });
        let id = &subscription.id;
        // A failure to tell of a failure is told to nobody, or there would be no end of it.
        if delivery.told.event_type != EventType::SystemWebhookDeliveryFailed {
            engine.execute(TellOfFailure { id, event_id: &delivery.told.id, error: &error, attempts: failures });
        }
        if failed >= subscription.disable_after {
            tracing::warn!(subscription = %id, failed, "a subscription was disabled: its deliveries fail");
            engine.execute(DisableSubscription { id });
        }
    }
}

fn give_up(delivery: &Delivery, now: Millis) {
    tracing::warn!(event = %delivery.told.id, "a delivery was given up: {MOST_WAITING} newer ones wait");
    delivery.is_given_up(now, "too many deliveries wait");
}

fn millis(delay: Duration) -> Millis {
    Millis::try_from(delay.as_millis()).unwrap_or(Millis::MAX)
}
