//! The span of a guarded call.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::Empty;
use tracing::{Level, Span, span};

use crate::protocol::ReservationCreateRequest;

/// The span of a guarded call, shared by whoever learns something about it, until it is closed. Nothing where nobody is interested.
///
/// Implementation rationale: a span ends when its last handle is gone, and reservations outlive their calls where a settlement goes
/// on in the background, so what they share is a handle that can be given up.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallSpan(Option<Arc<Mutex<Span>>>);

impl CallSpan {
    /// Opens a span for a request whose subject is complete.
    pub(crate) fn open(request: &ReservationCreateRequest) -> Self {
        let span = span!(
            target: "runcycles",
            Level::INFO,
            "cycles.call",
            action.kind = request.action.kind,
            action.name = request.action.name,
            scope = %request.subject,
            estimate = request.estimate.value(),
            unit = request.estimate.unit().as_str(),
            decision = Empty,
            reason = Empty,
            reservation.id = Empty,
            trace.id = Empty,
            actual = Empty,
            charged = Empty,
            settlement = Empty,
            gen_ai.operation.name = Empty,
            gen_ai.provider.name = Empty,
            gen_ai.request.model = Empty,
            gen_ai.response.model = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
        );
        Self((!span.is_none()).then(|| Arc::new(Mutex::new(span))))
    }

    /// Whether anybody is interested.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Records a word or an id.
    pub(crate) fn record(&self, field: &'static str, value: &str) {
        if let Some(span) = self.span() {
            span.record(field, value);
        }
    }

    /// Records a number.
    pub(crate) fn record_number(&self, field: &'static str, value: u64) {
        if let Some(span) = self.span() {
            span.record(field, value);
        }
    }

    /// Runs a function inside of the span.
    pub(crate) fn in_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        match self.span() {
            Some(span) => span.in_scope(function),
            None => function(),
        }
    }

    /// Ends the span, whoever still has it.
    pub(crate) fn close(&self) {
        if let Some(shared) = &self.0 {
            let span = std::mem::replace(&mut *shared.lock().unwrap_or_else(PoisonError::into_inner), Span::none());
            // A subscriber is told here, without the lock.
            drop(span);
        }
    }

    /// The span, while it has not ended. The lock is not held while anything is told to a subscriber.
    fn span(&self) -> Option<Span> {
        let shared = self.0.as_ref()?;
        Some(shared.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
