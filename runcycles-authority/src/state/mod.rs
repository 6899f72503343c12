//! What the authority knows: tables of rows.
//!
//! Rows change through [`State`] alone, which notes which ones did, so that a store can write exactly those.

mod actions;
mod api_keys;
mod by_key;
mod changes;
mod counters;
mod events;
mod idempotency;
mod kept_reservations;
mod key;
mod kinds;
mod ledgers;
mod news;
mod own_ids;
mod permissions;
mod policies;
mod reservations;
mod restoration;
mod subscriptions;
mod tenants;

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Millis;

pub(crate) use self::actions::{Action, NamedAction};
pub(crate) use self::api_keys::{ApiKey, ApiKeyStatus, ApiKeys, KeyDigest, Revocation};
pub(crate) use self::changes::{Changes, RowKey};
pub(crate) use self::counters::{Count, Counted, Counter, CounterKey, Counters, QuotaNotice, Window};
pub(crate) use self::events::Event;
pub(crate) use self::idempotency::{
    Allowance, Answer, Denied, Evaluation, FundedFigures, Namespace, Operation, Record, Records,
};
pub(crate) use self::key::Key;
pub(crate) use self::kinds::Kinds;
pub(crate) use self::ledgers::{Figures, Ledger, LedgerId, LedgerOptions, LedgerStatus, Ledgers, ROLLOVER_POLICIES};
pub(crate) use self::news::News;
pub(crate) use self::own_ids::{IdMap, LedgerMap};
pub(crate) use self::permissions::{Permission, Permissions};
pub(crate) use self::policies::{Policies, Policy, RateLimits, TtlOverride};
pub(crate) use self::reservations::{Extension, Phase, Posting, Reservation, Reservations, Ruled, Settlement};
pub(crate) use self::restoration::{KeptRow, Restoration};
pub(crate) use self::subscriptions::{RetryPolicy, SYSTEM, Subscription, SubscriptionStatus, Subscriptions};
pub(crate) use self::tenants::{EXPIRY_POLICIES, Overage, Tenant, TenantId, TenantSettings, TenantStatus, Tenants};

/// How long a finished reservation and an event can be read, in milliseconds: 30 days.
pub(crate) const RECORD_RETENTION_MS: Millis = 30 * 24 * 3_600_000;

/// How long the key of a reservation, a dry run or a decision is known at least, in milliseconds: 24 hours.
pub(crate) const KEY_RETENTION_MS: Millis = 24 * 3_600_000;

/// Rows of retired records removed at most while a command runs, so that none of them waits for a long sweep.
const SWEEP_AT_ONCE: usize = 16;

/// Every table of an authority, and the time it has reached.
#[derive(Debug, Default)]
pub(crate) struct State {
    now: Millis,
    tenants: Tenants,
    api_keys: ApiKeys,
    ledgers: Ledgers,
    reservations: Reservations,
    actions: actions::Actions,
    records: Records,
    events: events::Events,
    policies: Policies,
    counters: Counters,
    notices: Vec<QuotaNotice>,
    kinds: Kinds,
    subscriptions: Subscriptions,
    /// What happened since somebody was last told; nothing is noted where nobody listens.
    news: Option<Vec<News>>,
    retirements: BTreeSet<(Millis, Retired)>,
    changes: Changes,
    rules: Rules,
}

/// What the authority was told to do beyond what the reference server does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Whether policies apply to reservations.
    pub(crate) evaluate_policies: bool,
    /// Whether it speaks the extensions of protocol v0.1.26.
    pub(crate) extensions: bool,
}

/// A row that is removed at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Retired {
    Reservation(Uuid),
    Event(Uuid),
}

impl State {
    /// Empty tables that note their changes in `changes`.
    pub(crate) fn new(changes: Changes) -> Self {
        Self { changes, ..Self::default() }
    }

