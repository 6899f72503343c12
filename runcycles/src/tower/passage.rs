//! A body on its way from the inner service to whoever reads it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Waker, Poll};

use bytes::Buf as _;
use http::header::{CONTENT_LENGTH, TRAILER};
use http::response::Parts;
use http_body::{Body, Frame};

use crate::lifecycle::Context;
use crate::protocol::Amount;

/// What a layer reads a body with, to say what it cost.
pub(super) type Reader<D> = Box<dyn FnMut(Option<&Frame<D>>) -> Option<Amount> + Send>;

/// The frames between the inner body and the outer one: most often none or one.
///
/// A lock because both belong to one task, which may move between threads; held to put a frame in or to take it out.
pub(super) struct Frames<B: Body>(Arc<Mutex<VecDeque<Passed<B>>>>);

/// A frame, or the body's error.
type Passed<B> = Result<Frame<<B as Body>::Data>, <B as Body>::Error>;

impl<B: Body> Frames<B> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    pub(super) fn take(&self) -> Option<Passed<B>> {
        self.queue().pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue().is_empty()
    }

    fn put(&self, frame: Passed<B>) {
        self.queue().push_back(frame);
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Passed<B>>> {
        // A queue is whole after every change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Body> Clone for Frames<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Complete,
    Failed,
}

/// What is counted of a body as it passes.
pub(super) struct Passage<B: Body> {
    frames: Frames<B>,
    reader: Option<Reader<B::Data>>,
    context: Context,
    /// How many bytes are missing, where the response says how many there are. Servers read no further than that.
    missing: Option<u64>,
    /// Whether the response says that something follows its bytes.
    has_trailers: bool,
}

impl<B: Body> Passage<B> {
    pub(super) fn new(
        frames: Frames<B>,
        reader: Option<Reader<B::Data>>,
        context: Context,
        head: &Parts,
        body: &B,
    ) -> Self {
        let announced = || head.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        let missing = body.size_hint().exact().or_else(announced);
        let has_trailers = head.headers.contains_key(TRAILER);
        Self { frames, reader, context, missing, has_trailers }
    }

    /// Lets what is there of a body pass, before anybody reads it; how the body ends, if that was all of it.
    pub(super) async fn pass_at_once(&mut self, mut body: Pin<&mut B>) -> Option<End> {
        poll_fn(|waker| match self.poll_pass(body.as_mut(), waker) {
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    /// Lets a body pass, one frame for each poll of the outer body.
    ///
    /// The first poll lets nothing pass: the head of the response is handed over then.
    pub(super) async fn pass(mut self, mut body: Pin<&mut B>) -> End {
        let mut is_open = false;
        poll_fn(|waker| {
            if !std::mem::replace(&mut is_open, true) || !self.frames.is_empty() {
                return Poll::Pending;
            }
            match self.poll_pass(body.as_mut(), waker) {
                Poll::Ready(Some(end)) => Poll::Ready(end),
                Poll::Ready(None) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Lets one frame pass, and what is there behind the last byte; how the body ends, if it does.
    fn poll_pass(&mut self, mut body: Pin<&mut B>, waker: &mut Waker<'_>) -> Poll<Option<End>> {
        loop {
            let Poll::Ready(frame) = body.as_mut().poll_frame(waker) else {
                // All bytes are there and nothing else was announced: nobody may come to ask for the end.
                if self.missing == Some(0) && !self.has_trailers {
                    self.tell(None);
                    return Poll::Ready(Some(End::Complete));
                }
                return Poll::Pending;
            };
            let is_last = match &frame {
                None => true,
                Some(Ok(frame)) => self.read(frame, &*body),
                Some(Err(_)) => false,
            };
            if is_last {
                self.tell(None);
            }
            let has_failed = matches!(frame, Some(Err(_)));
            if let Some(frame) = frame {
                self.frames.put(frame);
            }
            match (has_failed, is_last) {
                (true, _) => return Poll::Ready(Some(End::Failed)),
                (_, true) => return Poll::Ready(Some(End::Complete)),
                // All bytes are there: the end is, too, or nobody may come to ask for it.
                _ if self.missing == Some(0) => {}
                _ => return Poll::Ready(None),
            }
        }
    }

    /// Reads a frame; whether it is the last one.
    fn read(&mut self, frame: &Frame<B::Data>, body: &B) -> bool {
        self.tell(Some(frame));
        if let (Some(missing), Some(data)) = (&mut self.missing, frame.data_ref()) {
            *missing = missing.saturating_sub(data.remaining() as u64);
        }
        body.is_end_stream()
    }

    /// Tells the context what the reader makes of a frame, or of the end.
    pub(super) fn tell(&mut self, frame: Option<&Frame<B::Data>>) {
        let Some(spent) = self.reader.as_mut().and_then(|reader| reader(frame)) else { return };
        if let Err(error) = self.context.set_actual(spent) {
            tracing::warn!(reservation_id = %self.context.reservation_id(), %error, "what a body cost is unusable; left out");
        }
    }
}
