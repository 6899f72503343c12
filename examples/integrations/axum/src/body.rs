//! Answers that are made while they are read.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use runcycles::CyclesClient;

/// A body that is made as its caller, whoever reads it.
pub(crate) struct CallersBody {
    body: Body,
    client: CyclesClient,
}

impl CallersBody {
    pub(crate) fn new(body: Body, client: CyclesClient) -> Self {
        Self { body, client }
    }
}

impl HttpBody for CallersBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        waker: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, client } = &mut *self;
        let frame = poll_fn(|waker| Pin::new(&mut *body).poll_frame(waker));
        pin!(client.run(frame)).poll(waker)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
