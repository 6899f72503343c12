//! The way in without a socket.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use runcycles::{BoxFuture, Transport, TransportError, TransportErrorKind};

use crate::front::Front;

/// Hands requests to an authority in the same process: no socket, no thread, no timer.
///
/// The answer is there when the call returns, unless a fault was injected, so a paused clock of tokio does not disturb it.
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
            None => Box::pin(ready(Ok(self.front.handle(&request)))),
            Some(fault) => Box::pin(async move {
                let answer = self.front.go_wrong(&request, fault).await;
                answer.map_err(|dropped| TransportError::with_source(TransportErrorKind::Interrupted, dropped))
            }),
        }
    }
}
