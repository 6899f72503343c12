//! An answer that is settled when it has been read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::budget::Read;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use runcycles::ReservationGuard;

/// An answer that is settled when it has been read: with what its reader found, or what was told of the request as it was made, or with
/// the estimate. Dropped before, it settles by what was found so far, and otherwise by the policy for unknown spend.
pub(crate) struct GuardedBody {
    body: Pin<Box<reqwest::Body>>,
    guard: Option<ReservationGuard>,
    read: Option<Read>,
}

impl GuardedBody {
    pub(crate) fn new(body: reqwest::Body, guard: ReservationGuard, read: Option<Read>) -> Self {
        let mut this = Self { body: Box::pin(body), guard: Some(guard), read };
        if this.body.is_end_stream() {
            this.end();
        }
        this
    }

    /// Keeps what the reader makes of a part.
    fn tell(&mut self, part: Option<&[u8]>) {
        let found = self.read.as_mut().and_then(|read| read(part));
        if let (Some(spent), Some(guard)) = (found, &self.guard) {
            // An amount in another unit says nothing.
            drop(guard.set_actual(spent));
        }
    }

    /// Settles in the background, where nobody waits for it.
    fn end(&mut self) {
        self.tell(None);
        drop(self.guard.take().map(ReservationGuard::commit_known));
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
