//! A transport that plants faults between the kit and an authority.

use bytes::Bytes;
use http::{Method, Request, Response};
use runcycles::{BoxFuture, Transport, TransportError};
use runcycles_authority::InProcess;
use serde_json::Value;

/// A request as a fault sees it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Value,
}

impl Asked {
    fn read(request: &Request<Bytes>) -> Self {
        let body = serde_json::from_slice(request.body()).unwrap_or_default();
        Self { method: request.method().clone(), path: request.uri().path().to_owned(), body }
    }

    pub(crate) fn is_reserve(&self) -> bool {
        self.method == Method::POST && self.path == "/v1/reservations"
    }

    pub(crate) fn ends_with(&self, end: &str) -> bool {
        self.path.ends_with(end)
    }
}

/// What is wrong with a server: by default nothing.
pub(crate) struct Fault {
    /// Changes a request's body before the server sees it.
    pub(crate) asked: fn(&mut Asked),
    /// Makes the server see the request's body a second time, changed like this.
    pub(crate) twice: fn(&Asked) -> Option<Value>,
    /// Changes the answer: its status, headers and body.
    pub(crate) answered: fn(&Asked, &mut Response<Value>),
}

pub(crate) const NO_FAULT: Fault = Fault { asked: |_| {}, twice: |_| None, answered: |_, _| {} };

/// An authority behind a fault.
pub(crate) struct Faulty {
    pub(crate) authority: InProcess,
    pub(crate) fault: Fault,
}

impl Transport for Faulty {
    fn call(&self, mut request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let mut asked = Asked::read(&request);
            if asked.body.is_object() {
                (self.fault.asked)(&mut asked);
                *request.body_mut() = asked.body.to_string().into();
            }
            let again = (self.fault.twice)(&asked).map(|body| {
                let mut again = request.clone();
                *again.body_mut() = body.to_string().into();
                again
            });
            let (head, body) = self.authority.call(request).await?.into_parts();
            if let Some(again) = again {
                self.authority.call(again).await?;
            }
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let mut answer = Response::from_parts(head, body);
            (self.fault.answered)(&asked, &mut answer);
            Ok(answer.map(|body| body.to_string().into()))
        })
    }
}
