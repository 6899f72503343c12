//! The door that every request comes through: faults first, then rulings, then the router, then the record.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use runcycles::models::ErrorCode;

use crate::faults::{Call, Fault, RecordedRequest, Script};
use crate::http::Router;
use crate::store::Unwritten;
use crate::testing::{Ruling, Rulings};

/// Answers requests, unless something was told to go wrong.
#[derive(Debug)]
pub(crate) struct Front {
    router: Router,
    script: Script,
    rulings: Rulings,
    record: Option<Mutex<Vec<RecordedRequest>>>,
}

/// The client gets no answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on purpose")]
pub(crate) struct Dropped;

impl Front {
    pub(crate) fn new(router: Router, record_requests: bool) -> Self {
        Self {
            router,
            script: Script::default(),
            rulings: Rulings::default(),
            record: record_requests.then(Mutex::default),
        }
    }

    pub(crate) fn inject(&self, call: Option<Call>, fault: Fault) {
        self.script.add(call, fault);
    }

    pub(crate) fn rule(&self, ruling: Ruling) {
        self.rulings.add(ruling);
    }

    /// The rulings that were not applied as often as they were meant to be, in words.
    pub(crate) fn unplayed_rulings(&self) -> Vec<String> {
        self.rulings.unplayed()
    }

    pub(crate) fn pending_faults(&self) -> usize {
        self.script.len()
    }

    /// Notes that other machines come through this door from now on.
    pub(crate) fn expose(&self) {
        self.router.expose();
    }

    /// Whether requests are recorded.
    pub(crate) fn records(&self) -> bool {
        self.record.is_some()
    }

    /// What was recorded so far.
    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        let record = self.record.as_ref().map(|record| record.lock().unwrap_or_else(PoisonError::into_inner).clone());
        record.unwrap_or_default()
    }

    /// The fault that is for a request, if there is one; it is for no other then.
    pub(crate) fn fault_for(&self, request: &Request<Bytes>) -> Option<Fault> {
        self.script.take(request)
    }

    /// Answers a request that nothing goes wrong with. The answer may not leave while there is something
    /// [`unwritten`](Self::unwritten).
    pub(crate) fn handle(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let response = self.act(request);
        self.note(request, Some(&response));
        response
    }

    /// The router itself, where nothing is to go wrong, ruled or recorded, and answers are plain.
    pub(crate) fn router_alone(&self) -> Option<&Router> {
        let is_left_alone = self.script.len() == 0 && self.rulings.is_empty() && self.record.is_none();
        (is_left_alone && self.router.answers_plainly()).then_some(&self.router)
    }

    /// Acts on a request, as a ruling says where there is one for it.
    fn act(&self, request: &Request<Bytes>) -> Response<Bytes> {
        match self.rulings.on(request) {
            None => self.router.handle(request),
            Some(effect) => self.router.rule(request, effect),
        }
    }

    /// What answers must wait for before they may leave.
    pub(crate) fn unwritten(&self) -> Option<Unwritten> {
        self.router.unwritten()
    }

    /// Answers a request, or lets it go wrong. The answer is kept.
    pub(crate) async fn answer(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Dropped> {
        let answer = match self.fault_for(request) {
            None => self.handle(request),
            Some(fault) => self.go_wrong(request, fault).await?,
        };
        Ok(self.hold_back(answer, request).await)
    }

    /// Holds an answer back until everything it says is kept.
    pub(crate) async fn hold_back(&self, answer: Response<Bytes>, request: &Request<Bytes>) -> Response<Bytes> {
        match self.unwritten() {
            None => answer,
            Some(unwritten) => self.router.hold_back(answer, request.headers(), unwritten).await,
        }
    }

    /// The answer to a request whose body was refused before it was read to its end.
    pub(crate) fn refuse_body(&self, headers: &HeaderMap, status: StatusCode, message: String) -> Response<Bytes> {
        self.router.refuse(headers, status, ErrorCode::InvalidRequest, message)
    }

    pub(crate) async fn go_wrong(&self, request: &Request<Bytes>, fault: Fault) -> Result<Response<Bytes>, Dropped> {
        let refuse =
            |status, code, message: &str| self.router.refuse(request.headers(), status, code, message.to_owned());
        let response = match fault {
            Fault::LoseResponse => {
                self.act(request);
                self.note(request, None);
                return Err(Dropped);
            }
            Fault::DropConnection => {
                self.note(request, None);
                return Err(Dropped);
            }
            Fault::Delay(delay) => {
                let response = self.act(request);
                tokio::time::sleep(delay).await;
                response
            }
            Fault::Status(status) => refuse(status, ErrorCode::InternalError, "This answer was scripted"),
            Fault::RateLimited { retry_after } => {
                let message = "Too many requests: this answer was scripted";
                let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, ErrorCode::LimitExceeded, message);
                let seconds = HeaderValue::from(retry_after.as_secs());
                response.headers_mut().insert(header::RETRY_AFTER, seconds.clone());
                response.headers_mut().insert("x-ratelimit-reset", seconds);
                response
            }
            Fault::MalformedSuccess => {
                let response = self.act(request);
                response.map(|body| body.slice(..body.len() / 2))
            }
            Fault::Deny => {
                let message = "Budget exceeded for: this denial was scripted";
                refuse(StatusCode::CONFLICT, ErrorCode::BudgetExceeded, message)
            }
        };
        self.note(request, Some(&response));
        Ok(response)
    }

    fn note(&self, request: &Request<Bytes>, answer: Option<&Response<Bytes>>) {
        if let Some(record) = &self.record {
            record.lock().unwrap_or_else(PoisonError::into_inner).push(RecordedRequest::new(request, answer));
        }
    }
}
