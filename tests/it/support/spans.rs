//! Spans and events with their fields, as a subscriber sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps spans and events of every level on this thread for as long as it lives.
pub(crate) struct Spans {
    kept: Arc<Mutex<Kept>>,
    _guard: DefaultGuard,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Seen>,
    events: Vec<Seen>,
    handles: BTreeMap<u64, usize>,
    entered: Vec<u64>,
    at_close: Option<Box<dyn FnOnce() + Send>>,
}

/// A span or an event.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) level: Level,
    pub(crate) declared: Vec<&'static str>,
    pub(crate) fields: BTreeMap<&'static str, String>,
    pub(crate) is_closed: bool,
    /// The span around it.
    pub(crate) within: Option<&'static str>,
}

impl Seen {
    fn new(metadata: &'static Metadata<'static>, within: Option<&'static str>) -> Self {
        Self {
            name: metadata.name(),
            target: metadata.target(),
            level: *metadata.level(),
            declared: metadata.fields().iter().map(|field| field.name()).collect(),
            fields: BTreeMap::new(),
            is_closed: false,
            within,
        }
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl Visit for Seen {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

impl Spans {
    pub(crate) fn start() -> Self {
        let kept = Arc::<Mutex<Kept>>::default();
        Self { kept: Arc::clone(&kept), _guard: tracing::subscriber::set_default(Collector(kept)) }
    }

    /// The spans of a name, in the order of their beginning.
    pub(crate) fn of(&self, name: &str) -> Vec<Seen> {
        lock(&self.kept).spans.iter().filter(|seen| seen.name == name).cloned().collect()
    }

    /// Does something while the next span closes.
    pub(crate) fn at_next_close(&self, action: impl FnOnce() + Send + 'static) {
        lock(&self.kept).at_close = Some(Box::new(action));
    }

    /// The events of a name.
    pub(crate) fn events(&self, name: &str) -> Vec<Seen> {
        lock(&self.kept).events.iter().filter(|seen| seen.name == name).cloned().collect()
    }

    /// Everything, as text.
    pub(crate) fn text(&self) -> String {
        let kept = lock(&self.kept);
        format!("{:?} {:?}", kept.spans, kept.events)
    }
}

fn lock(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Collector(Arc<Mutex<Kept>>);

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("runcycles")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut kept = lock(&self.0);
        let mut seen = Seen::new(attributes.metadata(), None);
        attributes.record(&mut seen);
        kept.spans.push(seen);
        let id = kept.spans.len() as u64;
        kept.handles.insert(id, 1);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if let Some(span) = lock(&self.0).spans.get_mut(place(id)) {
            values.record(span);
        }
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut kept = lock(&self.0);
        let within = kept.entered.last().map(|id| kept.spans[place(&Id::from_u64(*id))].name);
        let mut seen = Seen::new(event.metadata(), within);
        event.record(&mut seen);
        kept.events.push(seen);
    }

    fn enter(&self, id: &Id) {
        lock(&self.0).entered.push(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        let mut kept = lock(&self.0);
        if let Some(at) = kept.entered.iter().rposition(|entered| *entered == id.into_u64()) {
            kept.entered.remove(at);
        }
    }

    fn clone_span(&self, id: &Id) -> Id {
        *lock(&self.0).handles.entry(id.into_u64()).or_default() += 1;
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let mut kept = lock(&self.0);
        let handles = kept.handles.entry(id.into_u64()).or_default();
        *handles = handles.saturating_sub(1);
        let is_last = *handles == 0;
        if is_last {
            kept.spans[place(&id)].is_closed = true;
            let at_close = kept.at_close.take();
            drop(kept);
            if let Some(action) = at_close {
                action();
            }
        }
        is_last
    }
}

fn place(id: &Id) -> usize {
    usize::try_from(id.into_u64() - 1).expect("few spans")
}
