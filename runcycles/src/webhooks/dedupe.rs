//! Each event is handled once, however often it arrives.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::Event;
use crate::protocol::EventId;
use crate::transport::BoxFuture;

/// Remembers which events were handled.
///
/// An event is marked after it was handled, not before: a handler that fails or a process that ends on the way must see it
/// again. So deliveries of one event that arrive while the first is still being handled may be handled as well, unless the store
/// locks; handlers bear that. Remember ids for as long as the authority can replay events, 90 days where it keeps to what is
/// recommended.
pub trait Dedupe: Send + Sync {
    /// What can go wrong with the store.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Whether an event was handled.
    fn is_done<'a>(&'a self, id: &'a EventId) -> BoxFuture<'a, Result<bool, Self::Error>>;

    /// Notes that an event was handled.
    fn mark_done<'a>(&'a self, id: &'a EventId) -> BoxFuture<'a, Result<(), Self::Error>>;
}

/// Handles an event unless it was handled before: looks it up, handles it, marks it. `None` means that it was.
///
/// Answer the delivery with a 2xx after a success, and with a 5xx after an error, so that it comes again.
///
/// # Errors
///
/// [`HandleError`]: of the handler, in which case the event is not marked, or of the store.
///
/// # Cancel safety
///
/// Dropping it drops the handler where it stands; the event is not marked then.
pub async fn handle_once<D, T, E, F>(
    dedupe: &D,
    event: &Event,
    handle: impl FnOnce() -> F,
) -> Result<Option<T>, HandleError<E, D::Error>>
where
    D: Dedupe + ?Sized,
    F: Future<Output = Result<T, E>>,
{
    if dedupe.is_done(&event.event_id).await.map_err(HandleError::Dedupe)? {
        return Ok(None);
    }
    let value = handle().await.map_err(HandleError::Handler)?;
    dedupe.mark_done(&event.event_id).await.map_err(HandleError::Dedupe)?;
    Ok(Some(value))
}

/// Why an event counts as not handled.
#[derive(Debug, thiserror::Error)]
pub enum HandleError<E, D> {
    /// The handler failed.
    #[error("the event could not be handled")]
    Handler(#[source] E),
    /// Whether the event was handled could not be looked up or noted; the handler may have run.
    #[error("whether the event was handled could not be looked up or noted")]
    Dedupe(#[source] D),
}

/// The latest events that were handled, in this process: 32 bytes each, the oldest forgotten first.
///
/// It ends with the process, and processes do not share it; keep the ids in a database where that matters.
pub struct RecentEvents {
    capacity: usize,
    /// Looked at and changed in a few instructions, never across an await.
    ids: Mutex<Ids>,
}

/// Ids by their digest, so that the length of an id costs no memory.
#[derive(Default)]
struct Ids {
    known: HashSet<[u8; 32]>,
    in_order: VecDeque<[u8; 32]>,
}

impl RecentEvents {
    /// Remembers as many events, and at least one.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), ids: Mutex::default() }
    }

    fn with_ids<T>(&self, look: impl FnOnce(&mut Ids) -> T) -> T {
        look(&mut self.ids.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Dedupe for RecentEvents {
    type Error = Infallible;

    fn is_done<'a>(&'a self, id: &'a EventId) -> BoxFuture<'a, Result<bool, Infallible>> {
        let digest = digest(id);
        Box::pin(async move { Ok(self.with_ids(|ids| ids.known.contains(&digest))) })
    }

    fn mark_done<'a>(&'a self, id: &'a EventId) -> BoxFuture<'a, Result<(), Infallible>> {
        let digest = digest(id);
        Box::pin(async move {
            self.with_ids(|ids| {
                if !ids.known.insert(digest) {
                    return;
                }
                ids.in_order.push_back(digest);
                if ids.in_order.len() > self.capacity {
                    let oldest = ids.in_order.pop_front();
                    oldest.map(|oldest| ids.known.remove(&oldest));
                }
            });
            Ok(())
        })
    }
}

impl fmt::Debug for RecentEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.with_ids(|ids| ids.in_order.len());
        f.debug_struct("RecentEvents").field("capacity", &self.capacity).field("known", &known).finish_non_exhaustive()
    }
}

fn digest(id: &EventId) -> [u8; 32] {
    Sha256::digest(id.as_str()).into()
}
