//! The request that events come from.

use std::cell::Cell;

use uuid::Uuid;

thread_local! {
    static CURRENT: Cell<Option<Origin>> = const { Cell::new(None) };
}

/// The request that a thread is answering, which events are told with.
///
/// Implementation rationale: requests are answered on one thread from start to end, and commands need nothing of this but to hand
/// it on; as an argument it would go through every one of them for the few that tell something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) request_id: Uuid,
    pub(crate) trace_id: [u8; 32],
    pub(crate) is_operator: bool,
}

/// Ends an origin when the request is answered.
#[must_use = "the origin ends with this"]
pub(crate) struct Entered(());

impl Origin {
    pub(crate) fn enter(self) -> Entered {
        CURRENT.set(Some(self));
        Entered(())
    }

    pub(super) fn current() -> Option<Self> {
        CURRENT.get()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}
