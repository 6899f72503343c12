//! The rulings that an authority has, and what they were applied to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::Request;

use super::recorded_call::Asked;
use super::ruling::{Effect, Ruling};
use crate::faults::Call;

/// Rulings in the order in which they were given.
#[derive(Debug, Default)]
pub(crate) struct Rulings {
    book: Mutex<Book>,
    /// Whether there are any, so that a request without takes no lock.
    any: AtomicBool,
}

#[derive(Debug, Default)]
struct Book {
    rulings: Vec<Entry>,
    /// What was ruled on actions that may be asked for again.
    ruled: HashMap<(Call, Bytes), Option<Effect>>,
}

#[derive(Debug)]
struct Entry {
    ruling: Ruling,
    /// How many actions it was about.
    met: usize,
    /// How many it was applied to.
    applied: usize,
}

impl Rulings {
    pub(crate) fn add(&self, ruling: Ruling) {
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.rulings.push(Entry { ruling, met: 0, applied: 0 });
        // What was asked before the ruling is ruled anew.
        book.ruled.clear();
        self.any.store(true, Ordering::Release);
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// What is ruled on a request: the first ruling that applies counts, and others before it were about something else or let
    /// it go by.
    pub(crate) fn on(&self, request: &Request<Bytes>) -> Option<Effect> {
        if self.is_empty() {
            return None;
        }
        let call = Call::of(request.method(), request.uri().path());
        let call = call.filter(|call| matches!(call, Call::Reserve | Call::Decide))?;
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let asking = (call, request.body().clone());
        if let Some(before) = book.ruled.get(&asking) {
            return before.clone();
        }
        let asked = Asked::of(request.body());
        let effect = book.rulings.iter_mut().find_map(|entry| entry.meet(&asked));
        book.ruled.insert(asking, effect.clone());
        effect
    }

    /// The rulings that were not applied as often as they were meant to be, in words.
    pub(crate) fn unplayed(&self) -> Vec<String> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let is_unplayed = |entry: &&Entry| entry.applied < entry.ruling.wanted();
        let describe = |entry: &Entry| {
            format!("{}: it was about {} actions, and applied to {}", entry.ruling, entry.met, entry.applied)
        };
        book.rulings.iter().filter(is_unplayed).map(describe).collect()
    }
}

impl Entry {
    /// Counts an action, if the ruling is about it; the effect, if it applies.
    fn meet(&mut self, asked: &Asked) -> Option<Effect> {
        if !self.ruling.is_about(asked) {
            return None;
        }
        let applies = self.ruling.applies_to(self.met);
        self.met += 1;
        self.applied += usize::from(applies);
        applies.then(|| self.ruling.effect.clone())
    }
}
