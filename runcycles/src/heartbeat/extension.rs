//! One extension of one reservation, sent and sent again.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::{Attempt, Outcome};
use super::schedule::Failure;
use crate::client::{Prepared, Response, Shared, read_answer};
use crate::error::{Error, TransportError, TransportErrorKind};
use crate::protocol::{ExtendRequest, ExtendResponse};
use crate::reservation::Reservation;

/// One extension of one reservation: one key and one byte sequence, however often it is sent.
#[derive(Debug)]
pub(super) struct Extension {
    reservation: Arc<Reservation>,
    request: ExtendRequest,
    prepared: Option<Prepared>,
}

impl Extension {
    pub(super) fn new(reservation: &Arc<Reservation>, extend_by: Duration) -> Self {
        Self { reservation: Arc::clone(reservation), request: ExtendRequest::new(extend_by), prepared: None }
    }

    /// Makes one attempt.
    pub(super) async fn attempt(mut self: Box<Self>, shared: &Shared, timeout: Duration) -> Attempt {
        let sent_at = Instant::now();
        let answer = self.send_and_survive(shared, timeout).await;
        let finished_at = Instant::now();
        let outcome = match answer {
            Ok(Response { value, .. }) => Outcome::Granted {
                sent_at,
                received_at: finished_at,
                expires_at_ms: value.expires_at_ms,
                remaining_ttl_ms: value.remaining_ttl_ms,
            },
            Err(error) => Outcome::Failed { at: finished_at, failure: failure(&error), error },
        };
        Attempt { extension: self, finished_at, outcome }
    }

    /// Sends it, and takes a transport that panics for one that brought no answer: the lease is to be extended all the same, and
    /// the other reservations' too.
    async fn send_and_survive(
        &mut self,
        shared: &Shared,
        timeout: Duration,
    ) -> Result<Response<ExtendResponse>, Error> {
        let mut sending = pin!(self.send(shared, timeout));
        let panicked = || TransportError::with_source(TransportErrorKind::Interrupted, "the transport panicked");
        poll_fn(|cx| {
            // A future that panicked is not polled again.
            catch_unwind(AssertUnwindSafe(|| sending.as_mut().poll(cx)))
                .unwrap_or_else(|_| Poll::Ready(Err(panicked().into())))
        })
        .await
    }

    async fn send(&mut self, shared: &Shared, timeout: Duration) -> Result<Response<ExtendResponse>, Error> {
        let prepared = match &self.prepared {
            Some(prepared) => prepared,
            None => {
                let uri = shared.connection.endpoint.reservation(&self.reservation.id, "/extend")?;
                let prepared = Prepared::post(uri, &self.request)?.traced(self.reservation.trace.clone());
                self.prepared.insert(prepared)
            }
        };
        let answer = shared.connection.attempt(prepared, timeout).await?;
        read_answer(answer)
    }
}

/// How the schedule sees an error.
fn failure(error: &Error) -> Failure {
    match error.status() {
        Some(429) => Failure::Throttled(error.retry_after()),
        Some(status @ 400..500) => Failure::Refused { status, code: error.code().cloned() },
        _ => Failure::Ambiguous,
    }
}
