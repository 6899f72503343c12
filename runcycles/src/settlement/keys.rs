//! The keys that reservations of a client are asked for with.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::protocol::IdempotencyKey;

/// How many keys are remembered whose holds were given back.
const REMEMBERED: usize = 1_024;

/// The keys that reservations of a client are asked for with: whoever asks again with a key gets the hold of the one who asked
/// before, and must not lose it because the first has given up.
///
/// Keys are kept by their hash. Two that share one keep a hold from being given back, and it lapses instead.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    hasher: RandomState,
    /// A lock because reservations are made and end on any thread; held for one look.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// How many reservations use a key, from being asked for until they are settled.
    used: HashMap<u64, usize>,
    given_back: VecDeque<u64>,
}

/// The use of a key, until this is dropped.
#[derive(Debug)]
pub(crate) struct KeyUse {
    keys: Arc<Keys>,
    key: u64,
}

/// A key whose reservation may have no owner.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrphanKey(u64);

impl Keys {
    /// Begins to use a key; `None` where its hold was given back, so that an answer would tell of a hold that is gone.
    pub(crate) fn begin(self: &Arc<Self>, key: &IdempotencyKey) -> Option<KeyUse> {
        let key = self.hasher.hash_one(key.as_str());
        let mut state = self.lock();
        if state.given_back.contains(&key) {
            return None;
        }
        *state.used.entry(key).or_default() += 1;
        Some(KeyUse { keys: Arc::clone(self), key })
    }

    pub(super) fn orphan(&self, key: &IdempotencyKey) -> OrphanKey {
        OrphanKey(self.hasher.hash_one(key.as_str()))
    }

    /// Whether somebody uses a key.
    pub(super) fn is_used(&self, key: OrphanKey) -> bool {
        self.lock().used.contains_key(&key.0)
    }

    /// Gives up a key, so that its hold may be given back; not where somebody uses it.
    pub(super) fn give_up(&self, key: OrphanKey) -> bool {
        let mut state = self.lock();
        if state.used.contains_key(&key.0) {
            return false;
        }
        if state.given_back.len() == REMEMBERED {
            state.given_back.pop_front();
        }
        state.given_back.push_back(key.0);
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Both collections are whole between any two operations on them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KeyUse {
    fn drop(&mut self) {
        let mut state = self.keys.lock();
        if let Some(uses) = state.used.get_mut(&self.key) {
            *uses -= 1;
            if *uses == 0 {
                state.used.remove(&self.key);
            }
        }
    }
}
