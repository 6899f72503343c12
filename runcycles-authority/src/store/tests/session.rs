//! An engine on a simulated disk, and random commands.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use runcycles::models::Level;
use uuid::Uuid;

use super::Random;
use super::simulated::SimulatedDisk;
use crate::clock::ManualClock;
use crate::engine::{
    ActionFacts, AddApiKey, Commit, Decide, Engine, Extend, Fund, Funding, RecordEvent, Release, Reserve, SetStatus,
    SubjectPath, ensure_tenant,
};
use crate::fingerprint::Canonical;
use crate::ids::IdSource;
use crate::scope::ScopePath;
use crate::state::{Figures, Ledger, LedgerOptions, LedgerStatus, NamedAction, Overage, RowKey, State, TenantId};
use crate::store::progress::block_on;
use crate::store::{Durability, Store, StoreError, rows};
use crate::unit::Unit;

const AGENTS: [&str; 3] = ["a", "b", "c"];

/// What tells all rows of a state from those of another: how many there are, and a sum of their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    rows: usize,
    sum: u64,
}

impl Digest {
    pub(super) fn of(state: &State) -> Self {
        let keys = state.row_keys();
        let mut entry = Vec::new();
        let hash = |key: &RowKey| {
            entry.clear();
            rows::append(state, key, &mut entry);
            let mut hasher = DefaultHasher::new();
            hasher.write(&entry);
            hasher.finish()
        };
        Self { rows: keys.len(), sum: keys.iter().map(hash).fold(0, u64::wrapping_add) }
    }
}

/// A store in use.
pub(super) struct Session {
    engine: Engine,
    clock: ManualClock,
    ids: IdSource,
    /// Reservations that were made here, finished or not.
    reservations: Vec<Uuid>,
    keys: u64,
    /// The rows after every command, from before the first one on.
    pub(super) digests: Vec<Digest>,
    /// How many commands are known to be kept.
    pub(super) kept: usize,
}

impl Session {
    /// Opens a store; it has budgets once it was opened without a failure.
    pub(super) fn open(
        disk: &SimulatedDisk,
        durability: Durability,
        compact_at: u64,
        clock: &ManualClock,
    ) -> Result<Self, StoreError> {
        let (mut state, store) = Store::on(Arc::new(disk.clone()), durability, compact_at)?;
        let mut digests = vec![Digest::of(&state)];
        if state.ledgers().iter().next().is_none() {
            add_budgets(&mut state);
            store.put(&mut state);
            digests.push(Digest::of(&state));
            store.unwritten().map_or(Ok(()), crate::store::Unwritten::wait)?;
        }
        let kept = digests.len() - 1;
        let engine = Engine::new(state, Arc::new(clock.clone()), Some(store));
        let clock = clock.clone();
        Ok(Self { engine, clock, ids: IdSource::new(), reservations: Vec::new(), keys: 0, digests, kept })
    }

    /// Does something that clients and operators do.
    pub(super) fn act(&mut self, random: &mut Random) {
        match random.below(20) {
            0..8 => self.reserve(random),
            8..12 => self.commit(random),
            12..14 => self.release(random),
            14 => self.extend(random),
            15..17 => self.event(random),
            17 => self.operate(random),
            18 => self.decide(random),
            _ => {
                // Sometimes past leases, rarely past what is kept of finished reservations.
                let ms = if random.below(20) == 0 { 31 * 24 * 3_600_000 } else { random.below(40_000) as u64 };
                self.clock.advance(Duration::from_millis(ms));
                self.engine.execute(crate::engine::DescribeHolds);
            }
        }
        self.digests.push(self.digest());
    }

    /// Waits until what was done is kept.
    pub(super) fn wait(&mut self) -> Result<(), StoreError> {
        let done = self.digests.len() - 1;
        self.engine.wait_written()?;
        self.kept = done;
        Ok(())
    }

    /// Adds to a budget.
    pub(super) fn fund(&mut self) {
        let fund = Fund { scope: "tenant:acme", funding: Funding::Credit(runcycles::tokens(1)) };
        self.engine.execute(fund).expect("a budget");
        self.digests.push(self.digest());
    }

    /// Adds an API key of `acme`, and waits until it is kept.
    pub(super) fn add_key(&mut self) -> Arc<str> {
        let key = self.key();
        self.engine
            .execute(AddApiKey { id: self.ids.next_named("key_"), key: &key, tenant: "acme", is_kept: true })
            .expect("a tenant");
        self.engine.wait_written().expect("a disk that works");
        key
    }

    pub(super) fn into_engine(self) -> Engine {
        self.engine
    }

    pub(super) fn close(&self) -> Result<(), StoreError> {
        block_on(self.engine.close())
    }

    /// Waits for the store's end, which nobody asks for here.
    pub(super) fn end(&self) -> StoreError {
        block_on(self.engine.store().expect("a store").end())
    }

    pub(super) fn digest(&self) -> Digest {
        self.engine.inspect(Digest::of)
    }

    fn key(&mut self) -> Arc<str> {
        self.keys += 1;
        format!("{}-{}", self.ids.next(), self.keys).into()
    }

    fn subject(random: &mut Random) -> SubjectPath {
        let agent = AGENTS[random.below(AGENTS.len())];
        let (path, spelling) = ScopePath::derive([(Level::Tenant, "acme"), (Level::Agent, agent)].into_iter());
        let mut dimensions = BTreeMap::new();
        if random.below(4) == 0 {
            dimensions.insert("run".to_owned(), "r-1".to_owned());
        }
        SubjectPath { path, spelling, dimensions }
    }

