//! Reservations by their idempotency keys.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, BuildHasherDefault, RandomState};

use uuid::Uuid;

use super::own_ids::OwnIdHasher;
use super::{Key, TenantId};

/// Finds reservations by tenant and key: those whose key is known, and those whose key may have been used again since.
///
/// Holds hashes in place of keys, so what it finds may have another key.
#[derive(Debug, Default)]
pub(super) struct ByKey {
    /// Seeded at random, so that nobody can choose keys that collide.
    hasher: RandomState,
    first: HashMap<u64, Uuid, BuildHasherDefault<OwnIdHasher>>,
    /// Further reservations with the same hash.
    more: BTreeSet<(u64, Uuid)>,
}

impl ByKey {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self { hasher, ..Self::default() }
    }

    /// Takes over what another found with the same hasher.
    pub(super) fn extend(&mut self, others: Self) {
        self.first.reserve(others.first.len());
        for (hash, id) in others.first.into_iter().chain(others.more) {
            self.insert_hash(hash, id);
        }
    }

    pub(super) fn candidates(&self, tenant: TenantId, key: &Key) -> impl Iterator<Item = Uuid> {
        let hash = self.hash(tenant, key);
        let more = self.more.range((hash, Uuid::nil())..=(hash, Uuid::max())).map(|(_, id)| *id);
        self.first.get(&hash).copied().into_iter().chain(more)
    }

    pub(super) fn insert(&mut self, tenant: TenantId, key: &Key, id: Uuid) {
        self.insert_hash(self.hash(tenant, key), id);
    }

    fn insert_hash(&mut self, hash: u64, id: Uuid) {
        let first = *self.first.entry(hash).or_insert(id);
        if first != id {
            self.more.insert((hash, id));
        }
    }

    pub(super) fn remove(&mut self, tenant: TenantId, key: &Key, id: Uuid) {
        let hash = self.hash(tenant, key);
        if self.first.get(&hash) != Some(&id) {
            self.more.remove(&(hash, id));
            return;
        }
        let next = self.more.range((hash, Uuid::nil())..=(hash, Uuid::max())).next().copied();
        match next {
            Some(next) => {
                self.more.remove(&next);
                self.first.insert(hash, next.1);
            }
            None => drop(self.first.remove(&hash)),
        }
    }

    fn hash(&self, tenant: TenantId, key: &Key) -> u64 {
        self.hasher.hash_one((tenant, key))
    }
}
