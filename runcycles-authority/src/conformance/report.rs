//! What came of a run.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::Level;
use super::wire::Failure;

/// What came of a run. `Display` shows it as a table for people, [`to_json`](Self::to_json) for machines.
#[derive(Clone, Debug)]
#[must_use = "a report says whether the server conforms"]
pub struct Report {
    pub(super) base_url: String,
    pub(super) seed: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) elapsed: Duration,
}

/// What came of one check.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The check's id, such as `C-41`.
    pub id: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What the checks around it are about.
    pub section: &'static str,
    /// What a server does that passes.
    pub title: &'static str,
    /// Whether this one does.
    pub outcome: Outcome,
    /// How long it took to find out.
    pub elapsed: Duration,
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server does what it must.
    Passed,
    /// The server does something else.
    Failed(Failure),
    /// It, or the last part of it, could not be tried here: the server leaves an optional operation out, or the provisioner
    /// cannot bring about what the check needs. What was tried before that passed.
    Skipped(String),
}

impl Outcome {
    /// `PASS`, `FAIL` or `SKIP`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "PASS",
            Self::Failed(_) => "FAIL",
            Self::Skipped(_) => "SKIP",
        }
    }
}

/// How many checks came out in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Passed checks.
    pub passed: usize,
    /// Failed checks.
    pub failed: usize,
    /// Checks that could not be tried completely.
    pub skipped: usize,
}

impl Report {
    /// What came of each check, in the order of their ids.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What came of one check, if it was run.
    pub fn find(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.outcome, Outcome::Failed(_)))
    }

    /// The checks that could not be tried completely.
    pub fn skips(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| matches!(entry.outcome, Outcome::Skipped(_)))
    }

    /// How many checks of all levels came out in which way.
    pub fn tally(&self) -> Tally {
        count(&self.entries, |_| true)
    }

    /// How many checks of a level came out in which way.
    pub fn tally_of(&self, level: Level) -> Tally {
        count(&self.entries, |entry| entry.level == level)
    }

    /// Where the random sequences of the property checks started.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How long the run took.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// The report for machines.
    pub fn to_json(&self) -> Value {
        let tally = |tally: Tally| json!({"passed": tally.passed, "failed": tally.failed, "skipped": tally.skipped});
        let levels = Level::ALL.into_iter().map(|level| (level.to_string(), tally(self.tally_of(level))));
        let checks = self.entries.iter().map(|entry| {
            let mut check = json!({
                "id": entry.id,
                "level": entry.level.to_string(),
                "section": entry.section,
                "title": entry.title,
                "outcome": entry.outcome.word(),
                "elapsed_ms": millis(entry.elapsed),
            });
            match &entry.outcome {
                Outcome::Passed => {}
                Outcome::Skipped(reason) => check["reason"] = reason.as_str().into(),
                Outcome::Failed(failure) => {
                    check["request"] = failure.request.as_str().into();
                    check["expected"] = failure.expected.as_str().into();
                    check["found"] = failure.found.as_str().into();
                }
            }
            check
        });
        json!({
            "url": self.base_url,
            "seed": self.seed,
            "elapsed_ms": millis(self.elapsed),
            "total": tally(self.tally()),
            "levels": levels.collect::<serde_json::Map<_, _>>(),
            "checks": checks.collect::<Vec<_>>(),
        })
    }
}

fn count(entries: &[Entry], counts: impl Fn(&Entry) -> bool) -> Tally {
    let mut tally = Tally::default();
    for entry in entries.iter().filter(|entry| counts(entry)) {
        match entry.outcome {
            Outcome::Passed => tally.passed += 1,
            Outcome::Failed(_) => tally.failed += 1,
            Outcome::Skipped(_) => tally.skipped += 1,
        }
    }
    tally
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for entry in &self.entries {
            if entry.section != section {
                section = entry.section;
                writeln!(f, "{section}")?;
            }
            writeln!(f, "  {:<5}  {}  {}  {}", entry.id, entry.level, entry.outcome.word(), entry.title)?;
            match &entry.outcome {
                Outcome::Passed => {}
                Outcome::Skipped(reason) => writeln!(f, "{:15}{reason}", "")?,
                Outcome::Failed(Failure { request, expected, found }) => {
                    writeln!(f, "{:15}request   {request}", "")?;
                    writeln!(f, "{:15}expected  {expected}", "")?;
                    writeln!(f, "{:15}found     {found}", "")?;
                }
            }
        }
        writeln!(f)?;
        writeln!(f, "{:<10}{:>8}{:>8}{:>8}", "level", "passed", "failed", "skipped")?;
        let of_levels = Level::ALL.into_iter().map(|level| (level.to_string(), self.tally_of(level)));
        let rows = of_levels.filter(|(_, tally)| *tally != Tally::default());
        for (name, Tally { passed, failed, skipped }) in rows.chain([("all".to_owned(), self.tally())]) {
            writeln!(f, "{name:<10}{passed:>8}{failed:>8}{skipped:>8}")?;
        }
        write!(f, "\n{} in {:.1} s, seed {}", self.base_url, self.elapsed.as_secs_f64(), self.seed)
    }
}