    pub(crate) fn with_rules(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    pub(crate) fn with_kinds(self, kinds: Kinds) -> Self {
        Self { kinds, ..self }
    }

    /// The registry of action kinds.
    pub(crate) fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    /// Moves the time forward and removes records whose time has passed. The time never goes back.
    pub(crate) fn reach(&mut self, now: Millis) -> Millis {
        self.now = self.now.max(now);
        for _ in 0..SWEEP_AT_ONCE {
            let Some(&(at, row)) = self.retirements.first() else { break };
            if at >= self.now {
                break;
            }
            self.retirements.pop_first();
            match row {
                Retired::Reservation(id) => {
                    self.reservations.remove(id);
                    self.changes.note(|| RowKey::Reservation(id));
                }
                Retired::Event(id) => {
                    self.events.remove(id);
                    self.changes.note(|| RowKey::Event(id));
                }
            }
        }
        self.records.forget_until(self.now, SWEEP_AT_ONCE, &mut self.changes);
        self.counters.forget_until(self.now, SWEEP_AT_ONCE, &mut self.changes);
        self.now
    }

    pub(crate) fn now(&self) -> Millis {
        self.now
    }

    pub(crate) fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    pub(crate) fn api_keys(&self) -> &ApiKeys {
        &self.api_keys
    }

    pub(crate) fn ledgers(&self) -> &Ledgers {
        &self.ledgers
    }

    pub(crate) fn reservations(&self) -> &Reservations {
        &self.reservations
    }

    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    pub(crate) fn events(&self) -> &events::Events {
        &self.events
    }

    pub(crate) fn policies(&self) -> &Policies {
        &self.policies
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Counts an action for the quotas that it belongs to.
    pub(crate) fn count(&mut self, counts: Vec<Count>) {
        for count in counts {
            let key = count.key.clone();
            self.notices.extend(self.counters.add(count, self.now));
            self.changes.note(|| RowKey::Counter(key));
        }
    }

    /// Takes back what a reservation counted for in its run: it came to nothing.
    pub(crate) fn uncount(&mut self, ruled: Option<Box<Ruled>>) {
        for key in ruled.into_iter().flat_map(|ruled| ruled.counted) {
            self.counters.subtract(&key);
            self.changes.note(|| RowKey::Counter(key));
        }
    }

    /// Sets a counter to zero, and gives what it was.
    pub(crate) fn reset_counter(
        &mut self,
        key: &std::sync::Arc<CounterKey>,
        reason: Option<String>,
    ) -> Option<Counter> {
        let before = self.counters.reset(key)?;
        let (previous, limit, policy) = (before.used, before.limit, before.policy.clone());
        self.notices.push(QuotaNotice::CounterReset { key: key.clone(), previous, limit, policy, reason });
        self.changes.note(|| RowKey::Counter(key.clone()));
        Some(before)
    }

    /// What operators are to be told since this was last asked.
    pub(crate) fn take_notices(&mut self) -> Vec<QuotaNotice> {
        std::mem::take(&mut self.notices)
    }

    pub(crate) fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }

    /// Whether somebody subscribed to anything, so that what happens is to be told.
    pub(crate) fn is_listened_to(&self) -> bool {
        self.news.is_some()
    }

    /// Notes something to be told, if somebody listens.
    pub(crate) fn tell(&mut self, news: News) {
        if let Some(noted) = &mut self.news {
            noted.push(news);
        }
    }

    pub(crate) fn has_news(&self) -> bool {
        self.news.as_ref().is_some_and(|news| !news.is_empty())
    }

    /// What happened since this was last called. Nothing is noted any more once the last subscription is gone.
    pub(crate) fn take_news(&mut self) -> Vec<News> {
        let news = self.news.take().unwrap_or_default();
        self.listen();
        news
    }

    /// Notes what happens from now on, if somebody subscribed.
    pub(crate) fn listen(&mut self) {
        let is_wanted = self.subscriptions.iter().next().is_some();
        self.news = is_wanted.then(|| self.news.take().unwrap_or_default());
    }

    pub(crate) fn insert_subscription(&mut self, row: Subscription) {
        let (id, is_kept) = (row.id.clone(), !row.is_configured);
        self.subscriptions.insert(row);
        if is_kept {
            self.changes.note(|| RowKey::Subscription(id));
        }
        self.news.get_or_insert_default();
    }

    pub(crate) fn remove_subscription(&mut self, id: &str) {
        if let Some(row) = self.subscriptions.remove(id).filter(|row| !row.is_configured) {
            self.changes.note(|| RowKey::Subscription(row.id));
        }
    }

    /// Whether rows changed since [`drain_changes`](Self::drain_changes) was last called, where changes are noted.
    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Visits the key of every row that changed since this was last called, in order.
    pub(crate) fn drain_changes(&mut self, mut visit: impl FnMut(&Self, &RowKey)) {
        let mut keys = self.changes.take();
        for key in &keys {
            visit(self, key);
        }
        keys.clear();
        self.changes.reuse(keys);
    }

    pub(crate) fn insert_tenant(&mut self, tenant: Tenant) -> TenantId {
        let id = self.tenants.insert(tenant);
        self.changes.note(|| RowKey::Tenant(id));
        id
    }

    pub(crate) fn tenant_mut(&mut self, id: TenantId) -> &mut Tenant {
        self.changes.note(|| RowKey::Tenant(id));
        self.tenants.get_mut(id)
    }

    pub(crate) fn insert_api_key(&mut self, digest: KeyDigest, key: ApiKey) {
        self.api_keys.insert(digest, key);
        self.changes.note(|| RowKey::ApiKey(digest));
    }

    /// Adds a key that nobody uses after this process, so nothing is noted.
    pub(crate) fn insert_passing_api_key(&mut self, digest: KeyDigest, key: ApiKey) {
        self.api_keys.insert(digest, key);
    }

    pub(crate) fn api_key_mut(&mut self, digest: &KeyDigest) -> Option<&mut ApiKey> {
        let digest = *digest;
        self.changes.note(|| RowKey::ApiKey(digest));
        self.api_keys.get_mut(&digest)
    }

    pub(crate) fn insert_ledger(&mut self, ledger: Ledger) -> LedgerId {
        let id = self.ledgers.insert(ledger);
        self.changes.note(|| RowKey::Ledger(id));
        self.changes.note(|| RowKey::Figures(id));
        id
    }

    pub(crate) fn ledger_mut(&mut self, id: LedgerId) -> &mut Ledger {
        self.changes.note(|| RowKey::Ledger(id));
        self.changes.note(|| RowKey::Figures(id));
        self.ledgers.get_mut(id)
    }

    /// Changes what most operations change in a ledger, and nothing else.
    pub(crate) fn set_figures(&mut self, id: LedgerId, figures: Figures) {
        self.changes.note(|| RowKey::Figures(id));
        self.ledgers.get_mut(id).figures = figures;
    }

    /// Sets the limits that come with reservations at a ledger. They are configuration, so nothing is noted.
    pub(crate) fn set_caps(&mut self, id: LedgerId, caps: Option<std::sync::Arc<runcycles::models::Caps>>) {
        self.ledgers.get_mut(id).caps = caps;
    }

    /// An action, which reservations share.
    pub(crate) fn share_action(&mut self, action: &NamedAction<'_>) -> Arc<Action> {
        self.actions.share(action)
    }

    pub(crate) fn insert_reservation(&mut self, reservation: Reservation) {
        let id = reservation.id;
        self.reservations.insert(reservation);
        self.changes.note(|| RowKey::Reservation(id));
    }

    /// Changes a reservation, keeping the order of deadlines and the time of its removal.
    pub(crate) fn change_reservation(&mut self, id: Uuid, change: impl FnOnce(&mut Reservation)) {
        if let Some(retires_at) = self.reservations.change(id, change) {
            self.retirements.insert((retires_at, Retired::Reservation(id)));
        }
        self.changes.note(|| RowKey::Reservation(id));
    }

    pub(crate) fn insert_event(&mut self, event: Event) {
        let id = event.id;
        self.retirements.insert((event.retires_at(), Retired::Event(id)));
        self.events.insert(event);
        self.changes.note(|| RowKey::Event(id));
    }

    pub(crate) fn insert_policy(&mut self, policy: Policy) {
        let id = policy.id.clone();
        self.policies.insert(policy);
        self.changes.note(|| RowKey::Policy(id));
    }

    pub(crate) fn policy_mut(&mut self, id: &str) -> Option<&mut Policy> {
        self.changes.note(|| RowKey::Policy(id.into()));
        self.policies.get_mut(id)
    }

    /// Keeps the answer to a request under its key until a time.
    pub(crate) fn insert_record(&mut self, namespace: Namespace, key: std::sync::Arc<str>, record: Record) {
        self.changes.note(|| RowKey::Record(namespace, key.clone()));
        self.records.insert(namespace, key, record);
    }
}
