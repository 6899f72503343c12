//! Which denials an application's own error still holds.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Error;
use crate::protocol::Amount;

tokio::task_local! {
    static WITNESS: Arc<Witness>;
}

/// Remembers the budget's denials that are raised while a future runs.
///
/// Implementation rationale: a guarded function returns an error type of the application's own, which may show its sources or
/// not, and may be no `std::error::Error` at all. What can be known of any such type is whether the denial that was raised is
/// still there: an error that was made from one and keeps it keeps its mark alive.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// A lock because rungs may raise denials from any thread; held for one walk.
    raised: Mutex<Vec<Raised>>,
    /// The witness of the future around this one.
    outer: Option<Arc<Self>>,
}

/// A denial as it was raised.
#[derive(Debug)]
struct Raised {
    mark: Weak<()>,
    denial: Error,
}

impl Witness {
    /// A witness within the one that is there, if one is.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { raised: Mutex::default(), outer: Self::current() })
    }

    /// The witness of the future that runs here.
    pub(crate) fn current() -> Option<Arc<Self>> {
        WITNESS.try_with(Arc::clone).ok()
    }

    /// Runs a future under this witness.
    pub(crate) async fn watch<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        WITNESS.scope(Arc::clone(self), future).await
    }

    /// The first denial that is still held somewhere, where every such denial allows a fallback.
    pub(crate) fn denial_that_allows_a_fallback(&self) -> Option<Error> {
        let raised = std::mem::take(&mut *self.raised.lock().unwrap_or_else(PoisonError::into_inner));
        let mut held: Vec<_> = raised.into_iter().filter(|raised| raised.mark.strong_count() > 0).collect();
        let allowed = held.iter().all(|raised| raised.denial.allows_fallback());
        (allowed && !held.is_empty()).then(|| held.swap_remove(0).denial)
    }

    fn note(&self, mark: &Arc<()>, denial: &impl Fn() -> Error) {
        let raised = Raised { mark: Arc::downgrade(mark), denial: denial() };
        let mut held = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        // An agent may be denied for hours within one rung.
        held.retain(|raised| raised.mark.strong_count() > 0);
        held.push(raised);
        drop(held);
        if let Some(outer) = &self.outer {
            outer.note(mark, denial);
        }
    }
}

/// Lives as long as the denial that it belongs to. A copy of a denial is not the denial.
#[derive(Default)]
pub(super) struct Mark(#[expect(dead_code, reason = "what counts is how long it is held")] Option<Arc<()>>);

impl Clone for Mark {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl PartialEq for Mark {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark")
    }
}

impl Error {
    /// This error as the answer to a reservation of an amount; whoever watches is told of a budget's no.
    pub(crate) fn raised_for(mut self, asked: &Amount) -> Self {
        if let Self::BudgetExceeded { message, retry_after, refusal } = &mut self {
            refusal.asked = Some(asked.clone());
            if let Some(witness) = Witness::current() {
                let mark = Arc::new(());
                witness.note(&mark, &|| Self::BudgetExceeded {
                    message: message.clone(),
                    retry_after: *retry_after,
                    refusal: refusal.clone(),
                });
                refusal.mark = Mark(Some(mark));
            }
        }
        self
    }
}
