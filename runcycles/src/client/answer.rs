//! From an HTTP answer to a typed one.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::deprecated_kinds;
use super::metadata::{Response, ResponseMetadata};
use crate::error::Error;
use crate::protocol::{
    ActionKind, ActionKindPage, BalanceResponse, CommitResponse, CommitStatus, DecisionResponse, ErrorResponse,
    EventCreateResponse, EventStatus, ExtendResponse, ExtendStatus, ReleaseResponse, ReleaseStatus,
    ReservationCreateResponse, ReservationDetail, ReservationId, ReservationListResponse,
};

/// A body that one operation answers with.
pub trait Answer: DeserializeOwned + Send + 'static {
    /// The operation, as messages name it.
    const OPERATION: &'static str;
    /// The statuses that mean success: one for each operation of the runtime plane.
    const SUCCESS: &'static [StatusCode] = &[StatusCode::OK];
    /// Whether the operation names a subject, so that `NOT_FOUND` means a missing budget.
    const NAMES_SUBJECT: bool = false;

    /// What makes a well-typed body unusable all the same.
    fn problem(&self) -> Option<String> {
        None
    }
}

/// Declares the operations and their answers: the name, and the state the answer must report.
macro_rules! answers {
    ($( $answer:ty, $operation:literal $(, $status:expr)?; )*) => {
        $( impl Answer for $answer {
            const OPERATION: &'static str = $operation;

            $( fn problem(&self) -> Option<String> {
                (self.status != $status).then(|| format!("the status is {}, not {}", self.status, $status))
            } )?
        } )*
    };
}

answers! {
    CommitResponse, "commit", CommitStatus::Committed;
    ReleaseResponse, "release", ReleaseStatus::Released;
    ExtendResponse, "extend", ExtendStatus::Active;
    ReservationDetail, "get reservation";
    ReservationListResponse, "list reservations";
    BalanceResponse, "get balances";
    ActionKindPage, "list action kinds";
    ActionKind, "get action kind";
}

impl Answer for ReservationCreateResponse {
    const OPERATION: &'static str = "reserve";
    const NAMES_SUBJECT: bool = true;
}

impl Answer for DecisionResponse {
    const OPERATION: &'static str = "decide";
    const NAMES_SUBJECT: bool = true;
}

impl Answer for EventCreateResponse {
    const OPERATION: &'static str = "create event";
    const SUCCESS: &'static [StatusCode] = &[StatusCode::CREATED];
    const NAMES_SUBJECT: bool = true;

    fn problem(&self) -> Option<String> {
        (self.status != EventStatus::Applied).then(|| format!("the status is {}, not APPLIED", self.status))
    }
}

/// Reads an answer: a success of exactly the expected status and shape, a refusal, or something unusable.
pub(crate) fn read<T: Answer>(answer: http::Response<bytes::Bytes>) -> Result<Response<T>, Error> {
    let (head, body) = answer.into_parts();
    let status = head.status;
    if T::NAMES_SUBJECT {
        deprecated_kinds::notice(&head.headers);
    }
    if T::SUCCESS.contains(&status) {
        let problem = match serde_json::from_slice::<T>(&body) {
            Ok(value) => match value.problem() {
                None => return Ok(Response { value, metadata: ResponseMetadata::new(head.headers) }),
                Some(problem) => problem,
            },
            Err(error) => format!("HTTP {} with a body that does not fit the protocol: {error}", status.as_u16()),
        };
        return Err(Error::Ambiguous { operation: T::OPERATION, problem, reservation_id: find_reservation(&body) });
    }
    if status.is_client_error() || status.is_server_error() {
        let refusal = serde_json::from_slice::<ErrorResponse>(&body).ok();
        return Err(Error::from_refusal(status.as_u16(), &head.headers, refusal, T::NAMES_SUBJECT));
    }
    let problem = if status.is_redirection() {
        format!(
            "HTTP {}: redirects are not followed, since the API key would travel; correct the base URL",
            status.as_u16()
        )
    } else {
        let expected: Vec<_> = T::SUCCESS.iter().map(StatusCode::as_str).collect();
        format!("HTTP {} instead of {}", status.as_u16(), expected.join(" or "))
    };
    Err(Error::Ambiguous { operation: T::OPERATION, problem, reservation_id: find_reservation(&body) })
}

/// A reservation named by a body that is otherwise unusable, so that its hold can be returned.
fn find_reservation(body: &[u8]) -> Option<ReservationId> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    ReservationId::new(body.get("reservation_id")?.as_str()?).ok()
}
