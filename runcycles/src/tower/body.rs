//! The body of a governed request's response.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context as Waker, Poll};

use bytes::Buf as _;
use http_body::{Body, Frame, SizeHint};

use super::passage::Frames;
use crate::error::Error;
use crate::transport::BoxFuture;

/// The error of a body: the inner body's own, or an [`Error`].
type BoxError = Box<dyn StdError + Send + Sync>;

/// The body of a governed request's response: the inner service's, frame by frame, within its reservation.
///
/// Its end is told when the settlement has been made or handed to the background. Dropped before its end, it settles as a
/// guarded call does that is cancelled. A reservation that is lost ends it with [`Error::LeaseLost`] where the call's
/// [`HeartbeatPolicy`](crate::HeartbeatPolicy) asks for it.
#[must_use = "a body that is dropped ends its request"]
pub struct BudgetBody<B: Body> {
    state: State<B>,
}

enum State<B: Body> {
    /// Nothing is held for it, or what was is settled.
    Settled(Pin<Box<B>>),
    /// It passes, within its call.
    Passing(Passing<B>),
}

struct Passing<B: Body> {
    /// The call, until it has ended. A lock that nobody takes, since only who owns the body polls it: with it the body can be
    /// shared as clients of HTTP ask of bodies.
    call: Option<Mutex<BoxFuture<'static, Result<(), Error>>>>,
    frames: Frames<B>,
    /// What became of the call in place of its end, until that is told.
    error: Option<Error>,
    /// What is left of the inner body's size.
    left: SizeHint,
}

// No part is pinned in place.
impl<B: Body> Unpin for BudgetBody<B> {}

impl<B: Body> BudgetBody<B> {
    /// A body that nothing is held for.
    pub(super) fn settled(body: B) -> Self {
        Self { state: State::Settled(Box::pin(body)) }
    }

    /// A body whose call has ended, and whose frames are yet to be read.
    pub(super) fn passed(frames: Frames<B>, left: SizeHint) -> Self {
        Self { state: State::Passing(Passing { call: None, frames, error: None, left }) }
    }

    /// A body that its call lets pass.
    pub(super) fn passing(call: BoxFuture<'static, Result<(), Error>>, frames: Frames<B>, left: SizeHint) -> Self {
        Self { state: State::Passing(Passing { call: Some(Mutex::new(call)), frames, error: None, left }) }
    }
}

impl<B> Body for BudgetBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waker: &mut Waker<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match &mut self.state {
            State::Settled(body) => body.as_mut().poll_frame(waker).map_err(Into::into),
            State::Passing(passing) => passing.poll_frame(waker),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Settled(body) => body.is_end_stream(),
            State::Passing(Passing { call, frames, error, .. }) => {
                call.is_none() && frames.is_empty() && error.is_none()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Settled(body) => body.size_hint(),
            State::Passing(passing) => passing.left,
        }
    }
}

impl<B> Passing<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    fn poll_frame(&mut self, waker: &mut Waker<'_>) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        if self.frames.is_empty() {
            let call = self.call.as_mut().map(|call| call.get_mut().unwrap_or_else(PoisonError::into_inner));
            if let Some(Poll::Ready(ended)) = call.map(|call| call.as_mut().poll(waker)) {
                self.call = None;
                self.error = ended.err();
            }
        }
        match (self.frames.take(), self.error.take()) {
            (Some(frame), error) => {
                self.error = error;
                if let Some(data) = frame.as_ref().ok().and_then(Frame::data_ref) {
                    self.left = less(&self.left, data.remaining() as u64);
                }
                Poll::Ready(Some(frame.map_err(Into::into)))
            }
            (None, Some(error)) => Poll::Ready(Some(Err(error.into()))),
            (None, None) if self.call.is_some() => Poll::Pending,
            (None, None) => Poll::Ready(None),
        }
    }
}

/// What is left of a size after some bytes.
fn less(size: &SizeHint, bytes: u64) -> SizeHint {
    let mut left = SizeHint::new();
    if let Some(upper) = size.upper() {
        left.set_upper(upper.saturating_sub(bytes));
    }
    left.set_lower(size.lower().saturating_sub(bytes));
    left
}

impl<B: Body> fmt::Debug for BudgetBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Settled(_) => "BudgetBody(settled)",
            State::Passing(Passing { call: Some(_), .. }) => "BudgetBody(passing)",
            State::Passing(_) => "BudgetBody(ended)",
        })
    }
}
