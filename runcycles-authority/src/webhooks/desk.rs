//! The desk: news come in, events go out.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use runcycles::{HyperTransport, Transport};
use tokio::runtime::Handle;

use super::lane::{Lane, work};
use super::{DeliveryRecord, Origin, Told};
use crate::clock::Millis;
use crate::engine::Engine;
use crate::state::{News, State};

/// Events that are remembered.
const MOST_EVENTS: usize = 10_000;

/// Makes events of news, remembers the latest, and hands them to lanes.
#[derive(Default)]
pub(crate) struct Desk {
    /// Looked at and changed in a few instructions, within the lock of the state or without it, and never around it.
    inner: Mutex<Inner>,
    courier: OnceLock<Arc<Courier>>,
    /// Whether somebody listens, for those who would prepare something to tell.
    is_listened_to: AtomicBool,
    /// Whether other machines reach the authority.
    is_exposed: AtomicBool,
}

#[derive(Default)]
struct Inner {
    events: VecDeque<Arc<Told>>,
    lanes: HashMap<Arc<str>, Arc<Lane>>,
}

/// What carries deliveries, and where its tasks run.
pub(super) struct Courier {
    /// Set up by the first delivery, since most authorities have none.
    transport: OnceLock<Arc<dyn Transport>>,
    runtime: Handle,
    pub(super) engine: Weak<Engine>,
}

impl Courier {
    pub(super) fn transport(&self) -> &dyn Transport {
        &**self.transport.get_or_init(|| Arc::new(HyperTransport::new()))
    }
}

/// How deliveries of a subscription go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Health {
    pub(crate) consecutive_failures: u32,
    pub(crate) last_triggered_at: Option<Millis>,
    pub(crate) last_success_at: Option<Millis>,
    pub(crate) last_failure_at: Option<Millis>,
}

impl Desk {
    /// Sets what carries deliveries, which is hyper unless something else is given. Without a runtime there is nobody to carry
    /// anything, and events are remembered only.
    pub(crate) fn open(&self, engine: Weak<Engine>, transport: Option<Arc<dyn Transport>>) {
        if let Ok(runtime) = Handle::try_current() {
            let transport = transport.map_or_else(OnceLock::new, OnceLock::from);
            // Set once, as the authority starts.
            let _ = self.courier.set(Arc::new(Courier { transport, runtime, engine }));
        }
    }

    /// Makes events of news, under the lock of the state, so that they are in the order of what happened.
    pub(crate) fn tell(&self, state: &State, news: Vec<News>, at: Millis) {
        let origin = Origin::current();
        let told: Vec<_> = news.into_iter().filter_map(|news| Told::new(news, at, origin)).map(Arc::new).collect();
        if told.iter().any(|told| told.category == "webhook") {
            self.notice(state);
        }
        let mut inner = self.inner();
        for told in told {
            let event_type = told.event_type.as_str();
            for row in state.subscriptions().iter().filter(|row| row.is_active()) {
                if row.wants(&told.tenant, event_type, &told.category, told.scope.as_deref()) {
                    self.lane(&mut inner, &row.id).push(Arc::clone(&told), at);
                }
            }
            inner.events.push_back(told);
            if inner.events.len() > MOST_EVENTS {
                inner.events.pop_front();
            }
        }
    }

    /// Notes what subscriptions there are now.
    pub(crate) fn notice(&self, state: &State) {
        self.is_listened_to.store(state.is_listened_to(), Ordering::Relaxed);
        let mut inner = self.inner();
        inner.lanes.retain(|id, lane| {
            let row = state.subscriptions().get(id);
            match row {
                None => lane.close(),
                Some(row) if row.is_active() => lane.resume(),
                Some(_) => lane.hold(),
            }
            row.is_some()
        });
    }

    /// Queues remembered events again, the oldest first.
    pub(crate) fn replay(&self, id: &Arc<str>, events: Vec<Arc<Told>>, at: Millis) {
        let mut inner = self.inner();
        let lane = self.lane(&mut inner, id);
        for told in events {
            lane.push(told, at);
        }
    }

    /// The events that are remembered, the latest first.
    pub(crate) fn events(&self) -> Vec<Arc<Told>> {
        self.inner().events.iter().rev().cloned().collect()
    }

    /// The deliveries of a subscription that are remembered, the latest first.
    pub(crate) fn deliveries(&self, id: &str) -> Vec<DeliveryRecord> {
        let lane = self.inner().lanes.get(id).cloned();
        let mut records = lane.map(|lane| lane.records()).unwrap_or_default();
        records.reverse();
        records
    }

    pub(crate) fn health(&self, id: &str) -> Health {
        self.inner().lanes.get(id).map(|lane| lane.health()).unwrap_or_default()
    }

    pub(crate) fn is_listened_to(&self) -> bool {
        self.is_listened_to.load(Ordering::Relaxed)
    }

    /// Notes that other machines reach the authority from now on.
    pub(crate) fn expose(&self) {
        self.is_exposed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_exposed(&self) -> bool {
        self.is_exposed.load(Ordering::Relaxed)
    }

    /// The lane of a subscription, with a task that works on it.
    fn lane<'i>(&self, inner: &'i mut Inner, id: &Arc<str>) -> &'i Arc<Lane> {
        inner.lanes.entry(Arc::clone(id)).or_insert_with(|| {
            let lane = Arc::new(Lane::default());
            if let Some(courier) = self.courier.get() {
                courier.runtime.spawn(work(Arc::clone(courier), Arc::clone(&lane), Arc::clone(id)));
            }
            lane
        })
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.inner().lanes.values().for_each(|lane| lane.close());
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("is_listened_to", &self.is_listened_to).finish_non_exhaustive()
    }
}
