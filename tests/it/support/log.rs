//! What the library tells operators, as it is told in a test.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps what is told on this thread for as long as it lives. Tests run their tasks on one thread.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Log {
    pub(crate) fn start() -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        Self { lines: Arc::clone(&lines), _guard: tracing::subscriber::set_default(Collector(lines)) }
    }

    /// The lines so far, each with its level, message and fields.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks that one line of a level has all these parts.
    #[track_caller]
    pub(crate) fn told(&self, level: Level, parts: &[&str]) {
        let lines = self.lines();
        let level = level.as_str();
        let found = lines.iter().any(|line| line.starts_with(level) && parts.iter().all(|part| line.contains(part)));
        assert!(found, "no {level} with {parts:?} in {lines:#?}");
    }

    /// Checks that nothing was told at a level.
    #[track_caller]
    pub(crate) fn silent(&self, level: Level) {
        let lines = self.lines();
        assert!(!lines.iter().any(|line| line.starts_with(level.as_str())), "{lines:#?}");
    }
}

struct Collector(Arc<Mutex<Vec<String>>>);

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("runcycles")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}
