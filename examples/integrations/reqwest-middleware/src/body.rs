//! An answer that is settled when it has been read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use runcycles::ReservationGuard;
use runcycles::models::{Amount, CommitRequest};

use crate::budget::Read;

/// An answer that is settled when it has been read: with what its reader found, or with the estimate. Dropped before, it settles
/// by what was found so far, and otherwise by the policy for unknown spend.
pub(crate) struct GuardedBody {
    body: Pin<Box<reqwest::Body>>,
    guard: Option<ReservationGuard>,
    read: Option<Read>,
    /// What the reader has found so far.
    spent: Option<Amount>,
}

impl GuardedBody {
    pub(crate) fn new(body: reqwest::Body, guard: ReservationGuard, read: Option<Read>) -> Self {
        let mut this = Self { body: Box::pin(body), guard: Some(guard), read, spent: None };
        if this.body.is_end_stream() {
            this.end();
        }
        this
    }

    /// Keeps what the reader makes of a part.
    fn tell(&mut self, part: Option<&[u8]>) {
        let found = self.read.as_mut().and_then(|read| read(part));
        if let (Some(spent), Some(guard)) = (found, &self.guard) {
            // An amount in another unit says nothing: the estimate stands for it.
            if guard.set_actual(spent.clone()).is_ok() {
                self.spent = Some(spent);
            }
        }
    }

    /// Settles in the background, where nobody waits for it.
    fn end(&mut self) {
        self.tell(None);
        let Some(guard) = self.guard.take() else { return };
        let is_known = self.spent.is_some();
        let mut commit = CommitRequest::new(self.spent.take().unwrap_or_else(|| guard.reserved().clone()));
        if !is_known {
            commit.metadata.insert("actual_source".to_owned(), "estimate".into());
        }
        drop(guard.commit(commit));
    }
}

impl Body for GuardedBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let frame = ready!(self.body.as_mut().poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.tell(Some(data));
                }
                if self.body.is_end_stream() {
                    self.end();
                }
            }
            Some(Err(_)) => drop(self.guard.take()),
            None => self.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
