//! What to run, and how.

use super::{Filter, Level};

/// What to run, and how. By default everything, eight checks at a time.
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are run with"]
pub struct Options {
    pub(super) levels: Vec<Level>,
    pub(super) filter: Option<Filter>,
    pub(super) concurrency: usize,
    pub(super) seed: u64,
    pub(super) rounds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { levels: Level::ALL.to_vec(), filter: None, concurrency: 8, seed: fastrand::u64(..), rounds: 3 }
    }
}

impl Options {
    /// Runs checks of these levels only.
    pub fn levels(mut self, levels: impl IntoIterator<Item = Level>) -> Self {
        self.levels = levels.into_iter().collect();
        self
    }

    /// Runs checks whose id a filter matches only.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// How many checks run at the same time; at least one.
    pub fn concurrency(mut self, checks: usize) -> Self {
        self.concurrency = checks.max(1);
        self
    }

    /// Where the random sequences of the property checks start: the same seed makes the same calls. By default another one
    /// every time; the report tells which.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many random sequences each property check tries.
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    pub(super) fn selects(&self, id: &str, level: Level) -> bool {
        self.levels.contains(&level) && self.filter.as_ref().is_none_or(|filter| filter.matches(id))
    }
}
