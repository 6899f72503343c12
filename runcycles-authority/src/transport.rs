//! The way in without a socket.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use runcycles::__direct::{Direct, DirectAnswer, DirectCommit, DirectHold};
use runcycles::models::{CommitRequest, ReservationCreateRequest, ReservationId};
use runcycles::{BoxFuture, Transport, TransportError, TransportErrorKind};

use crate::front::Front;

/// Hands requests to an authority in the same process: no socket, no thread, no timer.
///
/// The answer is there when the call returns, unless a fault was injected, so a paused clock of tokio does not disturb it.
/// Where the authority keeps its state on disk, the future waits until that has what the answer says: another thread wakes
/// it, so no thread is blocked and no runtime is needed.
#[derive(Clone, Debug)]
pub struct InProcess {
    front: Arc<Front>,
}

impl InProcess {
    pub(crate) fn new(front: Arc<Front>) -> Self {
        Self { front }
    }
}

impl Transport for InProcess {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        match self.front.fault_for(&request) {
            None => {
                let answer = self.front.handle(&request);
                match self.front.unwritten() {
                    None => Box::pin(ready(Ok(answer))),
                    Some(_) => Box::pin(async move { Ok(self.front.hold_back(answer, &request).await) }),
                }
            }
            Some(fault) => Box::pin(async move {
                let answer = self.front.go_wrong(&request, fault).await;
                let interrupted = |dropped| TransportError::with_source(TransportErrorKind::Interrupted, dropped);
                Ok(self.front.hold_back(answer.map_err(interrupted)?, &request).await)
            }),
        }
    }

    fn direct(&self) -> Option<&dyn Direct> {
        Some(self)
    }
}

impl Direct for InProcess {
    fn reserve(
        &self,
        headers: &HeaderMap,
        request: &ReservationCreateRequest,
    ) -> Option<DirectAnswer<(ReservationId, DirectHold)>> {
        self.front.router_alone()?.hold_directly(headers, request)
    }

    fn commit(
        &self,
        headers: &HeaderMap,
        id: &ReservationId,
        request: &CommitRequest,
    ) -> Option<DirectAnswer<DirectCommit>> {
        self.front.router_alone()?.settle_directly(headers, id, request)
    }
}
