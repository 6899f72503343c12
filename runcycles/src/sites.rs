//! The guarded calls of a program, as they are seen while it runs.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashSet};
use std::hash::BuildHasher as _;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use crate::protocol::{Level, ReservationCreateRequest, Subject, Unit};

/// The most places that are told apart.
const MOST_SITES: usize = 256;

/// The most action names of a place, and the most subjects.
const MOST_NAMES: usize = 8;
const MOST_SUBJECTS: usize = 64;

/// The guarded calls that a client has seen, by their places in the program.
#[derive(Debug, Default)]
pub(crate) struct CallSites {
    /// A lock because calls begin on any thread; held for one look at most calls.
    state: Mutex<State>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct State {
    /// Few, and looked for by their address.
    sites: Vec<(&'static Location<'static>, Site)>,
    /// Places that there was no room for.
    overlooked: HashSet<&'static Location<'static>>,
}

/// What has been seen of the calls from one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    pub(crate) kind: String,
    pub(crate) names: BTreeSet<String>,
    pub(crate) levels: BTreeSet<Level>,
    pub(crate) seen: Vec<Seen>,
    /// Whether there were more calls than are told apart.
    pub(crate) has_more: bool,
    /// The latest that was new, which is most often the same as the next one.
    latest: Option<(Seen, String)>,
    /// All that were told apart, by their hash.
    known: HashSet<u64>,
}

/// Who called, and in what unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(crate) subject: Subject,
    pub(crate) unit: Unit,
}

impl CallSites {
    /// Notes a call of an amount in a unit, unless it can never be asked for. Those that are known cost a look.
    pub(crate) fn note(&self, site: &'static Location<'static>, request: &ReservationCreateRequest, unit: &Unit) {
        let ReservationCreateRequest { action, subject, .. } = request;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_latest =
            |(seen, name): &(Seen, String)| seen.subject == *subject && seen.unit == *unit && *name == action.name;
        let known = state.find(site);
        if let Some((_, calls)) = known.and_then(|at| state.sites.get(at)) {
            if calls.has_more || calls.latest.as_ref().is_some_and(is_latest) {
                return;
            }
        }
        if request.validate().is_err() {
            return;
        }
        let Some(at) = known.or_else(|| state.add(site)) else { return };
        let (_, calls) = &mut state.sites[at];
        if !calls.known.insert(self.hasher.hash_one((subject, unit, action.name.as_str()))) {
            return;
        }
        let seen = Seen { subject: subject.clone(), unit: unit.clone() };
        calls.latest = Some((seen.clone(), action.name.clone()));
        if calls.kind.is_empty() {
            calls.kind.clone_from(&action.kind);
        }
        if calls.names.len() < MOST_NAMES {
            calls.names.insert(action.name.clone());
        }
        calls.levels.extend(Level::ALL.into_iter().filter(|level| subject.level(*level).is_some()));
        if calls.seen.contains(&seen) {
            // Known by another name of the action, of which there may be any number.
            calls.has_more = calls.known.len() > MOST_SUBJECTS * MOST_NAMES;
        } else if calls.seen.len() < MOST_SUBJECTS {
            calls.seen.push(seen);
        } else {
            calls.has_more = true;
        }
    }

    /// All places and what was seen of them, in their order in the program, and how many there was no room for.
    pub(crate) fn all(&self) -> (Vec<(&'static Location<'static>, Site)>, usize) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = state.sites.clone();
        all.sort_by_key(|(site, _)| (site.file(), site.line(), site.column()));
        (all, state.overlooked.len())
    }
}

impl State {
    /// Where a place is kept. One place may have several addresses, and is found by its text then.
    fn find(&self, site: &'static Location<'static>) -> Option<usize> {
        let by_address = self.sites.iter().position(|(known, _)| std::ptr::eq(*known, site));
        by_address.or_else(|| self.sites.iter().position(|(known, _)| *known == site))
    }

    /// Where a new place is kept; `None` where there is no room for it.
    fn add(&mut self, site: &'static Location<'static>) -> Option<usize> {
        if self.sites.len() < MOST_SITES {
            self.sites.push((site, Site::default()));
            return Some(self.sites.len() - 1);
        }
        if self.overlooked.len() < MOST_SITES {
            self.overlooked.insert(site);
        }
        None
    }
}
