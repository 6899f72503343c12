//! Actions that reservations share.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

/// The most actions that are remembered for sharing. A program has a few; one that names its actions without end shares none
/// of them, and needs no more memory for that.
const MOST_ACTIONS: usize = 1_024;

/// What is done.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) kind: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) tags: Box<[Box<str>]>,
}

/// An action as a request names it.
#[derive(Clone, Debug)]
pub(crate) struct NamedAction<'a> {
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) tags: Vec<&'a str>,
}

impl NamedAction<'_> {
    fn is(&self, action: &Action) -> bool {
        *action.kind == *self.kind
            && *action.name == *self.name
            && action.tags.iter().map(|tag| &**tag).eq(self.tags.iter().copied())
    }
}

/// The actions of late reservations, so that the next of the same kind needs no memory for its own.
#[derive(Debug, Default)]
pub(super) struct Actions {
    hasher: RandomState,
    known: HashMap<u64, Arc<Action>>,
    /// The one that was asked for last, which is often the next one too.
    last: Option<Arc<Action>>,
}

impl Actions {
    pub(super) fn share(&mut self, named: &NamedAction<'_>) -> Arc<Action> {
        if let Some(last) = self.last.as_ref().filter(|last| named.is(last)) {
            return last.clone();
        }
        let action = self.find_or_add(named);
        self.last = Some(action.clone());
        action
    }

    fn find_or_add(&mut self, named: &NamedAction<'_>) -> Arc<Action> {
        let hash = self.hasher.hash_one((named.kind, named.name, &named.tags));
        if let Some(known) = self.known.get(&hash).filter(|known| named.is(known)) {
            return known.clone();
        }
        if self.known.len() >= MOST_ACTIONS {
            self.known.clear();
        }
        let action = Arc::new(Action {
            kind: named.kind.into(),
            name: named.name.into(),
            tags: named.tags.iter().map(|tag| Box::from(*tag)).collect(),
        });
        self.known.insert(hash, action.clone());
        action
    }
}
