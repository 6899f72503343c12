//! What a run of an agent holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use cycles_tariff::Count;
use rig_agent::HookContext;
use rig_agent::core::effect::EffectId;
use runcycles::ReservationGuard;

/// The guards of a run, from the callback before an effect to the one after it.
///
/// They are in the run's own storage and nowhere else: a run that ends, fails or is dropped takes them along, and what they hold is
/// settled then. A hook has entries of its own, since an agent may have several.
#[derive(Clone, Default)]
pub(crate) struct Holds {
    /// Locked for a few assignments, by callbacks of effects that run at once.
    held: Arc<Mutex<HashMap<(u64, EffectId), Held>>>,
}

/// What is held for an effect.
pub(crate) struct Held {
    pub(crate) guard: ReservationGuard,
    pub(crate) since: Instant,
    /// Absent for a tool.
    pub(crate) answer: Option<Answer>,
}

/// A model's answer that is on its way.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The model, as the tariff knows it.
    pub(crate) model: String,
    pub(crate) count: Count,
}

impl Holds {
    /// Those of a run.
    pub(crate) fn of(run: &HookContext) -> Self {
        let pad = run.scratchpad();
        pad.get::<Self>().unwrap_or_else(|| {
            let holds = Self::default();
            pad.insert(holds.clone());
            holds
        })
    }

    pub(crate) fn put(&self, hook: u64, effect: EffectId, held: Held) {
        self.lock().insert((hook, effect), held);
    }

    pub(crate) fn take(&self, hook: u64, effect: EffectId) -> Option<Held> {
        self.lock().remove(&(hook, effect))
    }

    /// Takes what a hook holds, or what it holds for answers of models.
    pub(crate) fn take_all(&self, hook: u64, answers_only: bool) -> Vec<Held> {
        let mut held = self.lock();
        let keys: Vec<_> = held
            .iter()
            .filter(|((owner, _), held)| *owner == hook && (held.answer.is_some() || !answers_only))
            .map(|(key, _)| *key)
            .collect();
        keys.iter().filter_map(|key| held.remove(key)).collect()
    }

    /// Looks at the answer that is on its way: a run asks its model one thing at a time.
    pub(crate) fn with_answer<R>(
        &self,
        hook: u64,
        look: impl FnOnce(&ReservationGuard, &mut Answer) -> R,
    ) -> Option<R> {
        let mut held = self.lock();
        let mut own = held.iter_mut().filter(|((owner, _), _)| *owner == hook).map(|(_, held)| held);
        own.find_map(|held| held.answer.as_mut().map(|answer| (&held.guard, answer)))
            .map(|(guard, answer)| look(guard, answer))
    }

    /// A table is whole after every assignment, so a panic elsewhere leaves it usable.
    fn lock(&self) -> MutexGuard<'_, HashMap<(u64, EffectId), Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