    fn metadata(random: &mut Random) -> Option<Box<runcycles::models::Metadata>> {
        let metadata = serde_json::json!({"note": "x".repeat(random.below(900)), "nested": {"n": [1, 2.5, null]}});
        (random.below(3) == 0).then(|| Box::new(metadata.as_object().expect("an object").clone()))
    }

    fn reserve(&mut self, random: &mut Random) {
        let id = self.ids.next();
        let key = self.key();
        let fingerprint = Canonical::fingerprint(&key, |_| {});
        let reserved = self.engine.execute(Reserve {
            id,
            tenant: TenantId(0),
            key: &key,
            fingerprint,
            subject: Self::subject(random),
            action: NamedAction { kind: "llm", name: "gpt", tags: vec!["t"] },
            unit: Unit::Tokens,
            estimate: i64::try_from(random.below(50)).expect("a small number"),
            ttl_ms: Some(30_000),
            grace_ms: 5_000,
            overage: random.pick(&[None, Some(Overage::Overdraft)]).copied().flatten(),
            observe_mode: None,
            policy_keys: None,
            dry_run: random.below(8) == 0,
            metadata: Self::metadata(random),
        });
        if reserved.is_ok_and(|reserved| reserved.lease.is_some()) {
            self.reservations.push(id);
        }
    }

    fn reservation(&self, random: &mut Random) -> String {
        random.pick(&self.reservations).map(Uuid::to_string).unwrap_or_default()
    }

    fn commit(&mut self, random: &mut Random) {
        let (id, key) = (self.reservation(random), self.key());
        let fingerprint = Canonical::fingerprint(&key, |_| {});
        let actual = i64::try_from(random.below(70)).expect("a small number");
        let metadata = Self::metadata(random);
        let commit =
            Commit { tenant: TenantId(0), id: &id, key: &key, fingerprint, unit: Unit::Tokens, actual, metadata };
        // Refusals are a part of it.
        drop(self.engine.execute(commit));
    }

    fn release(&mut self, random: &mut Random) {
        let (id, key) = (self.reservation(random), self.key());
        let fingerprint = Canonical::fingerprint(&key, |_| {});
        drop(self.engine.execute(Release { tenant: Some(TenantId(0)), id: &id, key: &key, fingerprint }));
    }

    fn extend(&mut self, random: &mut Random) {
        let (id, key) = (self.reservation(random), self.key());
        let fingerprint = Canonical::fingerprint(&key, |_| {});
        drop(self.engine.execute(Extend { tenant: TenantId(0), id: &id, key: &key, fingerprint, by_ms: 5_000 }));
    }

    fn event(&mut self, random: &mut Random) {
        let key = self.key();
        let fingerprint = Canonical::fingerprint(&key, |_| {});
        let event = RecordEvent {
            id: self.ids.next(),
            tenant: TenantId(0),
            key,
            fingerprint,
            path: Self::subject(random).path,
            unit: Unit::Tokens,
            actual: i64::try_from(random.below(30)).expect("a small number"),
            overage: Some(Overage::IfAvailable),
        };
        drop(self.engine.execute(event));
    }

    fn decide(&mut self, random: &mut Random) {
        let key = self.key();
        let fingerprint = Canonical::fingerprint(&key, |_| {});
        let path = Self::subject(random).path;
        let estimate = i64::try_from(random.below(5_000)).expect("a small number");
        let action = ActionFacts { kind: "llm.completion", keys: None, run_id: None };
        drop(self.engine.execute(Decide {
            tenant: TenantId(0),
            key,
            fingerprint,
            path,
            unit: Unit::Tokens,
            estimate,
            action,
        }));
    }

    fn operate(&mut self, random: &mut Random) {
        let scope = "tenant:acme/agent:a";
        match random.below(4) {
            0 => {
                let (key, tenant) = (self.key(), format!("tenant-{}", random.below(5)));
                self.engine
                    .execute(AddApiKey { id: self.ids.next_named("key_"), key: &key, tenant: &tenant, is_kept: true })
                    .expect("a tenant");
            }
            1 => drop(self.engine.execute(SetStatus { scope, status: LedgerStatus::Frozen })),
            2 => drop(self.engine.execute(SetStatus { scope, status: LedgerStatus::Active })),
            _ => drop(self.engine.execute(Fund { scope, funding: Funding::Credit(runcycles::tokens(100)) })),
        }
    }
}

fn add_budgets(state: &mut State) {
    let ids = IdSource::new();
    let tenant = ensure_tenant(state, "acme").expect("a tenant");
    let scopes = AGENTS.iter().map(|agent| format!("tenant:acme/agent:{agent}"));
    for scope in std::iter::once("tenant:acme".to_owned()).chain(scopes) {
        state.insert_ledger(Ledger {
            id: ids.next(),
            tenant,
            scope: ScopePath::parse(&scope).expect("a scope"),
            unit: Unit::Tokens,
            figures: Figures { allocated: 3_000, overdraft_limit: 500, ..Figures::default() },
            status: LedgerStatus::Active,
            caps: None,
            options: LedgerOptions::default(),
            created_at: 0,
            updated_at: None,
        });
    }
}
